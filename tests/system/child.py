"""Child partitions: the demo child runs its self tests, and misbehaves (docs/child.md)."""

from harness.boot import PASSED, TROUBLE, Boot

from .platforms import BOCHS, BOCHS_SVM, BOCHS_VMX, QEMU, QEMU_SVM

MODULES = ("--module=BUILD/demo.elf=demo", "--module=BUILD/programs/worker.elf=worker")
AUTORUN_PASSED = r"^AUTORUN PASS$"
CHILD_PASSED = r"^child: \d+ passed, 0 failed$"


def boot(name, machine, *commands, must=(), cpus=2, **fields):
    """Boots, runs console commands, powers off. All commands have to succeed."""
    fields.setdefault("time_limit", 120)
    fields.setdefault("must_not", (*TROUBLE, r"^AUTORUN FAIL"))
    return Boot(f"child-{name}", {"memory": 512, **machine, "cpus": cpus},
                image_options=MODULES, commands=(*commands, "poweroff"),
                must=(*must, AUTORUN_PASSED), **fields)


# Bochs's AMD-V masks physical interrupts while a guest has IF clear, whatever V_INTR_MASKING says, stops
# at a triple fault in a guest, and single-steps wrongly (docs/platforms.md). It is here for its
# next-RIP save, which QEMU does not have.
RYZEN_TESTS = ("cpuid", "msr", "synthetic-msr", "hypercall", "hypercall-denied", "ports", "strings",
               "posted", "mirrored", "mmio", "lapic", "priority", "timer", "deadline", "hlt", "exceptions",
               "page-faults", "synic", "events", "messages", "signal", "stimer", "time", "fpu")  # fmt: skip


def selftests():
    """Every self test of the demo child, with as many VPs as LPs, fewer and more."""
    tests = (("child vps=1 test", "child vps=4 test start=hypercall"), ("child vps=2 test apic=xapic",))
    yield boot("test-ryzen-2cpu-svm", BOCHS_SVM["ryzen"], f"child vps=1 test={','.join(RYZEN_TESTS)}",
               must=(CHILD_PASSED,))
    for model, machine in QEMU_SVM.items():
        for cpus in (1, 2, 4) if model == "max" else (2,):
            yield boot(f"test-{model}-{cpus}cpu-svm", machine, *tests[0], *tests[1],
                       must=(CHILD_PASSED,), cpus=cpus, time_limit=240)
    for model, machine in BOCHS_VMX.items():
        for cpus in (1, 2, 4) if model == "haswell" else (2,):
            yield boot(f"test-{model}-{cpus}cpu-vmx", machine, *tests[0], *tests[1],
                       must=(CHILD_PASSED,), cpus=cpus, time_limit=300)
    yield boot("test-parallel-4cpu-svm", {**QEMU, "parallel": True}, *tests[0], cpus=4,
               must=(CHILD_PASSED,), time_limit=300, cores=2)


def hostile_tests():
    """Children that do their worst, by themselves. Afterwards another one runs as if nothing had been."""
    commands = ("child vps=2 storm=100", "child vps=1 fuzz=7,100000", "onerror continue",
                "child vps=2 selfmod", "child vps=1 synicpt", "child vps=1 triplefault",
                "child vps=1 crash", "child vps=2 fuzz=9,5000 test")  # fmt: skip
    must = (r"^storm: [1-9]\d* interrupts$", r"^fuzz port: 100000 done$",
            r"^child: VP 0: triple fault", r"child worker: triple faults 3 times",
            r"^child: VP 0: its system says that it has crashed, with the codes c0de0000 c0de0001 c0de0002 c0de0003 c0de0004$",
            r"^crash: goes on$", CHILD_PASSED, r"^AUTORUN FAIL at line [46]")  # fmt: skip
    options = {"commands": (*commands, "poweroff"), "must": must, "image_options": MODULES}
    machines = (("max-1cpu-svm", QEMU, 1), ("max-4cpu-svm", QEMU, 4),
                ("haswell-1cpu-vmx", BOCHS, 1), ("haswell-2cpu-vmx", BOCHS, 2))  # fmt: skip
    for name, machine, cpus in machines:
        yield Boot(f"child-hostile-{name}", {"memory": 512, **machine, "cpus": cpus}, **options,
                   time_limit=300)


# What a child may be made to do, and what may be done to it (parent/kernel/selftest_child*.c).
HARM = ("child-state", "child-spin", "child-nmi", "child-access", "child-delete", "child-unmap", "child-time",
        "child-dirty", "child-intercepts", "child-no-access",
        "child-idle", "child-deliverable", "child-msr-action", "child-tsc-aux")  # fmt: skip


def harm_tests():
    """Children that misbehave, and a parent that takes things away from them."""
    options = {"parent": f"selftest={','.join(HARM)}", "must": (*(rf"^ok {n}: " for n in HARM), PASSED)}
    for model, machine in QEMU_SVM.items():
        for cpus in (1, 2, 4) if model == "max" else (2,):
            yield Boot(f"child-harm-{model}-{cpus}cpu-svm", {**machine, "cpus": cpus}, **options,
                       time_limit=240)
    yield Boot("child-harm-parallel-4cpu-svm", {**QEMU, "cpus": 4, "parallel": True}, **options,
               time_limit=240, cores=2)
    for model, machine in BOCHS_VMX.items():
        for cpus in (1, 2, 4) if model == "haswell" else (2,):
            yield Boot(f"child-harm-{model}-{cpus}cpu-vmx", {**machine, "cpus": cpus}, **options,
                       time_limit=300)
    fuzz = {"parent": "selftest=child-fuzz", "must": (r"^ok child-fuzz: ", PASSED)}
    yield Boot("child-fuzz-parent-svm", {**QEMU, "cpus": 2}, **fuzz, time_limit=300)
    yield Boot("child-fuzz-parent-vmx", {**BOCHS, "cpus": 2}, **fuzz, time_limit=300)
    rounds = {"parent": "selftest=child-rounds", "must": (r"^ok child-rounds: ", PASSED)}
    yield Boot("child-rounds-svm", {**QEMU, "cpus": 2}, **rounds, time_limit=300)
    yield Boot("child-rounds-vmx", {**BOCHS, "cpus": 2}, **rounds, time_limit=300)


TESTS = [*selftests(), *hostile_tests(), *harm_tests()]
