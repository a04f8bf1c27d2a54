#include "parent/kernel/proc/address_space.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/smp.h"

#define UPPER_HALF_ENTRY (PAGE_TABLE_ENTRIES / 2)
#define TOP_LEVEL 3

struct mapping {
    struct list link;
    uint64_t start, page_count;
    uint64_t first; /* page of the memory at its start */
    enum mapping_access access;
    struct memory_object *memory;
};

static uint64_t allocate_table(void *context)
{
    (void)context;
    return page_allocate_zeroed();
}

static uint64_t *access_table(uint64_t address)
{
    return direct_map(address);
}

bool address_space_init(struct address_space *space)
{
    *space = (struct address_space){
        .tables = {.present_mask = PTE_PRESENT,
                   .table_flags = PTE_PRESENT | PTE_WRITABLE | PTE_USER,
                   .root = page_allocate_zeroed(),
                   .allocate = allocate_table,
                   .access = access_table},
    };
    mutex_init(&space->lock);
    list_init(&space->mappings);
    if (space->tables.root == 0)
        return false;
    /* The kernel's half is the same in all: its top entries never change. */
    const uint64_t *kernel = direct_map(memory_root());
    uint64_t *own = direct_map(space->tables.root);
    memcpy(&own[UPPER_HALF_ENTRY], &kernel[UPPER_HALF_ENTRY], UPPER_HALF_ENTRY * sizeof(uint64_t));
    return true;
}

static uint64_t mapping_end(const struct mapping *mapping)
{
    return mapping->start + mapping->page_count * PAGE_SIZE;
}

static struct mapping *mapping_of(struct list *link)
{
    return CONTAINER_OF(link, struct mapping, link);
}

/* The mapping behind which @size bytes at @address do not touch another one; NULL: they do. */
static struct list *find_place(struct address_space *space, uint64_t address, uint64_t size)
{
    struct list *position = space->mappings.previous;
    while (position != &space->mappings && mapping_of(position)->start >= address + size)
        position = position->previous;
    if (position != &space->mappings && mapping_end(mapping_of(position)) > address)
        return NULL;
    return position;
}

/* The lowest address for @size bytes with an empty page around, and the mapping behind which it is;
 * NULL: there is no room. */
static struct list *find_room(struct address_space *space, uint64_t size, uint64_t *address)
{
    struct list *position = &space->mappings;
    *address = USER_MAP_START;
    LIST_FOR_EACH (item, &space->mappings) {
        struct mapping *mapping = mapping_of(item);
        if (mapping->start >= *address && mapping->start - *address >= size + PAGE_SIZE)
            return position;
        position = item;
        if (mapping_end(mapping) + PAGE_SIZE > *address)
            *address = mapping_end(mapping) + PAGE_SIZE;
    }
    return *address < USER_END && USER_END - *address >= size + PAGE_SIZE ? position : NULL;
}

static uint64_t leaf_flags(enum mapping_access access)
{
    uint64_t flags = PTE_PRESENT | PTE_USER;
    if (access == ACCESS_WRITE)
        flags |= PTE_WRITABLE;
    if (access != ACCESS_EXECUTE)
        flags |= PTE_NO_EXECUTE;
    return flags;
}

static bool enter_pages(struct address_space *space, const struct mapping *mapping)
{
    for (uint64_t i = 0; i < mapping->page_count; i++) {
        if (!page_table_map(&space->tables, mapping->start + i * PAGE_SIZE,
                            mapping->memory->pages[mapping->first + i], PAGE_SIZE,
                            leaf_flags(mapping->access)))
            return false;
    }
    return true;
}

static void flush(void *argument)
{
    const struct address_space *space = argument;
    if (read_cr3() == space->tables.root)
        write_cr3(space->tables.root);
}

/* Takes the mapping away from all CPUs that may know it; then nothing is left that uses its pages.
 * The structure stays for the caller to free. The lock is held. */
static void remove_mapping(struct address_space *space, struct mapping *mapping)
{
    uint64_t size = mapping->page_count * PAGE_SIZE;
    /* Cannot fail: there are no large pages that would have to be split. */
    page_table_unmap(&space->tables, mapping->start, size);
    if (space->shared)
        smp_interrupt_all(flush, space);
    else
        flush(space);
    list_remove(&mapping->link);
    space->mapping_count--;
    space->page_count -= mapping->page_count;
    object_put(&mapping->memory->object);
}

