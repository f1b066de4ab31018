#pragma once
// What every picture must satisfy: well-formed XML with one root, and marks of the kinds that are expected.
#include <expat.h>

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace immucan::test {

/// Number of elements by name. Fails the test when the text is not well-formed.
inline std::map<std::string, std::size_t> elements_of(const std::string& xml) {
  std::map<std::string, std::size_t> counts;
  const XML_Parser parser = XML_ParserCreate("UTF-8");
  XML_SetUserData(parser, &counts);
  XML_SetElementHandler(
      parser,
      [](void* data, const XML_Char* name, const XML_Char**) {
        ++(*static_cast<std::map<std::string, std::size_t>*>(data))[name];
      },
      nullptr);
  const bool good = XML_Parse(parser, xml.data(), static_cast<int>(xml.size()), 1) == XML_STATUS_OK;
  const XML_LChar* const words = XML_ErrorString(XML_GetErrorCode(parser));
  const std::string error = words == nullptr ? "" : words;
  XML_ParserFree(parser);
  INFO(error);
  REQUIRE(good);
  return counts;
}

/// Every <svg>…</svg> of a page.
inline std::vector<std::string> pictures_of(const std::string& page) {
  std::vector<std::string> pictures;
  for (std::size_t at = page.find("<svg "); at != std::string::npos; at = page.find("<svg ", at + 1)) {
    const std::size_t end = page.find("</svg>", at);
    REQUIRE(end != std::string::npos);
    pictures.push_back(page.substr(at, end + 6 - at));
  }
  return pictures;
}

}  // namespace immucan::test
