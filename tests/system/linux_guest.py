"""Stock guests: Debian's Linux as it is, in a child (docs/testing.md)."""

import dataclasses
import hashlib
import shutil
from typing import Optional

import emulator
from guest import debian, dmesg, linux, plain, server, steps
from harness.boot import HOST_FATAL, TROUBLE, Boot, last_line, read_text
from harness.session import Session
from harness.test import Failure, Process, Test, run_program

from .child import AUTORUN_PASSED, MODULES
from .console import PROMPT
from .pattern import pattern
from .platforms import BOCHS, QEMU

# Nothing good comes after these.
PANIC = r"Kernel panic - not syncing"
# Bochs wants whole cylinders of 16 heads and 63 sectors.
DISK_SIZE = 96 * 16 * 63 * 512
SMALL_DISK = 16 * 16 * 63 * 512
BAD_SECTOR = 1000
FILE = "data"  # what the step disk-make writes


def make_guest(context, package=debian.CLOUD_KERNEL):
    try:
        return linux.make(context.build, package)
    except debian.Missing as error:
        raise Failure(f"no stock guest: {error}") from error


def judge_steps(text, names):
    reason = steps.failed(text, names)
    if reason:
        raise Failure(f"step {reason}")


def judge(text, names):
    """Fails unless all steps were ok and the kernel had no complaints."""
    judge_steps(text, names)
    complaints = dmesg.complaints(text)
    if complaints:
        raise Failure(f"the kernel complains: {complaints[0]}")


def check_file_system(context, volume, hashes):
    """The disk has a sound ext4 with the file whose hash the guest has told; both by e2fsprogs."""
    log = context.directory / "disk.log"
    run_program(context, ["e2fsck", "-f", "-n", str(volume)], 60, log)
    copy = context.directory / FILE
    run_program(context, ["debugfs", "-R", f"dump /{FILE} {copy}", str(volume)], 60, log)
    if [hashlib.sha256(copy.read_bytes()).hexdigest()] != sorted(set(hashes)):
        raise Failure(f"the file on {volume.name} is not the one that the guest has written")
    copy.unlink()


@dataclasses.dataclass
class Judging(Test):
    """That what a guest says is judged right."""

    SAID = ("[ 1.0] x\nSTEP info ok 6.1, cpus 1\nSTEP disk-make ok 12ab\nDMESG <4>[    0.5] Unstable "
            "clock detected, switching default tracing clock to \"global\"\nSTEP dmesg ok\n")  # fmt: skip
    BAD = "DMESG <4>[    0.500000] unchecked MSR access error\nDMESG <6>[   12.500000] Call Trace:\n"

    def run(self, context):
        self._expect(steps.failed(self.SAID, ["info", "disk-make", "dmesg"]), None)
        self._expect(steps.failed(self.SAID, ["info", "info"]), "info never came to its end")
        self._expect(steps.failed(self.SAID + "STEP tcp FAIL: no", ["info"]), "tcp failed: no")
        self._expect(steps.words(self.SAID, "disk-make"), ["12ab"])
        self._expect(dmesg.complaints(self.SAID), [])
        self._expect(dmesg.complaints(self.BAD), ["unchecked MSR access error", "Call Trace:"])

    def _expect(self, found, expected):
        if found != expected:
            raise Failure(f"it found {found}, not {expected}")


@dataclasses.dataclass
class Baseline(Test):
    """All steps that need no hypervisor, without one: that guest and steps themselves are right.

    What the kernel complains of is not judged: with a busy machine below, it is the emulator's clocks.
    """

    STEPS = ("info", "reboot", "dmesg", "cpus", "timer", "disk-make", "disk-verify", "disk-many",
             "disk-read", "dhcp", "ping", "tcp")  # fmt: skip
    package: str = debian.CLOUD_KERNEL

    def run(self, context):
        directory = context.directory.resolve()
        serial, disk = directory / "serial.log", directory / "disk.img"
        with open(disk, "wb") as file:
            file.truncate(DISK_SIZE)
        guest = make_guest(context, self.package)
        with server.serving() as url:
            words = f"quiet mib=16 url={url} steps={','.join(self.STEPS)}"
            command = plain.command(guest, directory, serial, words, disks=(emulator.Disk(disk),))
            # The step reboot starts the machine again, which then begins at the first step.
            command.remove("-no-reboot")
            run_program(context, command, self.time_limit, directory / "console.log")
        text = read_text(serial)
        judge_steps(text, self.STEPS)
        check_file_system(context, disk, steps.words(text, "disk-make"))
        disk.unlink()


