// Carries the precompiled headers of the unit tests: test_main.cpp cannot, it asks Catch2 for its runner first.
