"""Debian's packages, unpacked below the build directory but not installed."""

import contextlib
import fcntl
import re
import shutil
import subprocess

CLOUD_KERNEL = "linux-image-cloud-amd64"  # drivers for virtual machines only
KERNEL = "linux-image-amd64"


class Missing(Exception):
    """Something cannot be had; the text says why, in one line."""


def run(command, directory=None):
    """Returns what a program prints; Missing if it cannot be started or fails."""
    try:
        result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    except OSError as error:
        raise Missing(f"cannot start {command[0]}: {error.strerror}") from error
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise Missing(f"{command[0]} ended with status {result.returncode}: {last}")
    return result.stdout


@contextlib.contextmanager
def only_one(directory):
    """Others that ask for the same directory wait: threads and processes."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _current_kernel(package):
    """The packages without a version depend on the current kernel's own."""
    name = re.search(r"Depends: (linux-image-\S+)", run(["apt-cache", "depends", package]))
    if name is None:
        raise Missing(f"apt knows no {package}; try apt-get update")
    return name[1]


def unpacked(build, package):
    """The directory with a package's files; fetched by apt if it is not there. Any thread."""
    packages = build / "guest" / "packages"
    result = packages / package
    with only_one(packages):
        if result.exists():
            return result
        name = _current_kernel(package) if package in (CLOUD_KERNEL, KERNEL) else package
        # Under its final name only when it is complete.
        partial = packages / f"{package}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        run(["apt-get", "-qq", "download", name], partial)
        (file,) = partial.glob("*.deb")
        run(["dpkg-deb", "-x", str(file), str(partial)])
        file.unlink()
        partial.rename(result)
    return result
