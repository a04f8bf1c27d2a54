"""Knows all tests."""

from system import boot, faults, infrastructure, linux_network, parent, refusals

from . import host


def all_tests():
    tests = [*host.discover(), *infrastructure.TESTS, *boot.TESTS, *refusals.TESTS, *faults.TESTS,
             *linux_network.TESTS, *parent.TESTS]  # fmt: skip
    names = [test.name for test in tests]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"tests with the same name: {sorted(twice)}")
    return sorted(tests, key=lambda test: test.name)


def select(prefixes):
    """The tests whose names begin with one of the prefixes; all without any."""
    return [test for test in all_tests() if test.name.startswith(tuple(prefixes) or "")]
