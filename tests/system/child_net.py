"""Virtual network adapters of children: the demo child pings through them (docs/child.md)."""

import emulator
from harness.boot import TROUBLE, Boot

from .child import AUTORUN_PASSED, MODULES
from .platforms import BOCHS, QEMU


def boot(name, machine, **fields):
    commands = (
        "switch create lan private", "switch create in internal", "ip in 192.168.55.1/24",
        # Two adapters on a private switch, one with an address of its own.
        "child switch=lan,02:00:00:00:00:0a switch=lan -- ip=10.0.0.1,10.0.0.2 ping=10.0.0.2,5 flood "
        "net bench=net.frame_1500,net.frame_1500_qd16",
        # The child and the parent.
        "child switch=in vps=2 -- ip=192.168.55.2 ping=192.168.55.1,5",
        # As many as there can be.
        "child switch=in switch=lan switch=lan switch=lan -- ip=192.168.55.3 ping=192.168.55.1,1",
        "switch stats in", "switch delete lan", "onerror continue",
        "child switch=in switch=in switch=in switch=in switch=in -- ip=10.0.0.1",
        "child switch=none -- ip=10.0.0.1", "child switch=in,03:00:00:00:00:01 -- ip=10.0.0.1",
        "child switch=in,02:00:00:00:00:01 switch=in,02:00:00:00:00:01 -- ip=10.0.0.1",
        # On another network: nobody answers.
        "child switch=in -- ip=192.168.55.2 ping=192.168.55.3,1",
        "poweroff")  # fmt: skip
    must = (r"^net 0: 02:00:00:00:00:0a, MTU 1500, address 10\.0\.0\.1$",
            r"^net 1: 02:[0-9a-f:]{14}, MTU 1500, address 10\.0\.0\.2$",
            r"^ok ping 10\.0\.0\.2: 5 sent, 5 answered$",
            # The receiver keeps up; it does not, but what is lost was counted; it goes and comes.
            r"^ok flood: .*\nok flood: [1-9]\d* received, [1-9]\d* dropped, .*\nok flood: ", r"^bench net\.frame_1500 \d+ \d+$",
            r"^bench net\.frame_1500_qd16 \d+ \d+$",
            r"^ok ping 192\.168\.55\.1: 5 sent, 5 answered$",
            r"^ok ping 192\.168\.55\.1: 1 sent, 1 answered$", r"^child: a child has at most 8 disks and 4",
            r"^child: none: there is no such switch", r"this is no address of a network adapter",
            r"another port has the address", r"^FAIL ping 192\.168\.55\.3: 1 sent, 0 answered$",
            r"^AUTORUN FAIL at line 10 ")  # fmt: skip
    must_not = (*(pattern for pattern in TROUBLE if "FAIL" not in pattern), AUTORUN_PASSED,
                r"^FAIL (?!ping 192\.168\.55\.3)")  # fmt: skip
    return Boot(f"child-net-{name}", {"memory": 512, **machine, "cpus": 2}, commands=commands,
                must=must, must_not=must_not, image_options=MODULES, time_limit=180, **fields)


def link_boot():
    """The child on the machine's network, whose cable comes out and in."""
    commands = ("switch create out external net0",
                "child switch=out -- ip=10.0.2.77 ping=10.0.2.2,3 serve=60,2", "poweroff")  # fmt: skip
    monitor = ((r"^ok ping", "set_link nic0 off"), (r"^net 0: link down$", "set_link nic0 on"))
    must = (r"^ok ping 10\.0\.2\.2: 3 sent, 3 answered$",
            r"^net 0: link down$[\s\S]*^net 0: link up$", AUTORUN_PASSED)  # fmt: skip
    return Boot("child-net-link-max-svm", {"memory": 512, **QEMU, "cpus": 2, "nics": (emulator.Nic(),)},
                commands=commands, monitor=monitor, must=must, image_options=MODULES, time_limit=120)


TESTS = [boot("max-svm", QEMU), boot("haswell-vmx", BOCHS), link_boot()]
