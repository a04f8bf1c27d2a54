/* Pages that go to the hypervisor and come back. They come from whole 2 MiB blocks that the page
 * allocator never sees again, because what is deposited leaves the root's address space page by
 * page: so the large pages that map the rest of the root's memory stay whole. */
#ifndef VENEER_PARENT_VID_ARENA_H
#define VENEER_PARENT_VID_ARENA_H

#include <stdbool.h>
#include <stdint.h>

/* Takes @count pages; their physical addresses. False: no memory, and none is taken. Any. */
bool arena_take(uint64_t *pages, uint32_t count);

/* Puts back pages that are in the root's address space again. Any. */
void arena_give(const uint64_t *pages, uint32_t count);

struct arena_statistics {
    uint64_t pages_total; /* of all blocks */
    uint64_t pages_free;  /* the others are deposited */
};

void arena_get_statistics(struct arena_statistics *statistics);

#endif
