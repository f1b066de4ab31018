#include "core/digest.h"

#include <catch2/catch.hpp>
#include <string>

using namespace immucan::core;

TEST_CASE("SHA-256 gives the vectors of FIPS 180-4") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a digest does not depend on how the bytes were cut") {
  Sha256 whole, parts;
  whole.update("abcdef");
  parts.update("ab");
  parts.update("");
  parts.update("cdef");
  CHECK(whole.hex() == parts.hex());
}
