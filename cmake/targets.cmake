# One helper per kind of target, so that flags and include roots are said once.

# Floating-point contraction would make results depend on the instruction set of the build.
add_compile_options(-ffp-contract=off -fno-math-errno)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-march=x86-64-v2)
endif()
add_compile_definitions(EIGEN_MPL2_ONLY EIGEN_DONT_PARALLELIZE IMMUCAN_VERSION="${PROJECT_VERSION}")
if(IMMUCAN_WARNINGS)
  add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Werror)
endif()

# immucan_library(<room> [SOURCES ...] [DEPENDS public targets ...] [PRIVATE third-party targets ...])
function(immucan_library room)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  if(ARG_SOURCES)
    add_library(immucan_${room} STATIC ${ARG_SOURCES})
    target_link_libraries(immucan_${room} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE})
    immucan_exported(immucan_${room} PUBLIC)
    immucan_precompiled(immucan_${room} immucan_core <algorithm> <cstdint> <filesystem> <functional> <map> <memory>
      <optional> <span> <string> <string_view> <vector> <fmt/format.h>)
  else()
    add_library(immucan_${room} INTERFACE)
    target_link_libraries(immucan_${room} INTERFACE ${ARG_DEPENDS})
    immucan_exported(immucan_${room} INTERFACE)
  endif()
endfunction()

# immucan_exported(<library> PUBLIC|INTERFACE): include root here and where installed; part of find_package(immucan).
function(immucan_exported library scope)
  target_include_directories(${library} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib> $<INSTALL_INTERFACE:include/immucan>)
  target_compile_features(${library} ${scope} cxx_std_23)
  install(TARGETS ${library} EXPORT immucan ARCHIVE COMPONENT library)
endfunction()

# immucan_precompiled(<target> <owner> HEADERS...): the owner compiles the headers once, the others take them over.
function(immucan_precompiled target owner)
  if(NOT IMMUCAN_PRECOMPILED)
    return()
  endif()
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
    target_link_libraries(${target} PRIVATE fmt::fmt) # the compiler refuses the owner's headers without fmt's definitions
  endif()
endfunction()

# immucan_tool(<executable> SOURCES ... DEPENDS rooms ...)
function(immucan_tool tool)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${tool} ${ARG_SOURCES})
  target_link_libraries(${tool} PRIVATE immucan_cli ${ARG_DEPENDS})
  install(TARGETS ${tool} RUNTIME)
endfunction()

# immucan_test(<name> SOURCES ... DEPENDS ...): a Catch2 executable registered with ctest.
function(immucan_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE immucan_test_main ${ARG_DEPENDS})
  immucan_precompiled(test_${name} immucan_test_main)
  target_compile_definitions(test_${name} PRIVATE
    IMMUCAN_SOURCE_DIR="${PROJECT_SOURCE_DIR}" IMMUCAN_SHARED_DATA="${PROJECT_SOURCE_DIR}/../shared/data")
  add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
endfunction()

# immucan_fuzz(<target> DEPENDS ...): <target>.cpp with LLVMFuzzerTestOneInput and the seed corpus folder corpus/<target>.
# Under clang with IMMUCAN_FUZZ it is a libFuzzer binary; elsewhere it replays corpus and found crashes as a test.
function(immucan_fuzz target)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  if(IMMUCAN_FUZZ)
    add_executable(fuzz_${target} ${target}.cpp)
    target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(fuzz_${target} ${target}.cpp $<TARGET_OBJECTS:immucan_fuzz_replay>)
    add_test(NAME fuzz_${target} COMMAND fuzz_${target} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${target})
  endif()
  target_link_libraries(fuzz_${target} PRIVATE ${ARG_DEPENDS})
endfunction()