@dataclasses.dataclass
class Start:
    """A start of the guest by the console's command."""

    steps: tuple
    options: str = "memory=192"
    words: str = ""  # more for the kernel
    after: tuple = ()  # commands of the console behind it
    judged: bool = True  # all of its steps have to be ok

    def command(self, url):
        line = f"console=ttyS0 quiet steps={','.join(self.steps)} {self.words}".strip()
        line += f" url={url}" if "tcp" in self.steps else ""
        return f'child kernel=/vmlinuz initrd=/initrd {self.options} cmdline="{line}"'


@dataclasses.dataclass
class LinuxGuest(Boot):
    """Boots, starts guests one after the other, powers off. Each step has to be ok."""

    before: tuple = ()  # commands of the console
    starts: tuple = ()
    package: str = debian.CLOUD_KERNEL
    raw: int = 0  # a raw image /raw.img of so many bytes on the store
    vhd: bool = False  # a fixed VHD /fixed.vhd as well
    discs: tuple = ()  # the file /data of each of /disc0.iso, /disc1.iso, …
    file_systems: bool = True  # the guest makes file systems on the disks
    second_disk: Optional[dict] = None  # of emulator.Disk: disk1 of the machine, empty
    store_size: int = 192  # MiB

    def run(self, context):
        folder = context.directory / "store"
        folder.mkdir()
        guest = make_guest(context, self.package)
        shutil.copy(guest.kernel, folder / "vmlinuz")
        shutil.copy(guest.initramfs, folder / "initrd")
        self._make_disks(context, folder)
        store = (context.directory / "store.img").resolve()
        log = context.directory / "images.log"
        command = ["tools/mkstore", "--size", str(self.store_size), str(store), str(folder)]
        run_program(context, command, 60, log)
        shutil.rmtree(folder)
        disks = [emulator.Disk(store)]
        if self.second_disk is not None:
            disks.append(emulator.Disk((context.directory / "disk1.img").resolve(), **self.second_disk))
            disks[1].path.write_bytes(bytes(SMALL_DISK))
        with server.serving() as url:
            # What fails is seen in the end: the machine is to switch itself off in any case.
            commands = (*self.before, "onerror continue",
                        *(line for start in self.starts for line in (start.command(url), *start.after)),
                        "poweroff")  # fmt: skip
            machine = {**self.machine, "disks": tuple(disks)}
            boot = dataclasses.replace(self, machine=machine, commands=commands)
            Boot.run(boot, context)
        text = read_text(context.directory / "serial.log")
        judge(text, [step for start in self.starts if start.judged
                     for step in start.steps])
        if self.file_systems:
            self._check_disks(context, store, steps.words(text, "disk-make"))
        for disk in disks:
            disk.path.unlink()

    def _make_disks(self, context, folder):
        if self.raw:
            with open(folder / "raw.img", "wb") as file:
                file.truncate(self.raw)
        for number, content in enumerate(self.discs):
            files = context.directory / f"disc{number}"
            files.mkdir()
            (files / "data").write_bytes(content)
            run_program(context, ["xorriso", "-as", "mkisofs", "-quiet", "-r", "-o",
                                  str(folder / f"disc{number}.iso"), str(files)], 30,
                        context.directory / "images.log")  # fmt: skip
            shutil.rmtree(files)
        if self.vhd:
            run_program(context, ["qemu-img", "create", "-f", "vpc", "-o",
                                  "subformat=fixed,force_size=on", str(folder / "fixed.vhd"),
                                  str(self.raw)], 30, context.directory / "images.log")

    def _check_disks(self, context, store, hashes):
        names = (["raw.img"] if self.raw else []) + (["fixed.vhd"] if self.vhd else [])
        for name in names:
            image = context.directory / name
            run_program(context, ["mcopy", "-n", "-o", "-i", str(store), f"::{name}", str(image)],
                        60, context.directory / "images.log")  # fmt: skip
            check_file_system(context, image, hashes)
            image.unlink()


