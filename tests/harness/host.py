"""Tests of pure logic that run on the build machine: unit tests and fuzzers (tests/host.mk)."""

import dataclasses
import pathlib

from .test import Test, run_program


@dataclasses.dataclass
class Host(Test):
    """Runs a program that make builds; exit status 0 passes."""

    program: str  # below the build directory

    @property
    def host_target(self):
        return self.program

    def arguments(self, directory):
        return []

    def run(self, context):
        program = context.build / self.program
        log = context.directory / "output.log"
        # Does nothing but say the reason if the build of all of them has failed for this one.
        run_program(context, context.make(str(program)), 120, log)
        command = [str(program), *self.arguments(context.directory)]
        run_program(context, command, self.time_limit, log)


@dataclasses.dataclass
class Fuzz(Host):
    """Runs a fuzzer on its committed inputs and on as many of its own; always the same ones."""

    corpus: str

    RUNS = 20000

    def arguments(self, directory):
        # What it finds goes to the first directory, so that the sources stay as they are.
        found = directory / "found"
        found.mkdir()
        return [f"-runs={self.RUNS}", "-seed=1", f"-artifact_prefix={directory}/", str(found),
                self.corpus]


def discover():
    """One test for each file in tests/unit and tests/fuzz."""
    tests = []
    for source in sorted(pathlib.Path("tests/unit").glob("*.c")):
        tests.append(Host(f"unit-{source.stem}", f"host/unit-{source.stem}"))
    for source in sorted(pathlib.Path("tests/fuzz").glob("*.c")):
        name = source.stem
        tests.append(Fuzz(f"unit-fuzz-{name}", f"host/fuzz-{name}", f"tests/fuzz/corpus/{name}"))
    return tests
