# find_package(immucan): the libraries of the toolkit and what they need from the system.
include(${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/immucan-targets.cmake)
