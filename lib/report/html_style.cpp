#include "report/html_style.h"

namespace immucan::report {

std::string_view page_style() {
  return R"css(
:root{--ink:#1b2127;--muted:#5a6572;--grid:#e6eaee;--axis:#98a3ae;--paper:#ffffff;--faint:#f4f6f8;--ground:#eef1f4;--line:#d8dee4;--accent:#0072B2;--warn:#9a4a00;--warn-ground:#fdf0e3;color-scheme:light}
@media (prefers-color-scheme:dark){:root{--ink:#e9edf1;--muted:#a9b4bf;--grid:#323a42;--axis:#75818d;--paper:#1c2228;--faint:#252c33;--ground:#13171b;--line:#39424b;--accent:#6cbcf0;--warn:#ffb877;--warn-ground:#3a2a18;color-scheme:dark}}
*{box-sizing:border-box}
html{scroll-behavior:smooth}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header.top{background:var(--paper);border-bottom:1px solid var(--line);padding:28px 0 20px}
.wrap{max-width:1180px;margin:0 auto;padding:0 28px}
h1{font-size:27px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em}
h2{font-size:19px;margin:0 0 10px;letter-spacing:-.005em}
h3{font-size:15px;margin:22px 0 6px}
p{margin:0 0 10px;max-width:88ch}
.lead{color:var(--muted);font-size:15px}
.badge{display:inline-block;border:1px solid currentColor;color:var(--warn);border-radius:999px;font-size:12px;font-weight:600;padding:1px 10px;vertical-align:3px;margin-left:10px;white-space:nowrap}
.tiles{display:flex;flex-wrap:wrap;gap:12px;margin-top:18px}
.tile{flex:1 1 130px;background:var(--faint);border:1px solid var(--line);border-radius:10px;padding:10px 14px}
.tile b{display:block;font-size:23px;line-height:1.2;font-variant-numeric:tabular-nums}
.tile span{color:var(--muted);font-size:12.5px}
nav{position:sticky;top:0;z-index:5;background:var(--paper);border-bottom:1px solid var(--line)}
nav .wrap{display:flex;gap:20px;overflow-x:auto;white-space:nowrap}
nav a{color:var(--muted);text-decoration:none;font-size:13.5px;padding:9px 0;border-bottom:2px solid transparent}
nav a:hover,nav a:focus{color:var(--accent);border-color:var(--accent)}
main{padding:22px 0 50px}
section{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:22px 26px;margin:0 auto 18px;scroll-margin-top:52px}
figure{margin:14px 0 6px;overflow-x:auto}
figure svg{max-width:100%;height:auto;display:block}
.row{display:flex;flex-wrap:wrap;gap:18px 30px;align-items:flex-start}
.row svg{flex:0 1 auto}
figcaption{color:var(--muted);font-size:13px;margin-top:8px;max-width:100ch}
.note{background:var(--warn-ground);border-left:3px solid var(--warn);padding:8px 14px;border-radius:4px;max-width:none}
.small{font-size:13px;color:var(--muted)}
.scroll{overflow-x:auto;margin-top:10px}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);padding:0 0 6px}
th,td{padding:5px 8px;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top;white-space:nowrap}
th{position:relative;color:var(--muted);font-weight:600;border-bottom:1px solid var(--axis)}
th button{all:unset;cursor:pointer;font-weight:600}
th button:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
th button::after{content:"\2195";opacity:.35;margin-left:4px;font-size:11px}
th[aria-sort=ascending] button::after{content:"\2191";opacity:1}
th[aria-sort=descending] button::after{content:"\2193";opacity:1}
td.n,th.n{text-align:right}
tbody tr:hover{background:var(--faint)}
td.out{background:var(--warn-ground);color:var(--warn);font-weight:600}
tr.more{display:none}
table.open tr.more{display:table-row}
.chip{display:inline-block;border-radius:4px;padding:0 7px;font-size:12px;border:1px solid var(--line);background:var(--faint);margin-right:4px}
.chip.warn{color:var(--warn);border-color:currentColor;background:var(--warn-ground)}
.chip.strong{font-weight:600;border-color:var(--accent);color:var(--accent);background:transparent}
.dot{display:inline-block;width:9px;height:9px;border-radius:50%;margin-right:6px}
.tools{display:flex;gap:12px;align-items:center;margin-top:10px}
.tools input{font:inherit;font-size:13px;padding:4px 9px;border:1px solid var(--line);border-radius:6px;background:var(--paper);color:var(--ink);min-width:230px}
.tools button{font:inherit;font-size:13px;padding:3px 12px;border:1px solid var(--line);border-radius:6px;background:var(--faint);color:var(--ink);cursor:pointer}
code{font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;word-break:break-all}
footer{color:var(--muted);font-size:13px;padding-bottom:40px}
@media print{
:root{--ink:#000;--muted:#444;--grid:#ddd;--axis:#888;--paper:#fff;--faint:#f6f6f6;--ground:#fff;--line:#ccc;color-scheme:light}
nav,.tools{display:none}
body{font-size:11px}
section{border:0;padding:0;margin-bottom:16px;break-inside:auto}
figure,tr,.tile{break-inside:avoid}
h2{break-after:avoid}
.wrap{max-width:none;padding:0}
th button::after{content:none}
}
)css";
}

std::string_view page_script() {
  return R"js(
(function () {
  "use strict";
  function key(row, column) {
    var cell = row.cells[column];
    return cell.hasAttribute("data-k") ? cell.getAttribute("data-k") : cell.textContent;
  }
  function compare(a, b) {
    var x = Number(a), y = Number(b), xn = a.trim() !== "" && !isNaN(x), yn = b.trim() !== "" && !isNaN(y);
    if (xn && yn) return x - y;
    if (xn !== yn) return xn ? -1 : 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var heads = table.tHead.rows[0].cells;
    Array.prototype.forEach.call(heads, function (head, column) {
      head.querySelector("button").addEventListener("click", function () {
        var down = head.getAttribute("aria-sort") === "ascending", body = table.tBodies[0], shown = 0;
        var rows = Array.prototype.slice.call(body.rows).map(function (row, at) { return [row, at]; });
        var limit = parseInt(table.getAttribute("data-shown"), 10);
        rows.sort(function (a, b) { return (down ? -1 : 1) * compare(key(a[0], column), key(b[0], column)) || a[1] - b[1]; });
        Array.prototype.forEach.call(heads, function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        rows.forEach(function (pair) { pair[0].className = shown++ < limit ? "" : "more"; body.appendChild(pair[0]); });
      });
    });
  });
  document.querySelectorAll("[data-more]").forEach(function (button) {
    button.addEventListener("click", function () {
      var table = document.getElementById(button.getAttribute("data-more"));
      var open = table.classList.toggle("open");
      button.textContent = open ? "show fewer" : button.getAttribute("data-words");
    });
  });
  document.querySelectorAll("[data-filter]").forEach(function (box) {
    box.addEventListener("input", function () {
      var table = document.getElementById(box.getAttribute("data-filter")), words = box.value.toLowerCase();
      if (words) table.classList.add("open");
      Array.prototype.forEach.call(table.tBodies[0].rows, function (row) {
        row.style.display = row.textContent.toLowerCase().indexOf(words) < 0 ? "none" : "";
      });
    });
  });
})();
)js";
}

}  // namespace immucan::report
