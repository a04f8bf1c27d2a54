/* What the hypervisor told the kernel at its start (include/boot_info.h), as the kernel keeps it.
 */
#ifndef VENEER_PARENT_BOOT_H
#define VENEER_PARENT_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "include/boot_info.h"

/* A copy; constant after boot_init(). */
extern struct boot_info boot_info;

/* Copies @info, which the hypervisor made, and checks that it is of the version we know. False if
 * not. */
bool boot_init(const struct boot_info *info);

/* The entry of the memory map that holds physical @address; NULL: it is not memory. */
const struct boot_memory_range *boot_find_range(uint64_t address);

/* Bytes of all ranges of @type. */
uint64_t boot_memory_total(enum boot_memory_type type);

/* Whether @type is memory that the kernel maps and may use or read. The kernel image is not part of
 * it. */
bool boot_memory_is_ours(uint32_t type);

/* The end of the highest range that is ours. */
uint64_t boot_memory_top(void);

/* Options of the kernel's command line; see lib/cmdline.h. There are: serial= (console.h), x2apic
 * (lapic.h), selftest and after= and fault= (selftest.h). */
bool boot_option(const char *key, char *value, size_t size);

#endif
