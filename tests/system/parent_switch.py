"""Boots that test virtual switches: by the parent's self tests, and by the console's commands."""

import emulator
from harness.boot import PASSED, Boot
from harness.session import Session

from .console import PROMPT
from .platforms import BOCHS, QEMU

NETWORK = {"nics": (emulator.Nic(),), "cpus": 2}
PORT_PROGRAM = ("--module=BUILD/programs/port.elf=port",)


def steps(address, gateway):
    """What to type, and what must appear then."""
    there = address.replace(".", r"\.") + "/24"
    ping = (f"ping {gateway} 2\r", r"^2 sent, 2 answered\n[\s\S]*" + PROMPT)
    return (
        ("", PROMPT),
        ("", rf"net0: address {there}"),
        ("switch list\r", r"^no virtual switches[\s\S]*" + PROMPT),
        ("switch nonsense\r", r"wrong words\. Use: switch list[\s\S]*" + PROMPT),
        ("switch create p private\r", PROMPT),
        ("switch create p internal\r", r"p: not created: there is a switch of this name already"
                                       r"[\s\S]*" + PROMPT),
        ("switch create net0 internal\r", r"a network card has this name[\s\S]*" + PROMPT),
        ("switch create a_b internal\r", r"letters, digits and dashes[\s\S]*" + PROMPT),
        ("switch create b odd\r", r"odd is no kind of switch[\s\S]*" + PROMPT),
        ("switch create b external\r", r"wants the name of a network card[\s\S]*" + PROMPT),
        ("switch create b external net7\r", r"net7: there is no such network card[\s\S]*" + PROMPT),
        ("switch create b private net0\r", r"and no other[\s\S]*" + PROMPT),
        # The parent on a switch of its own.
        ("switch create in internal\r", r"in: link up"),
        # What is typed while the log is printed may be too much for the serial port.
        ("ip in 192.168.55.1/24\r", r"in: address 192\.168\.55\.1/24"),
        ("ping 192.168.55.1 1\r", r"^1 sent, 1 answered\n[\s\S]*" + PROMPT),
        ("switch create b external in\r", r"a physical card is wanted[\s\S]*" + PROMPT),
        # The card becomes the switch's; the parent keeps its address.
        ("switch create out external net0\r", r"out: link up"),
        ("switch create b external net0\r", r"the card is in use[\s\S]*" + PROMPT),
        ("ip\r", rf"^out +address {there}, gateway \d+[\s\S]*" + PROMPT),
        ping,
        ("switch list\r", r"^p +private, 0 ports\nin +internal, 1 port\n"
                          r"out +external, 2 ports, card net0, link up\n[\s\S]*" + PROMPT),
        ("switch stats out\r", r"^0 +the parent, 52:54:[\s\S]*^1 +net0, all other stations, link up\n"
                               r"[\s\S]*" + PROMPT),
        ("switch link out 7 up\r", r"out: there is no port 7\. switch stats[\s\S]*" + PROMPT),
        ("switch link out 0 down\r", r"out: link down[\s\S]*" + PROMPT),
        (f"ping {gateway} 1\r", r"no link[\s\S]*" + PROMPT),
        ("switch link out 0 up\r", r"out: link up"),
        ping,
        ("switch delete nothing\r", r"there is no switch of this name[\s\S]*" + PROMPT),
        ("switch delete out\r", r"net0: link up"),
        ping,
        ("switch delete in\r", PROMPT),
        ("ip\r", rf"^net0 +address {there}, gateway[^\n]*\n\n?veneer> $"),
        ("poweroff\r", r"poweroff"),
    )  # fmt: skip


def session(name, machine, address, gateway, **fields):
    return Session(f"parent-switch-console-{name}", {**machine, **NETWORK},
                   steps(address, gateway), ends=True, parent="rows=500", **fields)


def selftest(name, machine, options="", **fields):
    return Boot(f"parent-switch-{name}", {**NETWORK, **machine}, parent=f"selftest=switch{options}",
                must=(r"^ok switch: ", PASSED), **fields)


def link_test():
    """The cable of an external switch's card is pulled, and plugged in again."""
    monitor = (("the link may go down", "set_link nic0 off"),
               ("the link may go up", "set_link nic0 on"))  # fmt: skip
    must = (r"test: link down", r"^ok switch-link: ", PASSED)
    return Boot("parent-switch-link-svm", {**QEMU, **NETWORK}, parent="selftest=switch-link",
                monitor=monitor, must=must)


def port_test(name, machine, **fields):
    """Ports that a program in ring 3 has."""
    return Boot(f"parent-switch-port-{name}", machine, parent="selftest=port",
                must=(r"^ok port: ", PASSED), image_options=PORT_PROGRAM, **fields)


TESTS = [
    port_test("svm", {**QEMU, "cpus": 2}),
    port_test("vmx", {**BOCHS, "cpus": 2}, time_limit=180),
    link_test(),
    selftest("svm", QEMU),
    selftest("parallel-svm", {**QEMU, "cpus": 4, "parallel": True}, cores=2),
    selftest("e1000e-svm", {**QEMU, "board": "q35", "nics": (emulator.Nic("e1000e"),)}),
    # Its server gives addresses to one station only.
    selftest("vmx", BOCHS, " stranger=0", time_limit=180),
    session("svm", QEMU, "10.0.2.15", "10.0.2.2"),
    session("vmx", BOCHS, "192.168.10.15", "192.168.10.1", seconds=60, time_limit=300),
]
