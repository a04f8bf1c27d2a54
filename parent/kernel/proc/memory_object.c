#include "parent/kernel/proc/memory_object.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"
#include "parent/kernel/mm/heap.h"

#define MAX_PAGES ((HEAP_LARGEST - sizeof(struct memory_object)) / sizeof(uint64_t))

/* Gives back the first @count pages, and the object. */
static void release(struct memory_object *memory, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        pages_free(memory->pages[i], 1);
    job_give_pages(memory->job, memory->page_count);
    job_put(memory->job);
    heap_free(memory);
}

static void destroy(struct object *object)
{
    struct memory_object *memory = CONTAINER_OF(object, struct memory_object, object);
    if (memory->job) {
        release(memory, memory->page_count);
        return;
    }
    memory->returned(memory->context);
    heap_free(memory);
}

/* Fills in the next pages, a block if a whole one is to come and there is one. Returns how many; 0:
 * no memory. */
static uint64_t add_pages(struct memory_object *memory, uint64_t done)
{
    uint64_t count = memory->page_count - done >= PAGES_PER_BLOCK ? PAGES_PER_BLOCK : 1;
    uint64_t address = pages_allocate(count, count);
    if (address == 0 && count > 1) {
        count = 1;
        address = pages_allocate(1, 1);
    }
    if (address == 0)
        return 0;
    memset(physical_to_virtual(address), 0, count * PAGE_SIZE);
    for (uint64_t i = 0; i < count; i++)
        memory->pages[done + i] = address + i * PAGE_SIZE;
    return count;
}

struct memory_object *memory_object_create(struct job *job, uint64_t page_count,
                                           enum system_error *error)
{
    *error = SYSTEM_ERROR_LIMIT;
    if (page_count > MAX_PAGES || !job_take_pages(job, page_count))
        return NULL;
    *error = SYSTEM_ERROR_MEMORY;
    struct memory_object *memory =
        heap_allocate(sizeof(*memory) + page_count * sizeof(memory->pages[0]));
    if (!memory) {
        job_give_pages(job, page_count);
        return NULL;
    }
    object_init(&memory->object, OBJECT_MEMORY, destroy);
    job_get(job);
    memory->job = job;
    memory->page_count = page_count;
    for (uint64_t done = 0, added; done < page_count; done += added) {
        added = add_pages(memory, done);
        if (added == 0) {
            release(memory, done);
            return NULL;
        }
    }
    return memory;
}

struct memory_object *memory_object_lend(const uint64_t *pages, uint64_t page_count,
                                         void (*returned)(void *context), void *context)
{
    struct memory_object *memory =
        heap_allocate(sizeof(*memory) + page_count * sizeof(memory->pages[0]));
    if (!memory)
        return NULL;
    object_init(&memory->object, OBJECT_MEMORY, destroy);
    memory->returned = returned;
    memory->context = context;
    memory->page_count = page_count;
    memcpy(memory->pages, pages, page_count * sizeof(pages[0]));
    return memory;
}

/* The part of [@offset, @offset + @size) that is in one page, and where that is. */
static void *first_part(const struct memory_object *memory, uint64_t offset, uint64_t size,
                        uint64_t *part)
{
    uint64_t in_page = offset % PAGE_SIZE;
    *part = size < PAGE_SIZE - in_page ? size : PAGE_SIZE - in_page;
    return (uint8_t *)physical_to_virtual(memory->pages[offset / PAGE_SIZE]) + in_page;
}

void memory_object_write(struct memory_object *memory, uint64_t offset, const void *data,
                         uint64_t size)
{
    const uint8_t *from = data;
    for (uint64_t part; size > 0; size -= part) {
        void *to = first_part(memory, offset, size, &part);
        memcpy(to, from, part);
        offset += part;
        from += part;
    }
}

void memory_object_read(const struct memory_object *memory, uint64_t offset, void *data,
                        uint64_t size)
{
    uint8_t *to = data;
    for (uint64_t part; size > 0; size -= part) {
        const void *from = first_part(memory, offset, size, &part);
        memcpy(to, from, part);
        offset += part;
        to += part;
    }
}
