"""Knows all tests."""

import importlib
import pkgutil

import system

from . import host


def all_tests():
    """Those of the host, and the TESTS of each module in tests/system."""
    tests = host.discover()
    for module in pkgutil.iter_modules(system.__path__):
        tests += getattr(importlib.import_module(f"system.{module.name}"), "TESTS", [])
    names = [test.name for test in tests]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"tests with the same name: {sorted(twice)}")
    return sorted(tests, key=lambda test: test.name)


def select(prefixes):
    """The tests whose names begin with one of the prefixes; all without any."""
    return [test for test in all_tests() if test.name.startswith(tuple(prefixes) or "")]
