/* The hypercall page: our code, shown to a partition in place of a page that it chooses
 * (TLFS 3.13). */
#ifndef VENEER_HYPERVISOR_HYPERCALL_PAGE_H
#define VENEER_HYPERVISOR_HYPERCALL_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/partition.h"

/* Makes the page, which all partitions share, for the root. Boot. */
void hypercall_page_create(struct partition *root);

/* Sets HV_X64_MSR_GUEST_OS_ID; 0 also disables the page. Takes the partition's lock; shoots TLBs
 * down. */
void hypercall_page_set_guest_os_id(struct partition *partition, uint64_t value);

/* Sets HV_X64_MSR_HYPERCALL. False, and nothing changed, if the register is locked, a reserved bit
 * is set, the page is not memory of the partition, or a large page cannot be split for lack of
 * memory. Stays disabled while the guest OS id is 0. Locks and TLBs as above. */
bool hypercall_page_set(struct partition *partition, uint64_t value);

/* Whether the partition sees our page at @address. */
bool hypercall_page_covers(const struct partition *partition, gpa_t address);

/* Around each change of the partition's mappings in a range: puts back what our page covers there,
 * and covers what is there afterwards. The caller holds the partition's lock from one to the other,
 * and shoots TLBs down. hypercall_page_hide() is false if nothing in the range is covered: then
 * there is nothing to show again. */
bool hypercall_page_hide(struct partition *partition, gpa_t address, uint64_t size);
void hypercall_page_show(struct partition *partition);

#endif
