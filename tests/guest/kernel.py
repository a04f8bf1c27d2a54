"""A Debian kernel: its image, and its modules in the order in which they can be loaded."""

import lzma
import re

from .debian import Missing, unpacked


class Kernel:
    """The files of a kernel package."""

    def __init__(self, build, package):
        files = unpacked(build, package)
        (self.image,) = files.glob("boot/vmlinuz-*")
        (directory,) = files.glob("lib/modules/*")
        self._modules = {_plain(path.name.split(".ko")[0]): path
                         for path in directory.rglob("*.ko*")}  # fmt: skip
        builtin = (directory / "modules.builtin").read_text()
        self._builtin = {_plain(line.split("/")[-1].removesuffix(".ko"))
                         for line in builtin.splitlines()}  # fmt: skip

    def has(self, name):
        return name in self._modules or name in self._builtin

    def modules(self, names):
        """Returns (name, content) of the modules and of those that they need, in loading order.

        What this kernel has built in is left out. Missing: it has no such module.
        """
        found = {}
        for name in names:
            self._add(_plain(name), found)
        return list(found.items())

    def _add(self, name, found):
        if name in found or name in self._builtin:
            return
        if name not in self._modules:
            raise Missing(f"the kernel {self.image.name} has no module {name}")
        path = self._modules[name]
        content = path.read_bytes()
        content = lzma.decompress(content) if path.suffix == ".xz" else content
        # depmod would make modules.dep of these entries when the package is installed.
        needs = re.search(rb"\0depends=([^\0]*)\0", content)
        for need in needs[1].decode().split(",") if needs and needs[1] else []:
            self._add(_plain(need), found)
        found[name] = content


def _plain(name):
    """Modules are called by names in which - and _ are the same."""
    return name.replace("-", "_")
