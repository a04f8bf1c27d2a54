/* Who owns each page of memory: one record per 4 KiB page below the top of memory. Every hypercall
 * that names a page goes through it. */
#ifndef VENEER_HYPERVISOR_PAGE_OWNER_H
#define VENEER_HYPERVISOR_PAGE_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/address.h"
#include "hypervisor/boot/memory_map.h"

enum page_state {
    PAGE_DEVICE,     /* not RAM: devices, firmware, nothing */
    PAGE_HYPERVISOR, /* never to be mapped for anyone */
    PAGE_ROOT,       /* RAM of the root partition; children that it is mapped for see it, too */
    PAGE_DEPOSITED,  /* given to the hypervisor for what it needs for partition @owner */
};

/* Changes as a whole, by compare and exchange. */
struct page_record {
    uint16_t owner; /* low half of a partition id (PARTITION_NUMBER()); 0: hypervisor or nobody */
    uint8_t state;  /* enum page_state */
    uint8_t mapped; /* PAGE_ROOT: how many mappings of children there are */
} __attribute__((aligned(4)));

/* Bytes of records for memory up to @memory_top. */
uint64_t page_owner_size(uint64_t memory_top);

/* Makes the records from the boot memory map, in which all that the hypervisor owns is claimed. LP
 * 0, once. */
void page_owner_init(const struct memory_map *map);

/* The record of the page at @address; pages above the top of memory are PAGE_DEVICE. */
struct page_record page_owner_get(spa_t address);

/* Each of these changes one record if it is in the state for it; otherwise false, and nothing has
 * changed. Any LP. */

/* RAM of the root that is mapped to no child becomes PAGE_DEPOSITED for partition @owner, and the
 * reverse. */
bool page_owner_deposit(spa_t address, uint16_t owner);
bool page_owner_withdraw(spa_t address, uint16_t owner);

/* RAM of the root gets one more mapping into a child (255 at most), or loses one. */
bool page_owner_map(spa_t address);
bool page_owner_unmap(spa_t address);

/* Pages in @state. Walks all records. */
uint64_t page_owner_count(enum page_state state);

#endif
