"""The processors that tests run on, by the names that test names use."""

# Each is (name, fields of emulator.Machine). The backend is the last part of a test's name.
QEMU_SVM = {
    "max": {"platform": "qemu", "model": "max"},
    # The leanest AMD-V machine: no SMEP, SMAP, XSAVE or 1 GiB pages.
    "qemu64": {"platform": "qemu", "model": "qemu64,+svm,+npt"},
}
BOCHS_VMX = {
    # No x2APIC, SMEP or 1 GiB pages, and the fewest VT-x features that we can use.
    "sandybridge": {"platform": "bochs", "model": "corei7_sandy_bridge_2600k"},
    "haswell": {"platform": "bochs", "model": "corei7_haswell_4770"},
    "skylake": {"platform": "bochs", "model": "corei7_skylake_x"},
}
# A second AMD-V, with next-RIP save.
BOCHS_SVM = {"ryzen": {"platform": "bochs", "model": "ryzen"}}

QEMU = QEMU_SVM["max"]
BOCHS = BOCHS_VMX["haswell"]
