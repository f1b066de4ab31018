// Runs inside the page once it has loaded; leaves what it saw as JSON in an element that the test reads from the DOM.
(function () {
  "use strict";
  function markCount(svg) {
    var view = svg.viewBox.baseVal, count = 0;
    svg.querySelectorAll("circle, path, rect, polygon, polyline").forEach(function (mark) {
      var box = mark.getBBox();
      var inside = box.x < view.x + view.width && box.y < view.y + view.height && box.x + box.width >= view.x &&
        box.y + box.height >= view.y;
      if (inside && box.width + box.height > 0) count++;
    });
    return count;
  }
  function notFinite(svg) {
    return Array.prototype.filter.call(svg.querySelectorAll("*"), function (node) {
      return Array.prototype.some.call(node.attributes, function (attribute) {
        return attribute.name !== "aria-label" && /\b(NaN|[Ii]nf(inity)?|undefined)\b/.test(attribute.value);
      });
    }).length;
  }
  function column(table, index) {
    return Array.prototype.map.call(table.tBodies[0].rows, function (row) {
      var cell = row.cells[index];
      return cell.hasAttribute("data-k") ? cell.getAttribute("data-k") : cell.textContent;
    });
  }
  function sorted(table) {
    return Array.prototype.map.call(table.tHead.rows[0].cells, function (head, index) {
      var before = column(table, index);
      head.querySelector("button").click();
      var up = column(table, index), upSaid = head.getAttribute("aria-sort");
      head.querySelector("button").click();
      return {title: head.textContent, before: before, up: up, upSaid: upSaid, down: column(table, index),
        downSaid: head.getAttribute("aria-sort")};
    });
  }
  window.addEventListener("load", function () {
    var seen = {
      plots: Array.prototype.map.call(document.querySelectorAll("svg"), function (svg) {
        var title = svg.querySelector("title");
        return {title: title ? title.textContent : "", marks: markCount(svg), notFinite: notFinite(svg)};
      }),
      tables: Array.prototype.map.call(document.querySelectorAll("table.sortable"), function (table) {
        return {id: table.id, columns: sorted(table)};
      }),
      resources: performance.getEntriesByType("resource").map(function (entry) { return entry.name; })
    };
    var element = document.createElement("script");
    element.type = "application/json";
    element.id = "seen";
    element.textContent = JSON.stringify(seen).replace(/</g, "\\u003c");
    document.body.appendChild(element);
  });
})();
