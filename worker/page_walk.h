/* A guest's page tables, as its processor walks them: 32-bit, PAE and 4-level paging with rights,
 * accessed and dirty bits (Intel SDM vol. 3, 4). Protection keys are not looked at. Pure logic. */
#ifndef VENEER_WORKER_PAGE_WALK_H
#define VENEER_WORKER_PAGE_WALK_H

#include <stdbool.h>
#include <stdint.h>

struct page_walk {
    uint64_t cr0, cr3, cr4, efer, rflags;
    uint8_t physical_bits; /* of an address; those above are reserved */
    /* A table's entry at @physical, of 4 or 8 bytes, aligned, which the guest may change meanwhile,
     * to be read, or written. NULL: there is no such memory; it reads as ones and drops writes. */
    void *(*entry)(void *context, uint64_t physical, bool write);
    void *context;
};

/* Where linear address @linear is for an access of EMULATOR_… bits, whose tables get their accessed
 * and dirty bits. False: page fault with *@error_code. */
bool page_walk(const struct page_walk *walk, uint64_t linear, unsigned access, uint64_t *physical,
               uint32_t *error_code);

#endif
