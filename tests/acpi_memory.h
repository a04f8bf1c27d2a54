/* Physical memory with ACPI tables in it, for tests. Each mapping is a copy of exactly the bytes
 * that were asked for, so that reading outside of them is noticed. */
#ifndef VENEER_TESTS_ACPI_MEMORY_H
#define VENEER_TESTS_ACPI_MEMORY_H

#include <stdlib.h>
#include <string.h>

#include "lib/acpi.h"

#define ACPI_MEMORY_BASE 0x7fe0000ull
#define ACPI_MEMORY_SIZE 8192
#define ACPI_MEMORY_MAPPINGS 128

static struct {
    uint8_t bytes[ACPI_MEMORY_SIZE];
    uint32_t used;
    void *mappings[ACPI_MEMORY_MAPPINGS];
    unsigned mapping_count;
} acpi_memory;

static inline const void *acpi_memory_map(void *context, uint64_t address, size_t size)
{
    (void)context;
    if (address < ACPI_MEMORY_BASE || address - ACPI_MEMORY_BASE > acpi_memory.used ||
        size > acpi_memory.used - (address - ACPI_MEMORY_BASE) ||
        acpi_memory.mapping_count == ACPI_MEMORY_MAPPINGS)
        return NULL;

    void *copy = malloc(size);

    memcpy(copy, acpi_memory.bytes + (address - ACPI_MEMORY_BASE), size);
    acpi_memory.mappings[acpi_memory.mapping_count++] = copy;
    return copy;
}

static const struct acpi_access acpi_memory_access = {.map = acpi_memory_map};

/* Empties the memory; all mappings end. */
static inline void acpi_memory_clear(void)
{
    while (acpi_memory.mapping_count > 0)
        free(acpi_memory.mappings[--acpi_memory.mapping_count]);
    memset(&acpi_memory, 0, sizeof(acpi_memory));
}

/* Sets the byte at @at so that the first @size bytes have the sum 0. */
static inline void acpi_fix_checksum(void *data, size_t size, size_t at)
{
    uint8_t *bytes = data;
    uint8_t sum = 0;

    bytes[at] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[at] = (uint8_t)(0 - sum);
}

/* Appends a table with @size bytes behind its header; returns its physical address. */
static inline uint64_t acpi_memory_add(const char signature[4], const void *data, uint32_t size)
{
    uint8_t *table = acpi_memory.bytes + acpi_memory.used;
    struct acpi_header header = {.length = (uint32_t)sizeof(header) + size, .revision = 1};

    if (header.length > ACPI_MEMORY_SIZE - acpi_memory.used)
        abort();
    memcpy(header.signature, signature, 4);
    memcpy(table, &header, sizeof(header));
    memcpy(table + sizeof(header), data, size);
    acpi_fix_checksum(table, header.length, offsetof(struct acpi_header, checksum));
    acpi_memory.used += header.length;
    return ACPI_MEMORY_BASE + acpi_memory.used - header.length;
}

/* Writes an RSDP; one of revision 0 has no XSDT. */
static inline void acpi_make_rsdp(uint8_t rsdp[36], uint8_t revision, uint32_t rsdt, uint64_t xsdt)
{
    memset(rsdp, 0, 36);
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = revision;
    memcpy(rsdp + 16, &rsdt, 4);
    rsdp[20] = 36;
    memcpy(rsdp + 24, &xsdt, 8);
    acpi_fix_checksum(rsdp, 20, 8);
    acpi_fix_checksum(rsdp, 36, 32);
}

#endif
