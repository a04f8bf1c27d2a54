"""Builds what the tests need, runs them side by side and reports."""

import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

from .test import Context, Failure


@dataclasses.dataclass
class Options:
    root: pathlib.Path
    build: pathlib.Path
    debug: str
    jobs: int  # processor cores
    patience: float


class Cores:
    """Counts the processor cores that running tests keep busy."""

    def __init__(self, count):
        self._count = max(count, 1)
        self._free = self._count
        self._changed = threading.Condition()

    def take(self, wanted):
        """Waits until as many are free; a test that wants more than there are gets all."""
        wanted = min(wanted, self._count)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        return wanted

    def give_back(self, taken):
        with self._changed:
            self._free += taken
            self._changed.notify_all()


class Report:
    """Prints a line per finished test and counts."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self._lock = threading.Lock()

    def finished(self, test, seconds, reason):
        with self._lock:
            if reason is None:
                self.passed += 1
                print(f"ok   {seconds:6.1f} s  {test.name}", flush=True)
            else:
                self.failed += 1
                print(f"FAIL {seconds:6.1f} s  {test.name}: {reason}", flush=True)


def _build(context, goals, log):
    """Builds goals; True if all are there. The rest is built even if one cannot be."""
    command = context.make("-k", f"-j{os.cpu_count()}", *goals)
    with open(log, "wb") as output:
        return subprocess.run(command, stdout=output, stderr=output).returncode == 0


def _run_one(test, context, images_built, report):
    start = time.monotonic()
    reason = None
    try:
        if test.needs_images and not images_built:
            raise Failure(f"the images do not build; see {context.build}/tests/images.log")
        shutil.rmtree(context.directory, ignore_errors=True)
        context.directory.mkdir(parents=True)
        test.run(context)
    except Failure as failure:
        reason = str(failure)
    except Exception as error:  # a broken test is a failed test, and the others go on
        reason = f"the test itself failed: {error!r}"
    report.finished(test, time.monotonic() - start, reason)


def run_all(tests, options):
    """Runs the tests; returns the exit status."""
    # The tests call make themselves: options of a make around us are not theirs.
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"):
        os.environ.pop(name, None)

    logs = options.build / "tests"
    logs.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    base = Context(options.root, options.build, options.debug, logs, options.patience, stop)
    images_built = True
    if any(test.needs_images for test in tests):
        images_built = _build(base, ["all"], logs / "images.log")
    programs = [str(options.build / test.host_target) for test in tests if test.host_target]
    if programs:
        _build(base, programs, logs / "programs.log")

    cores = Cores(options.jobs)
    report = Report()
    threads = []

    def work(test, context, taken):
        try:
            _run_one(test, context, images_built, report)
        finally:
            cores.give_back(taken)

    # Whoever ends the run must not leave emulators behind: the tests that run end theirs.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    # The long ones first, so that none is left over at the end.
    for test in sorted(tests, key=lambda test: -test.time_limit):
        taken = cores.take(test.cores)
        if stop.is_set():
            break
        context = dataclasses.replace(base, directory=logs / test.name)
        threads.append(threading.Thread(target=work, args=(test, context, taken)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    if stop.is_set():
        print(f"interrupted, {len(tests) - len(threads)} tests not run")
    print(f"{report.passed} passed, {report.failed} failed", flush=True)
    return 0 if report.failed == 0 and not stop.is_set() else 1
