"""The tests that boot, and those that look at the build as a whole. Each module has a list TESTS."""