SYSTEM = ("info", "bus", "dmesg", "cpus", "timer")
DISK = "disk=/raw.img"
DISKS = "disk=/raw.img disk=/fixed.vhd memory=192"


# A child may have a quarter of the machine's memory, its kernel and initramfs included.
def guest(name, machine, *starts, cpus=2, **fields):
    fields.setdefault("time_limit", 240)
    fields.setdefault("must", (AUTORUN_PASSED,))
    fields.setdefault("must_not", (*TROUBLE, r"^AUTORUN FAIL", PANIC))
    return LinuxGuest(f"linux-{name}", {"memory": 1024, **machine, "cpus": cpus}, starts=starts,
                      image_options=MODULES, **fields)


def system(name, machine, vps, cpus, steps=SYSTEM, **fields):
    """What the kernel finds: as many processors as VPs, a clock of Hyper-V's or the TSC, a bus."""
    clock = rf"STEP info ok .*, cpus {vps}, clock (hyperv_clocksource\w*|tsc),"
    return guest(name, machine, Start(steps, f"memory=192 vps={vps}"), cpus=cpus,
                 must=(AUTORUN_PASSED, clock), **fields)


def boot_tests():
    yield system("boot-1vp-svm", QEMU, vps=1, cpus=2)
    yield system("boot-4vp-svm", QEMU, vps=4, cpus=4)
    yield system("boot-generic-svm", QEMU, vps=2, cpus=2, package=debian.KERNEL)
    yield system("boot-1vp-vmx", BOCHS, vps=1, cpus=2, time_limit=400)
    yield system("boot-2vp-vmx", BOCHS, vps=2, cpus=2, time_limit=400)
    yield system("boot-4vp-vmx", BOCHS, vps=4, cpus=4, time_limit=400, steps=("info", "cpus"))
    # 1 GiB above 4 GiB. Of the emulator's memory only what is touched costs any of this machine's.
    yield guest("memory-4g-svm", {**QEMU, "memory": 17 << 10},
                Start(("info", "disk-make", "memory-above", "dmesg"), f"{DISK} memory=4096", "mib=32"),
                must=(AUTORUN_PASSED, r"STEP info ok .* memory (39|40)\d\d MiB"), raw=DISK_SIZE)  # fmt: skip


