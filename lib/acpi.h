/* The ACPI tables that we need (ACPI specification 6.4, chapter 5): finding one, processors and
 * interrupt controllers (MADT), fixed hardware (FADT), and the soft-off sleep type of the DSDT.
 * Tables are firmware input: all lengths and checksums are checked. Nothing is allocated; results
 * point into the tables or are copies. */
#ifndef VENEER_LIB_ACPI_H
#define VENEER_LIB_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acpi_header {
    char signature[4];
    uint32_t length; /* bytes, whole table */
    uint8_t revision, checksum;
    char oem_id[6], oem_table_id[8];
    uint32_t oem_revision, creator_id, creator_revision;
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_header) == 36, "ACPI 5.2.6");

/* How to reach physical memory: returns a pointer to @size readable bytes at physical @address, or
 * NULL if they cannot be reached. The pointer stays valid as long as the tables are used. */
struct acpi_access {
    const void *(*map)(void *context, uint64_t address, size_t size);
    void *context;
};

/* Whether the @size bytes at @rsdp are an RSDP with a correct checksum (and extended one, for
 * revision 2 and later). */
bool acpi_rsdp_valid(const void *rsdp, size_t size);

/* The first table with @signature, by the XSDT or else the RSDT of the valid @rsdp; NULL if there
 * is none that is reachable and has a correct checksum. "DSDT" is found through the FADT. */
const struct acpi_header *acpi_find(const struct acpi_access *access, const void *rsdp,
                                    const char signature[4]);

/* One processor of the MADT: a local APIC or local x2APIC structure. */
struct acpi_processor {
    uint32_t apic_id;
    bool enabled;
    bool online_capable; /* not enabled now, but may be plugged in later */
};

/* Walks the processors of a valid MADT: start with *@offset = 0; false at the end or at a structure
 * with a bad length. An id that occurs both as APIC and as x2APIC is reported as often as it
 * occurs. */
bool acpi_madt_next_processor(const struct acpi_header *madt, uint32_t *offset,
                              struct acpi_processor *processor);

/* Physical address of the local APICs: the 64-bit override if there is one. */
uint64_t acpi_madt_lapic_address(const struct acpi_header *madt);

/* Memory-mapped PCI configuration space of some buses (PCI Firmware Specification 3.3, 4.1.2). */
struct acpi_ecam {
    uint64_t base; /* physical, of bus 0, even if the first bus is another */
    uint16_t segment;
    uint8_t first_bus, last_bus;
};

/* Walks the entries of a valid MCFG: start with *@offset = 0; false at the end. Entries whose buses
 * are out of order are left out. */
bool acpi_mcfg_next(const struct acpi_header *mcfg, uint32_t *offset, struct acpi_ecam *ecam);

/* One I/O APIC of the MADT. */
struct acpi_ioapic {
    uint8_t id;
    uint64_t address;         /* physical, of its registers */
    uint32_t first_interrupt; /* global number of its pin 0 */
};

/* Walks the I/O APICs of a valid MADT, like acpi_madt_next_processor(). */
bool acpi_madt_next_ioapic(const struct acpi_header *madt, uint32_t *offset,
                           struct acpi_ioapic *ioapic);

/* What the MADT says of ISA interrupt @irq (0 to 15): its global number, and how it is signalled.
 */
struct acpi_interrupt {
    uint32_t number;
    bool level, active_low;
};

/* Global interrupt @irq, edge, active high, unless an override says otherwise. True: one does. */
bool acpi_madt_isa_interrupt(const struct acpi_header *madt, uint8_t irq,
                             struct acpi_interrupt *interrupt);

enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1 };

struct acpi_register {
    enum acpi_space space;
    uint8_t width;    /* bits */
    uint64_t address; /* 0: the register is not there */
};

struct acpi_fixed_hardware {
    struct acpi_register pm_timer;
    bool pm_timer_32bit;
    struct acpi_register pm1a_control, pm1b_control;
    struct acpi_register sleep_control; /* hardware-reduced systems */
    bool hardware_reduced;
    struct acpi_register reset; /* usable only if the FADT says so, otherwise address 0 */
    uint8_t reset_value;
    uint16_t smi_command_port; /* 0: ACPI mode is always on */
    uint8_t acpi_enable;       /* value for that port */
    uint8_t century_register;  /* of the real-time clock; 0: none */
};

/* Reads a valid FADT; fields that its revision does not have are 0. */
void acpi_read_fadt(const struct acpi_header *fadt, struct acpi_fixed_hardware *hardware);

/* Finds the \_S5 package in a valid DSDT by its byte pattern (no AML interpreter). */
bool acpi_find_s5(const struct acpi_header *dsdt, uint8_t *sleep_type_a, uint8_t *sleep_type_b);

#endif
