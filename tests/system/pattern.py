"""The content of test disks and files, which the parent's self tests know, too."""

import array

GOLDEN = 0x9E3779B97F4A7C15  # as selftest_pattern() in parent/kernel/selftest.c
MASK = (1 << 64) - 1


def pattern(size):
    """That many bytes, a multiple of 8: 64-bit words made from their number."""
    return array.array("Q", ((i * GOLDEN) & MASK for i in range(1, size // 8 + 1))).tobytes()
