"""The AML that the worker writes, as ACPI's reference implementation sees it (Debian's acpica-tools)."""

import dataclasses
import re

from harness.host import Host
from harness.test import Failure, run_program

# iasl compiles what it has disassembled, but for the id of the bus: Hyper-V's has five letters.
SHORT_ID = "6033"
ERROR = re.compile(r"ACPI (?:Error|Warning|Exception).*|.*AE_[A-Z_]+.*")


@dataclasses.dataclass
class Aml(Host):
    """A unit test's program writes a DSDT: it loads, can be disassembled and compiled again, and its
    methods run."""

    methods: tuple = ()  # each call with what its result has to be, a pattern; "": there is none

    def run(self, context):
        log = context.directory / "output.log"
        aml, source = context.directory / "dsdt.aml", context.directory / "dsdt.dsl"
        again = context.directory / "again"
        run_program(context, context.make(str(context.build / self.program)), 120, log)
        run_program(context, [str(context.build / self.program), str(aml)], self.time_limit, log)
        for command in (["iasl", "-d", str(aml)],
                        ["iasl", "-vw", SHORT_ID, "-p", str(again), str(source)]):  # fmt: skip
            run_program(context, command, self.time_limit, log)
        self._execute(context, aml)

    def _execute(self, context, aml):
        log = context.directory / "execute.log"
        batch = ";".join(f"execute {call}" for call, _ in self.methods) or "namespace"
        run_program(context, ["acpiexec", "-b", batch, str(aml)], self.time_limit, log)
        text = log.read_text(errors="replace")
        error = ERROR.search(text)
        if error:
            raise Failure(f"acpiexec says: {error.group()}")
        for call, result in self.methods:
            name = call.split(" ")[0]
            if result and not re.search(rf"^Evaluation of {re.escape(name)} .*\n(?:.*\n)?.*{result}",
                                        text, re.MULTILINE):  # fmt: skip
                raise Failure(f"{name} does not give {result}; see {log}")


ISA = r"\_SB.PCI0.ISA"

TESTS = [
    Aml("unit-aml-enlightened", "host/unit-worker_acpi"),
    Aml("unit-aml-pc", "host/unit-firmware_tables",
        methods=((rf"{ISA}.LNKA._STA", "0000000B"),
                 (rf"{ISA}.LNKB._DIS", ""),
                 (rf"{ISA}.LNKB._STA", "00000009"),
                 (rf"{ISA}.LNKC._SRS (89 06 00 09 01 0B 00 00 00 79 00)", ""),
                 (rf"{ISA}.LNKC._CRS", "89 06 00 09 01 0B 00 00 00 79"),
                 (rf"{ISA}.LNKS._CRS", "89 06 00 09 01 09 00 00 00 79"),
                 (rf"{ISA}.FDC_._CRS", "47 01 F0 03 F0 03 01 06 47 01 F7 03 F7 03 01 01"),
                 (r"\_SB.PCI0._CRS", "88 0D 00 02 0C 00 00 00"))),
]