def disk_tests():
    # One start writes each disk, another one finds what was written.
    yield guest("disk-svm", QEMU,
                Start(("disk-make", "disk-many"), DISKS, "mib=32 disk=lun0"),
                Start(("disk-make",), DISKS, "mib=32 disk=lun1"),
                Start(("disk-verify",), DISKS, "mib=32 disk=lun0"),
                Start(("disk-verify",), DISKS, "mib=32 disk=lun1"),
                raw=DISK_SIZE, vhd=True)  # fmt: skip
    yield guest("disk-vmx", BOCHS, Start(("disk-make",), f"{DISK} memory=192", "mib=4"),
                raw=DISK_SIZE, time_limit=500)
    # The file grows while it is written.
    yield guest("dynamic-svm", QEMU, Start(("disk-make",), "disk=/a.vhd memory=192", "mib=64"),
                Start(("disk-verify",), "disk=/a.vhd memory=192", "mib=64"),
                before=("disk create /a.vhd 96M dynamic",), store_size=192)  # fmt: skip
    # A sector that cannot be written: the guest is told, and its other disk works on.
    twice = r"a request to disk1 failed[\s\S]*a request to disk1"
    yield guest("write-error-svm", QEMU,
                Start(("disk-write-error", "disk-make"), f"{DISK} disk=disk1 memory=192",
                      f"mib=8 disk=lun0 bad_disk=lun1 bad_sector={BAD_SECTOR}"),
                must=(AUTORUN_PASSED, r"scsi 0.*: a request to disk1 failed: "), raw=DISK_SIZE,
                must_not=(r"PANIC", r"^AUTORUN FAIL", PANIC, twice),
                second_disk={"bad_write": BAD_SECTOR})  # fmt: skip
    # The disc in the DVD drive is changed. The disk that comes tells the guest that it is.
    discs = pattern(300_000), pattern(500_000)[::-1]
    hashes = " ".join(hashlib.sha256(disc).hexdigest() for disc in discs)
    yield guest("dvd-svm", QEMU,
                Start(("dvd",), "name=a disk=/disc0.iso memory=192",
                      after=("vm heartbeat a", "sleep 5", "vm eject a 0", "vm insert a 0 /disc1.iso",
                             "vm attach a /raw.img", "vm wait a")),
                must=(AUTORUN_PASSED, rf"STEP dvd ok {hashes}"), discs=discs, raw=SMALL_DISK,
                file_systems=False)  # fmt: skip
    # The second disk comes while the guest runs, and goes; then the store's file is free again.
    yield guest("hot-add-svm", QEMU,
                Start(("disk-make",), f"name=a {DISK} memory=192", "mib=8 disk=lun1",
                      after=("vm heartbeat a", "vm attach a /fixed.vhd", "vm wait a")),
                Start(("wait-shutdown",), f"name=b {DISKS}", judged=False,
                      after=("vm heartbeat b", "sleep 2", "vm detach b 1", "sleep 2",
                             "child disk=/fixed.vhd -- disk", "vm shutdown b")),
                must=(r"^a: /fixed\.vhd is LUN 1$", r"^ok disk 0:0: ", AUTORUN_PASSED),
                raw=DISK_SIZE, vhd=True, file_systems=False)  # fmt: skip
    # The same in one start, which ends because the parent asks for it.
    yield guest("hot-add-vmx", BOCHS,
                Start(("disk-make", "wait-shutdown"), f"name=a {DISK} memory=192", "mib=2 disk=lun1",
                      judged=False,
                      after=("vm heartbeat a", "vm attach a /fixed.vhd", "sleep 20", "vm detach a 1",
                             "sleep 2", "child disk=/fixed.vhd -- disk", "vm shutdown a")),
                must=(r"^a: /fixed\.vhd is LUN 1$", r"STEP disk-make ok", r"^ok disk 0:0: ", AUTORUN_PASSED),
                raw=SMALL_DISK, vhd=True, file_systems=False, time_limit=400)  # fmt: skip


def network_tests():
    # The machine's own network: the emulator's DHCP server and gateway, and a server behind it.
    yield guest("net-svm", {**QEMU, "nics": (emulator.Nic(),)},
                Start(("bus", "dhcp", "ping", "tcp", "dmesg"), "switch=out memory=192"),
                before=("switch create out external net0",))
    # Two at once, in the background.
    for name, machine in (("svm", QEMU), ("vmx", BOCHS)):
        yield guest(f"pair-{name}", machine, Start(("pair-a",), "name=a switch=lan memory=192"),
                    Start(("pair-b",), "name=b switch=lan memory=192", after=("vm wait b", "vm wait a")),
                    before=("switch create lan private",), time_limit=500)  # fmt: skip


def killed(name, machine, mib_before, mib_after, **fields):
    """A worker that is killed while its guest writes: the disk is free again, and the next one uses it."""
    return guest(f"kill-{name}", machine,
                 Start(("disk-make",), f"name=a {DISK} memory=192", f"mib={mib_before}", judged=False,
                       after=("vm heartbeat a", "sleep 3", "vm kill a", "vm list")),
                 Start(("disk-make", "disk-verify"), f"{DISK} memory=192", f"mib={mib_after}"),
                 must=(r"^\+ vm kill a$", AUTORUN_PASSED), raw=DISK_SIZE,
                 must_not=(*TROUBLE, r"^AUTORUN FAIL", PANIC, r"error:"), **fields)  # fmt: skip


