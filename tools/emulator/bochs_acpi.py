"""ACPI tables for Bochs under UEFI: OVMF gets its tables from QEMU and has none elsewhere.

They describe what Bochs emulates: the processors, an I/O APIC, and the PIIX4's power management.
GRUB's acpi command loads them. Layouts: ACPI specification 1.0b, chapter 5.
"""

import struct

OEM = (b"VENEER", b"BOCHS   ", 1, b"VNR ", 1)  # OEM id, table id, revision, creator id, revision

LOCAL_APIC_ADDRESS = 0xFEE00000
IO_APIC_ADDRESS = 0xFEC00000
PCAT_COMPATIBLE = 1  # there are 8259s, too

# Power management registers, where OVMF puts them, and the commands of the SMI port.
PM_BASE = 0xB000
SMI_COMMAND_PORT, ACPI_ENABLE, ACPI_DISABLE = 0xB2, 0xF1, 0xF0
SCI_INTERRUPT = 9
TIMER_PIN = 2  # IRQ 0 is on this pin of the I/O APIC

# Name (\_S5, Package (4) {0, 0, 0, 0}): sleep type 0 is power-off.
S5_AML = b"\x08_S5_" + b"\x12\x06\x04" + bytes(4)


def _table(signature, revision, body):
    length = 36 + len(body)
    header = struct.pack("<4sIBB6s8sI4sI", signature, length, revision, 0, *OEM)
    content = bytearray(header + body)
    content[9] = -sum(content) & 0xFF  # the bytes of a table add up to 0
    return bytes(content)


def _madt(cpus):
    body = struct.pack("<II", LOCAL_APIC_ADDRESS, PCAT_COMPATIBLE)
    for apic_id in range(cpus):
        body += struct.pack("<BBBBI", 0, 8, apic_id, apic_id, 1)  # enabled
    body += struct.pack("<BBBBII", 1, 12, cpus, 0, IO_APIC_ADDRESS, 0)
    body += struct.pack("<BBBBIH", 2, 10, 0, 0, TIMER_PIN, 0)
    body += struct.pack("<BBBBIH", 2, 10, 0, SCI_INTERRUPT, SCI_INTERRUPT, 0xD)  # level, high
    return _table(b"APIC", 1, body)


def _fadt():
    body = struct.pack("<IIBBH", 0, 0, 0, 0, SCI_INTERRUPT)  # GRUB fills in where the DSDT is
    body += struct.pack("<IBBBB", SMI_COMMAND_PORT, ACPI_ENABLE, ACPI_DISABLE, 0, 0)
    # PM1a event, PM1b event, PM1a control, PM1b control, PM2 control, PM timer, GPE0, GPE1
    body += struct.pack("<8I", PM_BASE, 0, PM_BASE + 4, 0, 0, PM_BASE + 8, 0, 0)
    body += struct.pack("<8B", 4, 2, 0, 4, 0, 0, 0, 0)  # their lengths
    # C-state latencies that say "none", no cache flushing, duty cycle, alarms; flag: WBINVD works.
    body += struct.pack("<HHHHBBBBBBHBI", 0xFFFF, 0xFFFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    return _table(b"FACP", 1, body)


def write_tables(cpus, directory):
    """Writes the tables; returns their files, in the order in which GRUB is to load them."""
    tables = {"dsdt.aml": _table(b"DSDT", 1, S5_AML), "facp.aml": _fadt(), "apic.aml": _madt(cpus)}
    files = []
    for name, content in tables.items():
        files.append(directory / name)
        files[-1].write_bytes(content)
    return files
