"""The stock guests of tests and benchmarks: Debian's Linux with an initramfs of ours. See docs/testing.md."""
