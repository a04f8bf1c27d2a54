"""What every kind of test has in common."""

import dataclasses
import pathlib
import subprocess
import threading
import time


class Failure(Exception):
    """Ends a test as failed; the text says why, in one line."""


@dataclasses.dataclass
class Context:
    """What a test may use while it runs."""

    root: pathlib.Path  # the project
    build: pathlib.Path  # relative to root, like every path below
    debug: str  # "0" or "1"
    directory: pathlib.Path  # the test's own, empty at the start
    patience: float  # factor for time limits
    stop: threading.Event  # set when the whole run is being ended

    def make(self, *goals):
        """The command that builds goals like the run's own build."""
        return ["make", f"BUILD={self.build}", f"DEBUG={self.debug}", *goals]


@dataclasses.dataclass
class Test:
    """A named test. Subclasses define run(), which returns when passed and else raises Failure."""

    name: str
    time_limit: float = dataclasses.field(default=60, kw_only=True)  # seconds
    cores: int = dataclasses.field(default=1, kw_only=True)  # processor cores it keeps busy

    needs_images = False  # whether the boot image must have been built
    host_target = None  # the make goal, relative to the build directory, that it executes

    def run(self, context):
        raise NotImplementedError


class Process:
    """A program that runs for a test, its output in a file; a context manager that ends it."""

    def __init__(self, command, log, cwd=None):
        self._log = open(log, "ab")
        try:
            # A session of its own, so that Ctrl-C reaches the harness only.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                cwd=cwd, start_new_session=True)  # fmt: skip
        except OSError as error:
            self._log.close()
            raise Failure(f"cannot start {command[0]}: {error.strerror}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status() is None:
            self._process.kill()
        self._process.wait()
        self._log.close()

    def status(self):
        """The exit status, or None while it runs."""
        return self._process.poll()


def run_program(context, command, time_limit, log, cwd=None):
    """Runs a program to its end; a Failure unless its exit status is 0."""
    deadline = time.monotonic() + time_limit * context.patience
    with Process(command, log, cwd) as process:
        while process.status() is None:
            if context.stop.is_set():
                raise Failure("interrupted")
            if time.monotonic() > deadline:
                raise Failure(f"{command[0]} still runs after {time_limit:g} s; see {log}")
            time.sleep(0.02)
        if process.status() != 0:
            raise Failure(f"{command[0]} ended with status {process.status()}; see {log}")
