"""What a stock kernel complains of that is not the hypervisor's fault."""

import re

# (pattern, on what it says so)
EXPECTED = (
    (r"fail to add MMCONFIG information", "every PC with a PCI bus and without the table MCFG"),
    (r"PCI: Fatal: No config space access function found", "every machine without a PCI bus and EFI"),
    (r"PCI: System does not support PCI", "the same"),
    (r"^ +#\d+$", "every machine: the number of a processor that starts, where its line is torn"),
    (r"tsc: Unable to calibrate against PIT", "an emulated PC that is emulated itself: reading its ports takes too long"),
    (r"tsc: HPET/PMTIMER calibration failed", "the same"),
    (r"APIC calibration not consistent with PM-Timer", "the same: interrupts of its timer are late, and some are left out"),
    (r"Failed to access perfctr msr", "an AMD processor without performance counters: CPUID has no word for it"),
    (r"Unstable clock detected, switching default tracing clock", "a TSC not known to be invariant"),
    (r"If you want to keep using the local clock, then add:", "the same"),
    (r"^  \"trace_clock=local\"", "the same"),
    (r"^on the kernel command line", "the same"),
    (r"^ *#\d+$", "every machine whose processors take long to start: the rest of a line of a lower level"),
)

_LINE = re.compile(r"\bDMESG <\d+>\[ *[\d.]+\] (.*)")


def complaints(text):
    """The lines of the step dmesg that are not expected."""
    return [line for line in _LINE.findall(text)
            if not any(re.search(pattern, line) for pattern, _ in EXPECTED)]  # fmt: skip
