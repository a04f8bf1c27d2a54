/* The hypervisor's own memory and address space. */
#ifndef VENEER_HYPERVISOR_MEMORY_H
#define VENEER_HYPERVISOR_MEMORY_H

#include <stdint.h>

#include "hypervisor/address.h"
#include "hypervisor/boot/multiboot2.h"

/* Claims in @map what is in use already (the image at @image_base, modules) and one block for
 * everything that the hypervisor will ever need on a machine with @lps processors; gives it to the
 * pool. Stops the boot if there is too little memory. Boot page tables active. */
void memory_claim(struct loader_info *info, spa_t image_base, uint32_t lps);

/* Builds and loads the final page tables: W^X, RAM of @map without the image's code, no identity
 * map. LP 0. */
void memory_map_self(const struct memory_map *map);

/* Maps @pages pages at @va, which is in no use. Flags as of struct page_table, no PTE_PRESENT
 * needed. While booting. */
void memory_map_pages(uint64_t va, spa_t address, uint64_t pages, uint64_t flags);

/* Maps @size bytes of device memory at @address, uncached; the result is at the same offset in its
 * page. While booting. */
volatile void *memory_map_device(spa_t address, uint64_t size);

/* The end of the boot: constants become read-only, what only the boot needed and the other backend
 * are unmapped. LP 0. */
void memory_seal(void);

/* As struct page_table.access. */
uint64_t *memory_access_table(uint64_t address);

/* For CR3. */
spa_t memory_root(void);

/* Bytes of the image that stay after the boot. */
uint64_t memory_image_size(void);

/* For boot/memory_setup.c: the page tables, where the boot loader put the image, and mapping whole
 * pages of it. */
extern struct page_table memory_tables;
extern spa_t memory_image_base;
spa_t memory_image_spa(const char *address);
void memory_map_image(const char *start, const char *end, uint64_t flags);

/* The first address that is none of memory or devices. Bits from there on may be without meaning,
 * or select the key of an encryption: a second name of the same memory. While booting. */
uint64_t memory_address_end(void);

/* Whether the processor has 1 GiB pages. While booting. */
bool memory_has_huge_pages(void);

#endif
