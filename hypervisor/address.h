/* Kinds of addresses, as types that cannot be mixed up, and the layout of the hypervisor's own
 * address space. */
#ifndef VENEER_HYPERVISOR_ADDRESS_H
#define VENEER_HYPERVISOR_ADDRESS_H

#include <stdint.h>

#include "lib/x86/cpu.h"

/* System physical address: what the memory controller sees. */
typedef struct {
    uint64_t value;
} spa_t;

/* Guest physical address: what a partition believes to be physical. */
typedef struct {
    uint64_t value;
} gpa_t;

static inline spa_t spa(uint64_t value)
{
    return (spa_t){value};
}

static inline gpa_t gpa(uint64_t value)
{
    return (gpa_t){value};
}

/* Upper half, one top-level entry (512 GiB) each:
 *  PHYSMAP  RAM, read-write, not executable, without the image's code and constants
 *  LP_AREA  per-LP stacks between guard pages, and struct lp
 *  DEVICE   local APIC, screen
 *  IMAGE    code R-X, constants R--, data RW- (linker.ld has the same number) */
#define PHYSMAP_BASE 0xffff800000000000ull
#define PHYSMAP_SIZE (1ull << 46)
#define LP_AREA_BASE 0xfffffe0000000000ull
#define DEVICE_BASE 0xffffff0000000000ull
#define IMAGE_BASE 0xffffffff80000000ull

/* RAM at @address in the hypervisor's address space. */
static inline void *spa_to_va(spa_t address)
{
    return (void *)(PHYSMAP_BASE + address.value);
}

/* The reverse. */
static inline spa_t va_to_spa(const void *va)
{
    return spa((uint64_t)va - PHYSMAP_BASE);
}

#endif
