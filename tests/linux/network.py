"""Tries our network stack against Linux's, over a TAP device.

Usage: network.py PROGRAM [dhcp]. PROGRAM is tests/linux/tap.c. Run in a network namespace of its
own: unshare --net. With dhcp, a dnsmasq gives the address.
"""

import contextlib
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

DEVICE = "veneer0"
LINUX, LINUX_ELSEWHERE, NOBODY = "10.9.0.1", "192.0.2.1", "10.9.0.77"
OURS, OUR_MAC = "10.9.0.2", "02:00:00:00:00:02"
# Payloads around the limits of frames and of what we put together: 8192 bytes with 8 of header.
SIZES = (0, 1, 56, 1472, 1473, 2952, 2953, 5000, 8184)
TIME_LIMIT = 10  # seconds, for whatever must happen

ECHO_REQUEST, ECHO_REPLY = 8, 0


class Stack:
    """Our stack, as a program."""

    def __init__(self, program):
        self._process = subprocess.Popen([program, DEVICE], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)  # fmt: skip
        self._output = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            assert self._process.wait(TIME_LIMIT) == 0, "the stack failed"
        finally:
            self._process.kill()

    def tell(self, line):
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def expect(self, text):
        """Waits for the next line, which must begin with text."""
        deadline = time.monotonic() + TIME_LIMIT
        while b"\n" not in self._output:
            rest = deadline - time.monotonic()
            assert select.select([self._process.stdout], [], [], max(rest, 0))[0], f"no {text!r}"
            piece = os.read(self._process.stdout.fileno(), 4096)
            assert piece, f"the stack ended instead of {text!r}"
            self._output += piece
        line, self._output = self._output.split(b"\n", 1)
        assert line.decode().startswith(text), f"{line!r} instead of {text!r}"


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1]))
    total += data[-1] << 8 if len(data) % 2 else 0
    return 0xFFFF - (total % 0xFFFF or (0xFFFF if total else 0))


def ping_from_linux(size):
    payload = os.urandom(size)
    message = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, os.getpid() & 0xFFFF, size) + payload
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.settimeout(TIME_LIMIT)
        raw.sendto(message, (OURS, 0))
        while True:
            packet = raw.recv(65535)
            answer = packet[(packet[0] & 15) * 4 :]
            if answer[0] == ECHO_REPLY and answer[4:8] == message[4:8]:
                break
    assert answer[8:] == payload, f"another payload came back for {size} bytes"


def echo_datagrams():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(TIME_LIMIT)
        udp.connect((OURS, 7))
        for size in SIZES:
            payload = os.urandom(size)
            udp.send(payload)
            assert udp.recv(65535) == payload, f"another datagram of {size} bytes came back"


def closed_port_refused():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(TIME_LIMIT)
        udp.connect((OURS, 9))
        udp.send(b"anyone?")
        try:
            udp.recv(1)
        except ConnectionRefusedError:
            return
    raise AssertionError("an answer from a closed port")


def neighbour_known():
    output = subprocess.run(["ip", "neigh", "show", OURS], capture_output=True, text=True, check=True)
    assert OUR_MAC in output.stdout, f"Linux does not know our station: {output.stdout}"


def both_ways(stack):
    for size in SIZES:
        ping_from_linux(size)
    neighbour_known()
    for address in (LINUX, LINUX_ELSEWHERE):  # on our network, and through the gateway
        for size in SIZES:
            stack.tell(f"ping {address} {size}")
            stack.expect("ping: reply ttl 64")
    echo_datagrams()
    closed_port_refused()


def check_static(stack):
    stack.tell(f"static {OURS}/24 {LINUX}")
    stack.expect(f"configured {OURS}/24 gateway {LINUX}")
    both_ways(stack)
    stack.tell(f"ping {NOBODY} 56")
    stack.expect("ping: the host")
    # Linux takes our address, and says so.
    command(f"ip address add {OURS}/24 dev {DEVICE}")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((DEVICE, 0))
        mac = raw.getsockname()[4]
        address = socket.inet_aton(OURS)
        raw.send(b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, 1)
                 + mac + address + bytes(6) + address)  # fmt: skip
    stack.expect("conflict")


def check_dhcp(stack):
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen(
            ["dnsmasq", "--no-daemon", "--port=0", "--conf-file=/dev/null", "--user=root",
             "--dhcp-authoritative", f"--interface={DEVICE}", f"--dhcp-range={OURS},{OURS},2m",
             f"--dhcp-leasefile={directory}/leases", "--log-dhcp"],
            stderr=sys.stdout)  # fmt: skip
        try:
            stack.tell("dhcp")
            stack.expect(f"configured {OURS}/24 gateway {LINUX}")
            both_ways(stack)
            with open(f"{directory}/leases", encoding="ascii") as leases:
                assert OUR_MAC in leases.read(), "dnsmasq knows of no lease"
            stack.tell("release")
            stack.expect("unconfigured")
            with open(f"{directory}/leases", encoding="ascii") as leases:
                assert OUR_MAC not in leases.read(), "dnsmasq has not got the address back"
        finally:
            server.kill()
            server.wait()


def command(line):
    subprocess.run(line.split(), check=True)


def main():
    program, *mode = sys.argv[1:]
    command(f"ip tuntap add dev {DEVICE} mode tap")
    command(f"ip address add {LINUX}/24 dev {DEVICE}")
    command("ip link set lo up")
    command(f"ip address add {LINUX_ELSEWHERE}/32 dev lo")
    command(f"ip link set {DEVICE} up")
    with contextlib.ExitStack() as exits:
        stack = exits.enter_context(Stack(program))
        if mode == ["dhcp"]:
            check_dhcp(stack)
        else:
            check_static(stack)
    print("good")


if __name__ == "__main__":
    main()
