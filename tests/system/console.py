"""The console as the administrator uses it, and files of commands."""

import emulator
from harness.session import Session

from .platforms import BOCHS, QEMU

PROMPT = r"veneer> $"
UP, LEFT, DELETE = "\x1b[A", "\x1b[D", "\x1b[3~"
TEXT = b"The quick brown fox\r\njumps over the lazy dog.\r\n"

NETWORK = {"nics": (emulator.Nic(),)}

# What to type, and what must appear then.
STEPS = (
    ("", PROMPT),
    ("", r"net0: address [\d.]+/24"),
    ("\r", PROMPT),
    ("help\r", r"^help +lists the commands[\s\S]*^ps +lists processes[\s\S]*" + PROMPT),
    ("help cp\r", r"^cp FROM TO\n[\s\S]*for example: cp [\s\S]*" + PROMPT),
    # Completion of commands and names; a list at the second Tab.
    ("vers\t\r", r"^Veneer \d+\.\d+ \((release|debug) build\)[\s\S]*" + PROMPT),
    ("cat fo\t", r"cat fox\.txt $"),
    ("\r", r"^The quick brown fox\njumps over the lazy dog\.\n[\s\S]*" + PROMPT),
    ("re\t\t", r"reboot"),
    ("\x15ls\r", r"fox\.txt[\s\S]*" + PROMPT),
    # History and editing: cat of a wrong name, repaired.
    ("cat foy.txt\r", r"cat: foy\.txt: no such file[\s\S]*ls shows what is there[\s\S]*" + PROMPT),
    (UP + LEFT * 5 + DELETE + "x\r", r"The quick brown fox[\s\S]*" + PROMPT),
    # Files.
    ("mkdir /new\r", PROMPT),
    ("cp fox.txt /new\r", PROMPT),
    ("mv /new/fox.txt \"/new/A name with spaces.txt\"\r", PROMPT),
    ("ls /new\r", r"\b47 .* A name with spaces\.txt\n[\s\S]*" + PROMPT),
    ("echo one two > /new/words\r", PROMPT),
    ("cat /new/words\r", r"^one two\n[\s\S]*" + PROMPT),
    ("hexdump /new/words\r", r"^00000000  6f 6e 65 20 74 77 6f 0a[\s\S]*" + PROMPT),
    ("rm /new\r", r"rm: /new: [\s\S]*" + PROMPT),
    ("rm -r /new\r", PROMPT),
    ("df\r", r"^VENEER on disk0: FAT(16|32), \d+ KiB, \d+ KiB free\n[\s\S]*" + PROMPT),
    # Devices and the network.
    ("pci\r", r"ide\n[\s\S]*" + PROMPT),
    ("disks\r", r"^(?:disk0|cd0) [\s\S]*^(?:disk0|cd0) [\s\S]*" + PROMPT),
    ("nics\r", r"^net0 .*link up[\s\S]*" + PROMPT),
    ("ip\r", r"^net0 +address \d+\.\d+\.\d+\.\d+/24, gateway \d+[\s\S]*DHCP[\s\S]*" + PROMPT),
    # Errors that say what to do.
    ("nonsense\r", r"nonsense: there is no such command\. help lists all[\s\S]*" + PROMPT),
    ("cp one\r", r"^usage: cp FROM TO\nfor example: [\s\S]*" + PROMPT),
    ("ping somewhere\r", r"somewhere is not an address[\s\S]*" + PROMPT),
    ("cat \"open\r", r"a quote without its end[\s\S]*" + PROMPT),
    ("log\r", r"store: FAT(16|32) volume on disk0[\s\S]*" + PROMPT),
    ("ps\r", r"process\n[\s\S]*idle\n[\s\S]*" + PROMPT),
    ("run nothing\r", r"run: nothing: no such file[\s\S]*" + PROMPT),
    ("run fox.txt\r", r"run: fox\.txt: [\s\S]*" + PROMPT),
    ("kill 12345\r", r"kill: there is no process 12345\. ps lists[\s\S]*" + PROMPT),
    ("poweroff\r", r"poweroff"),
)  # fmt: skip


def session(name, machine, steps, **fields):
    fields.setdefault("parent", "rows=500")
    fields.setdefault("store", (("fox.txt", TEXT),))
    return Session(f"parent-console-{name}", {**machine, **NETWORK}, steps, ends=True, **fields)


def ping(gateway):
    return (f"ping {gateway} 3\r", r"^3 sent, 3 answered\n[\s\S]*" + PROMPT)


def with_ping(gateway):
    return (*STEPS[:-1], ping(gateway), STEPS[-1])


# Programs from the store: one that ends well, one that fails, one that runs until ^C.
PROGRAMS = (
    ("", PROMPT),
    ("run hello.elf one two\r", r"hello from process \d+ .*: hello\.elf one two\n"
                                r"[\s\S]*hello\.elf ended with status 3\n[\s\S]*" + PROMPT),
    ("run fault.elf null-read\r", r"#PF at [\s\S]*fault\.elf: it was ended[\s\S]*" + PROMPT),
    ("version\r", r"^Veneer [\s\S]*" + PROMPT),
    ("poweroff\r", r"poweroff"),
)

PAGING = (
    ("", PROMPT),
    ("help\r", r"-- more: space, Enter, or q to end --"),
    (" ", r"help COMMAND says more[\s\S]*" + PROMPT),
    ("help\r", r"-- more: space, Enter, or q to end --"),
    ("q", PROMPT),
    ("poweroff\r", r"poweroff"),
)

SCRIPT_GOOD = b"# a comment\nversion\nmkdir /made\necho text > /made/file\ncat /made/file\npoweroff\n"
SCRIPT_BAD = b"version\ncat /nothing\nversion\n"
SCRIPT_GOES_ON = b"onerror continue\ncat /nothing\nmkdir /after\npoweroff\n"


def script(name, machine, content, answer, **fields):
    return Session(f"parent-autorun-{name}", machine, (("", answer),), parent="autorun=/script",
                   store=(("script", content),), **fields)  # fmt: skip


TESTS = [
    session("svm", {**QEMU, "cpus": 2}, with_ping("10.0.2.2")),
    session("vmx", {**BOCHS, "cpus": 2}, with_ping("192.168.10.1"), seconds=60, time_limit=400),
    session("uefi-svm-uefi", {**QEMU, "cpus": 2, "firmware": "uefi", "board": "q35"},
            (*STEPS[:22], STEPS[-1]), seconds=60, time_limit=120),
    session("programs-svm", QEMU, PROGRAMS, programs=("hello", "fault")),
    session("programs-vmx", BOCHS, PROGRAMS, programs=("hello", "fault"), time_limit=120),
    session("paging-svm", QEMU, PAGING, parent="rows=24"),
    script("pass-svm", QEMU, SCRIPT_GOOD, r"^\+ cat /made/file\ntext\n\+ poweroff\nAUTORUN PASS$",
           ends=True),
    script("fail-svm", QEMU, SCRIPT_BAD, r"^cat: /nothing: .*\nAUTORUN FAIL at line 2 of /script$"),
    script("onerror-svm", QEMU, SCRIPT_GOES_ON,
           r"^\+ mkdir /after\n\+ poweroff\nAUTORUN FAIL at line 2 of /script$", ends=True),
    script("pass-vmx", BOCHS, SCRIPT_GOOD, r"^\+ poweroff\nAUTORUN PASS$", ends=True, time_limit=120),
    Session("parent-console-no-store-svm", QEMU,
            (("", PROMPT), ("ls\r", r"ls: there is no store\. disks shows [\s\S]*" + PROMPT)),
            store=None),
]  # fmt: skip
