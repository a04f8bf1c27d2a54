/* The tables of the PC, the 440BX machine: what its firmware and its systems are told. They are
 * written by the worker, because it knows the machine (include/firmware_info.h). Any context. */
#ifndef VENEER_WORKER_FIRMWARE_TABLES_H
#define VENEER_WORKER_FIRMWARE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/firmware_info.h"

#define FIRMWARE_MAX_VPS 32

/* What the tables describe. */
struct firmware_machine {
    uint64_t low_memory, high_memory; /* bytes of RAM from 0 and from 4 GiB on */
    uint32_t vp_count;                /* 1 to FIRMWARE_MAX_VPS */
    uint32_t devices;                 /* FIRMWARE_HAS_... */
    uint8_t boot_order[FIRMWARE_BOOT_ENTRIES];
    uint32_t cpu_signature, cpu_features; /* EAX and EDX of CPUID leaf 1 */
    uint8_t uuid[16];                     /* of the VM, as SMBIOS has it */
};

/* Writes all of @area, which the guest sees at FIRMWARE_TABLES_ADDRESS. The result is false if
 * there are more processors than it has room for, or none; then there is nothing in it. */
bool firmware_write_tables(const struct firmware_machine *machine,
                           uint8_t area[FIRMWARE_TABLES_SIZE]);

/* --- Between the parts --- */

/* The area, of which parts are taken from its start on. */
struct firmware_area {
    uint8_t *memory;
    uint32_t used;
};

/* Takes @size bytes with @alignment, a power of 2. All of the tables together fit, by the limits of
 * a firmware_machine; tests make the largest one. */
void *firmware_take(struct firmware_area *area, uint32_t size, uint32_t alignment);

/* Where the guest has what is at @pointer in @area. */
uint32_t firmware_address(const struct firmware_area *area, const void *pointer);

/* Each writes its tables; the result is the address of the first one to be read: the RSDP, and
 * what else is for a firmware_copy. */
uint32_t firmware_write_acpi(const struct firmware_machine *machine, struct firmware_area *area);
struct firmware_copy firmware_write_mp(const struct firmware_machine *machine,
                                       struct firmware_area *area);
struct firmware_copy firmware_write_pir(struct firmware_area *area);
struct firmware_copy firmware_write_smbios(const struct firmware_machine *machine,
                                           struct firmware_area *area);

/* Writes the DSDT's AML to @buffer of @size bytes; how many it has. */
size_t firmware_write_dsdt(const struct firmware_machine *machine, uint8_t *buffer, size_t size);

/* The device numbers that PCI slots may have, for the tables that list each of them. */
#define FIRMWARE_PCI_ISA_BRIDGE 7u
#define FIRMWARE_PCI_SLOTS                                                                         \
    {                                                                                              \
        7, 8, 10, 11, 12, 13                                                                       \
    }

/* Which PIRQ (0: PIRQA#) interrupt pin @pin (0: INTA#) of device @device is. */
static inline uint32_t firmware_pirq(uint32_t device, uint32_t pin)
{
    return (device - 1 + pin) & 3;
}

#endif
