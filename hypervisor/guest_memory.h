/* A guest's memory as its program sees it: by linear addresses. */
#ifndef VENEER_HYPERVISOR_GUEST_MEMORY_H
#define VENEER_HYPERVISOR_GUEST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/partition.h"

/* The registers that say how the guest translates. */
struct guest_paging {
    uint64_t cr0, cr3, cr4, efer;
};

/* What the entries on all levels of a translation agree to. A kernel may write to pages that are
 * not writable while CR0.WP is clear. */
struct guest_rights {
    bool writable, user, executable;
};

/* Translates a linear address by the guest's own page tables, in every paging mode; does not check
 * rights, but tells them if @rights is not NULL, and sets no accessed bits. False if the tables do
 * not map it, or are not in the partition's memory. */
bool guest_translate(struct partition *partition, const struct guest_paging *paging,
                     uint64_t linear, gpa_t *result, struct guest_rights *rights);

/* The same without rights; notes in *@walk how it came there. */
bool guest_translate_noted(struct partition *partition, const struct guest_paging *paging,
                           uint64_t linear, gpa_t *result, struct guest_walk *walk);

/* Whether a walk with that result would come to the same place. */
static inline bool guest_walk_same(const struct guest_walk *walk)
{
    if (walk->count > GUEST_WALK_MAX)
        return false;
    for (unsigned i = 0; i < walk->count; i++)
        if (*walk->entries[i] != walk->values[i])
            return false;
    return true;
}

/* Copies @size bytes at @linear to @buffer. False, with @buffer undefined, if a page is not there.
 */
bool guest_read(struct partition *partition, const struct guest_paging *paging, uint64_t linear,
                void *buffer, uint64_t size);

#endif
