"""Boots that test the parent's kernel and its programs."""

from harness.boot import PASSED, Boot

from .platforms import BOCHS, BOCHS_VMX, QEMU, QEMU_SVM

# Self tests of the kernel itself, by the names that parent/kernel/selftest.c knows.
KERNEL_TESTS = ("memory", "sched", "timer", "irq")

# Tests that run programs in ring 3, and what they must print.
PROGRAMS = ("hello", "fault", "fuzz", "spawn", "share", "wait", "measure")
MODULES = tuple(f"--module=BUILD/programs/{name}.elf={name}" for name in PROGRAMS)
PROCESS_MUST = (r"^hello from process \d+ with 0 handles: hello world$",
                r"#PF at 4[0-9a-f]+, error code", r"^spawn: refused after 31: limit reached$",
                r"^measure: syscall\.null = \d+$",
                r"^ok process: ", PASSED)  # fmt: skip


def process_tests():
    options = {"parent": "selftest=process", "must": PROCESS_MUST, "image_options": MODULES}
    for model, machine in QEMU_SVM.items():
        for cpus in (1, 4):
            yield Boot(f"parent-process-{model}-{cpus}cpu-svm", {**machine, "cpus": cpus},
                       **options, time_limit=120)
    yield Boot("parent-process-parallel-svm", {**QEMU, "cpus": 4, "parallel": True}, **options,
               time_limit=240, cores=2)
    # Without and with SMEP and SMAP.
    for model in ("sandybridge", "skylake"):
        yield Boot(f"parent-process-{model}-2cpu-vmx", {**BOCHS_VMX[model], "cpus": 2}, **options,
                   time_limit=240)


def vid_tests():
    """Child partitions, as far as the parent's kernel has to do with them."""
    options = {"parent": "selftest=vid", "must": (r"^ok vid: ", PASSED),
               "image_options": ("--module=BUILD/programs/fuzzvm.elf=fuzzvm",
                                 "--module=BUILD/programs/runvm.elf=runvm")}
    for cpus in (1, 4):
        yield Boot(f"parent-vid-{cpus}cpu-svm", {**QEMU, "cpus": cpus}, **options, time_limit=120)
    yield Boot("parent-vid-2cpu-vmx", {**BOCHS, "cpus": 2}, **options, time_limit=240)


def console_tests():
    """Programs run from the console."""
    must = (r"^hello from process \d+ with 0 handles: hello one two$", r"fault \(\d+\): #DE at 4",
            r"^fault: it was ended", r"^hello ended with status 3",
            r"^run: nothing: no such file", r"^kill: there is no process 4000000",
            r"^kill: there is no process x", r"^ +[0-9]+ +0 +R +16 .* main$",
            r"^AUTORUN FAIL")  # fmt: skip
    commands = ("--module=tests/system/programs.commands=commands",)
    for name, machine in (("svm", QEMU), ("vmx", BOCHS)):
        yield Boot(f"parent-run-{name}", {**machine, "cpus": 2}, parent="autorun=commands",
                   must=must, image_options=MODULES + commands, time_limit=120)


def kernel_tests():
    """The kernel itself. Races need processors that really run at the same time."""
    must = (*(rf"^ok {name}: " for name in KERNEL_TESTS), PASSED)
    options = {"parent": f"selftest={','.join(KERNEL_TESTS)}", "must": must}
    for cpus in (1, 4):
        yield Boot(f"parent-kernel-{cpus}cpu-svm", {**QEMU, "cpus": cpus}, **options)
    yield Boot("parent-kernel-parallel-svm", {**QEMU, "cpus": 4, "parallel": True}, **options,
               time_limit=180, cores=2)
    yield Boot("parent-kernel-64cpu-svm", {**QEMU, "cpus": 64, "memory": 1024}, **options,
               time_limit=180)
    for model in ("sandybridge", "haswell"):
        yield Boot(f"parent-kernel-{model}-2cpu-vmx", {**BOCHS_VMX[model], "cpus": 2}, **options,
                   time_limit=180)


def bench_test():
    """That `make bench` has something to measure; any disk will do."""
    must = (r"\broot\.hypercall = \d+$", r"\bswitch\.yield = \d+$",
            r"\bdisk\.requests = \d+$", PASSED)  # fmt: skip
    return Boot("parent-bench-svm", {**QEMU, "cpus": 1}, parent="selftest=bench disk=cd0",
                must=must, image_options=("--module=BUILD/programs/measure.elf=measure",))


def keyboard_test():
    """Keys pressed by QEMU's monitor arrive as what a terminal would send."""
    keys = ("v", "shift-e", "n", "ctrl-c", "up", "delete", "backspace", "shift-2", "kp_enter")
    return Boot("parent-keyboard-svm", {**QEMU, "cpus": 2}, parent="selftest=input",
                monitor=tuple(("type a line", f"sendkey {key}") for key in keys),
                must=(r"typed vEn\^C\^\[\[A\^\[\[3~\^\?@\^M$", r"^ok input: ", PASSED))


TESTS = [*kernel_tests(), *process_tests(), *vid_tests(), *console_tests(), keyboard_test(),
         bench_test()]
