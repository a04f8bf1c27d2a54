/* What the worker of the 440BX machine and the firmware in it agree on: where things are, and what
 * the worker leaves in memory for the firmware to read.
 *
 * Before the first instruction, and again before each one after a reset, the worker writes
 * FIRMWARE_TABLES_SIZE bytes over the start of the firmware's image, at FIRMWARE_TABLES_ADDRESS and
 * its alias below 4 GiB: a struct firmware_info, then the tables for operating systems, complete
 * and with the addresses that they have there. The firmware copies them to RAM at the same address
 * with the rest of its image, and leaves them writable: one of them, the FACS, is. A structure
 * without FIRMWARE_INFO_MAGIC is not there, as in another machine: ask the CMOS.
 *
 * Tables that systems look for between F0000h and FFFFFh only are in `copies`: the firmware copies
 * each of them to any address there that is a multiple of 16, before it makes that memory
 * read-only. None holds its own address. The RSDP needs no copy: systems look for it from E0000h
 * on.
 *
 * All numbers are little endian; offsets are fixed, for assembler. */
#ifndef VENEER_FIRMWARE_INFO_H
#define VENEER_FIRMWARE_INFO_H

#include <stddef.h>
#include <stdint.h>

/* --- Where things are: the tables say so, and the firmware sets the registers to it --- */

#define FIRMWARE_TABLES_ADDRESS 0xe0000u
#define FIRMWARE_TABLES_SIZE 0x8000u

/* PMBA of the PIIX4 (device 7, function 3, register 40h), 64 ports. */
#define FIRMWARE_PM_BASE 0xb000u
#define FIRMWARE_SCI_IRQ 9u
/* What the tables say to write to port B2h. */
#define FIRMWARE_ACPI_ENABLE 0xf1u
#define FIRMWARE_ACPI_DISABLE 0xf0u

/* Where base address registers may be: ports from PM_BASE + 64 on belong to nothing else. */
#define FIRMWARE_PCI_PORTS_START 0xc000u
#define FIRMWARE_PCI_PORTS_END 0x10000u
#define FIRMWARE_PCI_MEMORY_START 0xe0000000u
#define FIRMWARE_PCI_MEMORY_END 0xf8000000u

/* PIRQA# to PIRQD#: registers 60h to 63h of the PCI-ISA bridge. These and the SCI's are level
 * triggered (ELCR), active high. The pin of the I/O APIC is the IRQ, but for IRQ 0, which is pin 2.
 * Interrupt pin p (INTA#: 1) of device d is PIRQ (p - 1 + d - 1) & 3. */
#define FIRMWARE_PIRQ_IRQS                                                                         \
    {                                                                                              \
        10, 10, 11, 11                                                                             \
    }

/* --- What the worker tells --- */

#define FIRMWARE_INFO_MAGIC 0x524e4556u /* "VENR" */

/* Values of boot_order, the first one first; 0 ends it. */
enum firmware_boot {
    FIRMWARE_BOOT_END = 0,
    FIRMWARE_BOOT_FLOPPY = 1,
    FIRMWARE_BOOT_DISK = 2,
    FIRMWARE_BOOT_CD = 3,
    FIRMWARE_BOOT_NETWORK = 4, /* an option ROM */
};
#define FIRMWARE_BOOT_ENTRIES 8

/* Bits of devices. */
#define FIRMWARE_HAS_COM1 (1u << 0)
#define FIRMWARE_HAS_COM2 (1u << 1)
#define FIRMWARE_HAS_FLOPPY (1u << 2) /* a controller, with drive A; its type is in CMOS 10h */
#define FIRMWARE_HAS_NIC (1u << 3)
#define FIRMWARE_HAS_VMBUS (1u << 4)

/* A table that the firmware copies. Size 0: there is none. */
struct firmware_copy {
    uint32_t address, size;
};
enum firmware_copies {
    FIRMWARE_COPY_PIR,    /* $PIR, all of it; PCI BIOS function B10Eh reads its slots too */
    FIRMWARE_COPY_MP,     /* _MP_: the floating pointer */
    FIRMWARE_COPY_SMBIOS, /* _SM_: the entry point */
    FIRMWARE_COPIES,
};

struct firmware_info {
    uint32_t magic;       /* 00h */
    uint32_t size;        /* 04h: of this structure; later versions append */
    uint64_t low_memory;  /* 08h: bytes of RAM from address 0 on; a multiple of 1 MiB */
    uint64_t high_memory; /* 10h: bytes of RAM from 4 GiB on */
    uint32_t vp_count;    /* 18h: local APIC ids are 0 to this - 1 */
    uint32_t devices;     /* 1ch: FIRMWARE_HAS_... */
    uint8_t boot_order[FIRMWARE_BOOT_ENTRIES];    /* 20h: enum firmware_boot */
    uint32_t rsdp;                                /* 28h: address */
    uint32_t reserved;                            /* 2ch */
    struct firmware_copy copies[FIRMWARE_COPIES]; /* 30h: by enum firmware_copies */
};

_Static_assert(offsetof(struct firmware_info, low_memory) == 0x08, "fixed");
_Static_assert(offsetof(struct firmware_info, vp_count) == 0x18, "fixed");
_Static_assert(offsetof(struct firmware_info, boot_order) == 0x20, "fixed");
_Static_assert(offsetof(struct firmware_info, rsdp) == 0x28, "fixed");
_Static_assert(offsetof(struct firmware_info, copies) == 0x30, "fixed");
_Static_assert(sizeof(struct firmware_info) == 0x48, "fixed");

#endif
