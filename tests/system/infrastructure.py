"""Checks of the sources and of the build as a whole."""

import dataclasses
import filecmp
import os
import pathlib
import re
import shutil

from harness.test import Failure, Test, run_program

# Who may include from where. Whatever a component is not granted here it may not know.
MAY_INCLUDE = {
    "include": {"include"},
    "lib": {"lib"},
    "boot": {"boot", "include", "lib"},
    "hypervisor": {"hypervisor", "boot", "include", "lib"},
    "parent": {"parent", "vmbus", "vsp", "include", "lib"},
    "vmbus": {"vmbus", "include", "lib"},
    "vsp": {"vsp", "vmbus", "include", "lib", "parent/include"},
    "vsc": {"vsc", "vmbus", "include", "lib"},
    "worker": {"worker", "include", "lib", "parent/user"},
}
# Headers of a freestanding compiler; all else in angle brackets would be the build machine's.
FREESTANDING = {"limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
                "stdnoreturn.h"}  # fmt: skip
GENERATED = {"asm_offsets.inc"}
INCLUDE_LINE = re.compile(r'^\s*[#%]\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)

# What stays of the hypervisor in memory, in bytes.
HYPERVISOR_LIMIT = 128 * 1024


@dataclasses.dataclass
class IncludeRules(Test):
    """No source includes what its component may not know."""

    def run(self, context):
        wrong = []
        for component, allowed in MAY_INCLUDE.items():
            for source in sorted(pathlib.Path(component).rglob("*")):
                if source.is_file():
                    wrong += self._check(source, allowed)
        if wrong:
            (context.directory / "wrong.log").write_text("\n".join(wrong) + "\n")
            raise Failure(f"{len(wrong)} includes break the rules, the first: {wrong[0]}")

    def _check(self, source, allowed):
        for bracket, name in INCLUDE_LINE.findall(source.read_text(errors="replace")):
            if bracket == "<":
                fine = name in FREESTANDING
            else:
                fine = name in GENERATED or any(name.startswith(f"{room}/") for room in allowed)
            if not fine:
                yield f"{source} includes {name}"


@dataclasses.dataclass
class Reproducible(Test):
    """A second build, in a directory of another name and length, gives the same bytes."""

    OUTPUTS = ("veneer.elf", "parent.elf", "veneer.iso")
    needs_images = True

    def run(self, context):
        copy = context.directory / "a-copy-of-the-sources"
        ignore = shutil.ignore_patterns("build", ".git", "__pycache__")
        shutil.copytree(context.root, copy, ignore=ignore)
        command = ["make", f"-j{os.cpu_count()}", "BUILD=out", f"DEBUG={context.debug}"]
        run_program(context, command, self.time_limit, context.directory / "build.log", cwd=copy)
        for output in self.OUTPUTS:
            if not filecmp.cmp(context.build / output, copy / "out" / output, shallow=False):
                raise Failure(f"the two builds differ in {output}; both are kept")
        shutil.rmtree(copy)


@dataclasses.dataclass
class Size(Test):
    """The hypervisor stays small."""

    needs_images = True

    def run(self, context):
        command = ["tools/size", str(context.build), f"--hypervisor-limit={HYPERVISOR_LIMIT}"]
        run_program(context, command, 30, context.directory / "size.log")


TESTS = [
    IncludeRules("unit-include-rules"),
    Reproducible("boot-reproducible", time_limit=300, cores=2),
    Size("boot-size"),
]
