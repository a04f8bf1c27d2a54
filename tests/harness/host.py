"""Tests of pure logic that run on the build machine: unit tests and fuzzers (tests/host.mk)."""

import dataclasses
import pathlib

from .test import Test, run_program


@dataclasses.dataclass
class Host(Test):
    """Runs a program that make builds; exit status 0 passes."""

    program: str  # below the build directory
    arguments: tuple = ()

    @property
    def host_target(self):
        return self.program

    def run(self, context):
        program = context.build / self.program
        log = context.directory / "output.log"
        # Does nothing but say the reason if the build of all of them has failed for this one.
        run_program(context, context.make(str(program)), 120, log)
        run_program(context, [str(program.resolve()), *self.arguments], self.time_limit, log)


def discover():
    """One test for each file in tests/unit and tests/fuzz."""
    tests = []
    for source in sorted(pathlib.Path("tests/unit").glob("*.c")):
        tests.append(Host(f"unit-{source.stem}", f"host/unit-{source.stem}"))
    for source in sorted(pathlib.Path("tests/fuzz").glob("*.c")):
        seeds = sorted(pathlib.Path(f"tests/fuzz/corpus/{source.stem}").iterdir())
        # The same inputs each time: a fixed seed, and no directory that finds would be added to.
        arguments = ("-runs=20000", "-seed=1", "-artifact_prefix=/dev/shm/",
                     "-seed_inputs=" + ",".join(map(str, seeds)))
        tests.append(Host(f"unit-fuzz-{source.stem}", f"host/fuzz-{source.stem}", arguments))
    return tests
