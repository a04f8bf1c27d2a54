/* Memory that processes map: a list of pages, of a size that never changes. */
#ifndef VENEER_PARENT_PROC_MEMORY_OBJECT_H
#define VENEER_PARENT_PROC_MEMORY_OBJECT_H

#include <stdint.h>

#include "parent/include/system_call.h"
#include "parent/kernel/proc/job.h"
#include "parent/kernel/proc/object.h"

struct memory_object {
    struct object object;
    struct job *job; /* whose limit the pages count for; NULL: lent pages */
    /* Lent pages: called instead of freeing them. */
    void (*returned)(void *context);
    void *context;
    uint64_t page_count;
    uint64_t pages[]; /* physical addresses */
};

/* @page_count > 0 pages of zeros. Every 512 pages are an aligned 2 MiB block as long as there are
 * such blocks, so that a guest can get them as large pages. NULL: *@error says why. Thread. */
struct memory_object *memory_object_create(struct job *job, uint64_t page_count,
                                           enum system_error *error);

/* @page_count pages that are somebody else's, who learns by @returned(@context) that nobody maps
 * them any more. NULL: no memory. Thread. */
struct memory_object *memory_object_lend(const uint64_t *pages, uint64_t page_count,
                                         void (*returned)(void *context), void *context);

/* Copies @size bytes to @offset; both lie inside. */
void memory_object_write(struct memory_object *memory, uint64_t offset, const void *data,
                         uint64_t size);

/* Copies @size bytes from @offset on; both lie inside. Processes may write them meanwhile. */
void memory_object_read(const struct memory_object *memory, uint64_t offset, void *data,
                        uint64_t size);

#endif
