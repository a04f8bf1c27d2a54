/* The memory of a child as it is mapped at one moment, for those who reach it from the kernel. As
 * long as it is held it stays mapped, so looking up a page needs no lock. */
#ifndef VENEER_PARENT_VID_GUEST_MEMORY_H
#define VENEER_PARENT_VID_GUEST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/vid/partition.h"

struct guest_memory;

/* All mappings of @partition that the child may write. They cannot be unmapped any more; others can
 * be added, but do not belong to it. NULL: no memory, or it is held already. Thread. */
struct guest_memory *guest_memory_hold(struct partition *partition);

/* Lets @memory go: nobody uses it any more. Thread. */
void guest_memory_release(struct partition *partition, struct guest_memory *memory);

/* Pages that were mapped together. */
struct guest_memory_range {
    uint64_t gpa_page, page_count;
    const uint64_t *addresses; /* physical, of each page; as long as the memory is held */
};

/* The range that has guest page @gpa_page. False: there is none. Any. */
bool guest_memory_find(const struct guest_memory *memory, uint64_t gpa_page,
                       struct guest_memory_range *found);

#endif