def end_tests():
    """How guests end, and start again."""
    small = {"raw": SMALL_DISK, "file_systems": False}
    yield guest("reboot-svm", QEMU, Start(("reboot", "info"), DISKS), **small, vhd=True, time_limit=90)
    yield guest("reboot-vmx", BOCHS, Start(("reboot", "info"), f"{DISK} memory=192"), **small, time_limit=400)
    # Its system ends because the parent asks for it.
    yield guest("shutdown-svm", QEMU, Start(("wait-shutdown",), "name=a memory=192",
                after=("vm heartbeat a", "sleep 5", "vm shutdown a", "vm list")))  # fmt: skip
    yield killed("svm", QEMU, 64, 8)
    yield killed("vmx", BOCHS, 32, 2, time_limit=500)
    # A panic is told in the parent's log, with the kernel's last words; then the kernel starts anew.
    yield guest("panic-svm", QEMU, Start(("panic", "info"), f"{DISK} memory=192", "panic=1"),
                must=(AUTORUN_PASSED, r"^child: VP 0: its system says that it has crashed, with the codes ",
                      r"^  \[.*Kernel panic - not syncing: sysrq triggered crash"),
                must_not=(*TROUBLE, r"^AUTORUN FAIL"), fatal=HOST_FATAL, **small, time_limit=90)  # fmt: skip
    # So it does by a triple fault.
    yield guest("triple-fault-svm", QEMU, Start(("reboot", "info"), f"{DISK} memory=192", "reboot=t"),
                must=(AUTORUN_PASSED, r"^child: VP 0: triple fault",
                      r"child worker: a triple fault; it is started again"),
                **small, time_limit=90)  # fmt: skip


@dataclasses.dataclass
class LinuxShell(Session):
    """A person types at the guest's shell, on our console, and leaves it again."""

    def _store(self, context):
        guest = make_guest(context)
        files = (("vmlinuz", guest.kernel.read_bytes()), ("initrd", guest.initramfs.read_bytes()))
        return Session._store(dataclasses.replace(self, store=files), context)

    def _image(self, context):
        return Session._image(dataclasses.replace(self, modules=("worker",)), context)


# The shell asks where the cursor is.
SHELL_PROMPT = r"# (\x1b\[6n)?$"
SHELL_STEPS = (
    ("", PROMPT),
    ("child name=a kernel=/vmlinuz initrd=/initrd memory=192 cmdline=\"console=ttyS0 quiet steps=shell\"\r",
     PROMPT),
    ("vm console a\r", r"STEP shell begins[\s\S]*" + SHELL_PROMPT),
    ("echo $((6 * 7)) > /tmp/x; cat /proc/cpuinfo | grep -c processor; cat /tmp/x\r", r"^1\n42\n[\s\S]*" + SHELL_PROMPT),
    ("(echo ready; exec sleep 1000)\r", r"^ready\n"),
    ("\x03", SHELL_PROMPT),  # ^C is the guest's
    ("\x1d", PROMPT),
    ("vm list\r", r"^a +running, last heartbeat \d+ ms ago\n[\s\S]*" + PROMPT),
    ("vm console a\r", r"leaves the console of a\.\n"),
    ("\r", SHELL_PROMPT),
    ("exit\r", r"STEP shell ok[\s\S]*reboot: Power down[\s\S]*" + PROMPT),
    ("poweroff\r", r"poweroff"),
)  # fmt: skip


TESTS = [
    LinuxShell("linux-shell-svm", {**QEMU, "cpus": 2, "memory": 1024}, SHELL_STEPS, store=(), ends=True),
    Judging("unit-guest-judging"),
    Baseline("linux-baseline", time_limit=120),
    *boot_tests(),
    *disk_tests(),
    *network_tests(),
    *end_tests(),
]
