"""The peer: Debian's Linux kernel, and one program as its init."""

import subprocess

from guest import debian, initramfs
from guest.kernel import Kernel
from guest.linux import Guest


def make(build, directory, source, modules, files=()):
    """Builds the system in a directory of its own.

    `source` is init's C file, `modules` are loaded in that order and after what they need, `files`
    are (name, path) of what else init finds in its root directory. debian.Missing: the kernel could
    not be fetched.
    """
    kernel = Kernel(build, debian.CLOUD_KERNEL)
    init = directory / "init"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-I.", "-o", str(init),
                    source], check=True)  # fmt: skip
    contents = {"init": init.read_bytes()}
    contents |= {f"{i}.ko": content for i, (_, content) in enumerate(kernel.modules(modules))}
    contents |= {name: path.read_bytes() for name, path in files}
    result = directory / "initramfs"
    result.write_bytes(initramfs.archive(
        {name: (initramfs.PROGRAM, content) for name, content in contents.items()}, ["dev"]))
    return Guest(kernel.image, result)
