/* What is where in the machine's physical address space, as firmware tells it (ACPI 6.4, 15.1). */
#ifndef VENEER_WORKER_MEMORY_MAP_H
#define VENEER_WORKER_MEMORY_MAP_H

#include <stdint.h>

enum memory_type { MEMORY_RAM = 1, MEMORY_RESERVED = 2, MEMORY_ACPI = 3 };

struct memory_range {
    uint64_t address, size;
    enum memory_type type;
};

#define MEMORY_MAP_MAX 8

/* Where the tables of ACPI are; a kernel that knows no better finds them there. */
#define MEMORY_ACPI_START 0xe0000ull
#define MEMORY_ACPI_SIZE 0x10000ull

/* Registers of synthetic devices, such as a framebuffer: the guest's VMBus driver allots it. */
#define MEMORY_VMBUS_START 0xf8000000ull
#define MEMORY_VMBUS_SIZE 0x4000000ull

/* Fills in @ranges, ascending; how many they are. */
unsigned memory_map(struct memory_range ranges[MEMORY_MAP_MAX]);

#endif
