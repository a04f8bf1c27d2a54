"""Our network stack against Linux's (tests/linux/network.py), where the machine allows it."""

import dataclasses
import os
import shutil
import subprocess

from harness.test import Test, run_program

# A new network namespace, in which a TAP device can be made.
NAMESPACE = ["unshare", "--net"]
PROBE = [*NAMESPACE, "ip", "tuntap", "add", "dev", "probe", "mode", "tap"]


@dataclasses.dataclass
class LinuxNetwork(Test):
    """Pings and datagrams both ways."""

    mode: tuple = ()

    host_target = "host/tap"

    def run(self, context):
        program = str(context.build / self.host_target)
        log = context.directory / "output.log"
        run_program(context, context.make(program), 120, log)
        script = [*NAMESPACE, "python3", "-B", "tests/linux/network.py", program, *self.mode]
        run_program(context, script, self.time_limit, log)


def _possible():
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        return False
    return subprocess.run(PROBE, capture_output=True, check=False).returncode == 0


def _tests():
    if not _possible():
        return []
    tests = [LinuxNetwork("unit-net-linux")]
    if shutil.which("dnsmasq"):
        tests.append(LinuxNetwork("unit-net-linux-dhcp", mode=("dhcp",)))
    return tests


TESTS = _tests()
