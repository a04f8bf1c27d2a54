/* The hypercall page: our code, shown to a partition in place of a page that it chooses
 * (TLFS 3.13). */
#ifndef VENEER_HYPERVISOR_HYPERCALL_PAGE_H
#define VENEER_HYPERVISOR_HYPERCALL_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/partition.h"

/* Makes the page for @partition. Boot. */
void hypercall_page_create(struct partition *partition);

/* Sets HV_X64_MSR_GUEST_OS_ID; 0 also disables the page. Takes the partition's lock; shoots TLBs
 * down. */
void hypercall_page_set_guest_os_id(struct partition *partition, uint64_t value);

/* Sets HV_X64_MSR_HYPERCALL. False, and nothing changed, if the register is locked, a reserved bit
 * is set, or the page is not memory of the partition. Stays disabled while the guest OS id is 0.
 * Locks and TLBs as above. */
bool hypercall_page_set(struct partition *partition, uint64_t value);

/* Whether the partition sees our page at @address. */
bool hypercall_page_covers(const struct partition *partition, gpa_t address);

#endif
