"""The test harness: what a test is (test), its kinds (boot, host, check) and how they are run."""
