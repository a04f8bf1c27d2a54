/* Who owns each page of memory: one record per 4 KiB page below the top of memory. Every hypercall
 * that names a page goes through it. */
#ifndef VENEER_HYPERVISOR_PAGE_OWNER_H
#define VENEER_HYPERVISOR_PAGE_OWNER_H

#include <stdint.h>

#include "hypervisor/address.h"
#include "hypervisor/boot/memory_map.h"

enum page_state {
    PAGE_DEVICE,     /* not RAM: devices, firmware, nothing */
    PAGE_HYPERVISOR, /* never to be mapped for anyone */
    PAGE_ROOT,       /* RAM of the root partition, private to it */
};

struct page_record {
    uint16_t owner; /* partition id; 0 = hypervisor or nobody */
    uint8_t state;  /* enum page_state */
    uint8_t reserved;
};

/* Bytes of records for memory up to @memory_top. */
uint64_t page_owner_size(uint64_t memory_top);

/* Makes the records from the boot memory map, in which all that the hypervisor owns is claimed. LP
 * 0, once. */
void page_owner_init(const struct memory_map *map);

/* The record of the page at @address; pages above the top of memory are PAGE_DEVICE. */
struct page_record page_owner_get(spa_t address);

/* Pages in @state. Walks all records. */
uint64_t page_owner_count(enum page_state state);

#endif