static struct list *find_position(struct address_space *space, uint64_t size, uint64_t *address)
{
    if (*address == 0)
        return find_room(space, size, address);
    return find_place(space, *address, size);
}

static enum system_error map_locked(struct address_space *space, struct mapping *mapping)
{
    uint64_t size = mapping->page_count * PAGE_SIZE;
    if (space->mapping_count == SYSTEM_MAX_MAPPINGS)
        return SYSTEM_ERROR_LIMIT;
    struct list *position = find_position(space, size, &mapping->start);
    if (!position)
        return SYSTEM_ERROR_ARGUMENT;
    list_insert_after(position, &mapping->link);
    space->mapping_count++;
    space->page_count += mapping->page_count;
    object_get(&mapping->memory->object);
    if (enter_pages(space, mapping))
        return SYSTEM_OK;
    remove_mapping(space, mapping);
    return SYSTEM_ERROR_MEMORY;
}

enum system_error address_space_map(struct address_space *space, struct memory_object *memory,
                                    uint64_t first, uint64_t page_count, enum mapping_access access,
                                    uint64_t *address)
{
    struct mapping *mapping = heap_allocate(sizeof(*mapping));
    if (!mapping)
        return SYSTEM_ERROR_MEMORY;
    mapping->start = *address;
    mapping->page_count = page_count;
    mapping->first = first;
    mapping->access = access;
    mapping->memory = memory;
    mutex_lock(&space->lock);
    enum system_error error = map_locked(space, mapping);
    if (error == SYSTEM_OK)
        *address = mapping->start;
    mutex_unlock(&space->lock);
    if (error != SYSTEM_OK)
        heap_free(mapping);
    return error;
}

static struct mapping *find_mapping(struct address_space *space, uint64_t start)
{
    LIST_FOR_EACH (item, &space->mappings) {
        if (mapping_of(item)->start == start)
            return mapping_of(item);
    }
    return NULL;
}

bool address_space_unmap(struct address_space *space, uint64_t address)
{
    mutex_lock(&space->lock);
    struct mapping *mapping = find_mapping(space, address);
    if (mapping)
        remove_mapping(space, mapping);
    mutex_unlock(&space->lock);
    heap_free(mapping);
    return mapping != NULL;
}

/* Whether all @size > 0 bytes at @address are @mapping's. */
static bool mapping_holds(const struct mapping *mapping, uint64_t address, uint64_t size)
{
    uint64_t end = mapping_end(mapping);
    return address >= mapping->start && address < end && size <= end - address;
}

struct memory_object *address_space_find(struct address_space *space, uint64_t address,
                                         uint64_t size, bool write, uint64_t *offset)
{
    struct memory_object *found = NULL;
    mutex_lock(&space->lock);
    LIST_FOR_EACH (item, &space->mappings) {
        const struct mapping *mapping = mapping_of(item);
        if (!mapping_holds(mapping, address, size) || (write && mapping->access != ACCESS_WRITE))
            continue;
        found = mapping->memory;
        object_get(&found->object);
        *offset = mapping->first * PAGE_SIZE + (address - mapping->start);
    }
    mutex_unlock(&space->lock);
    return found;
}

/* Frees the tables below the first @count entries of the table of @level at @address, and those
 * entries' own. */
static void free_tables(uint64_t address, unsigned level, unsigned count)
{
    uint64_t *entries = direct_map(address);
    for (unsigned i = 0; i < count && level > 0; i++) {
        if (!(entries[i] & PTE_PRESENT))
            continue;
        uint64_t lower = entries[i] & PAGE_TABLE_ADDRESS;
        free_tables(lower, level - 1, PAGE_TABLE_ENTRIES);
        pages_free(lower, 1);
    }
}

void address_space_destroy(struct address_space *space)
{
    space->shared = false;
    mutex_lock(&space->lock);
    while (!list_empty(&space->mappings)) {
        struct mapping *mapping = mapping_of(space->mappings.next);
        remove_mapping(space, mapping);
        heap_free(mapping);
    }
    mutex_unlock(&space->lock);
    free_tables(space->tables.root, TOP_LEVEL, UPPER_HALF_ENTRY);
    pages_free(space->tables.root, 1);
    space->tables.root = 0;
}
