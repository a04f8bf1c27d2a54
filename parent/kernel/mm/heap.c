/* The kernel's heap. Blocks of one size class are cut from pages; larger ones are runs of pages. A
 * header at the start of the page says which, so that a block's address is enough to free it.
 *
 * In debug builds each block has a guard before and behind what the caller asked for, which
 * heap_free() checks, and free blocks are filled with a pattern, which the next allocation checks.
 */
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/mm/heap.h"
#include "parent/kernel/mm/pages.h"
#include "parent/kernel/panic.h"

#define ALIGNMENT 16
#define MAGIC_SMALL 0x4c4d5348u
#define MAGIC_LARGE 0x47524c48u

/* At the start of each page of blocks, and of the first page of a run. */
struct heap_page {
    struct list link; /* small: in free_pages of its class, unless all blocks are taken */
    void *free;       /* small: first free block; each begins with the address of the next */
    uint64_t count;   /* small: blocks taken; large: pages */
    uint32_t magic;
    uint32_t class;
};

#define HEADER_SIZE 48
_Static_assert(sizeof(struct heap_page) <= HEADER_SIZE && HEADER_SIZE % ALIGNMENT == 0, "layout");

struct size_class {
    struct spinlock lock;
    uint32_t size; /* bytes, guards included; the larger ones divide a page with little waste */
    struct list free_pages;
    uint64_t blocks, pages; /* taken */
};

#define CLASS(bytes)                                                                               \
    {                                                                                              \
        .lock = SPINLOCK(LOCK_LEVEL_HEAP), .size = (bytes)                                         \
    }
static struct size_class classes[] = {
    CLASS(16),  CLASS(32),  CLASS(48),  CLASS(64),  CLASS(96),   CLASS(128),  CLASS(192),
    CLASS(256), CLASS(336), CLASS(448), CLASS(672), CLASS(1008), CLASS(1344), CLASS(2016),
};
#define CLASS_COUNT (sizeof(classes) / sizeof(classes[0]))
#define LARGEST_SMALL 2016

static uint64_t large_blocks, large_pages; /* atomic */

/* Debug builds: a block begins with the guard, then come the caller's bytes, then at least
 * TAIL_SIZE bytes of pattern up to its end. */
struct guard {
    uint64_t size; /* the caller's bytes */
    uint64_t magic;
};

#define GUARD_MAGIC 0x5afe5afe5afe5afeull
#define GUARD_FREED 0xf4eef4eef4eef4eeull
#define TAIL_SIZE 16
#define TAIL_PATTERN 0xfd
#define FREE_PATTERN 0xdd
#define GUARD_TOTAL (VENEER_DEBUG ? sizeof(struct guard) + TAIL_SIZE : 0)

static struct heap_page *page_of(const void *block)
{
    struct heap_page *page = (struct heap_page *)((uint64_t)block & PAGE_MASK);
    if ((uint64_t)block % ALIGNMENT || (page->magic != MAGIC_SMALL && page->magic != MAGIC_LARGE))
        panic("%p is not of the heap", block);
    return page;
}

static bool filled_with(const uint8_t *from, const uint8_t *to, uint8_t pattern)
{
    while (from < to) {
        if (*from++ != pattern)
            return false;
    }
    return true;
}

static uint64_t block_size(const struct heap_page *page)
{
    if (page->magic == MAGIC_LARGE)
        return page->count * PAGE_SIZE - HEADER_SIZE;
    return classes[page->class].size;
}

/* Puts guards around @size bytes in @block; returns their address. */
static void *guard_block(void *block, size_t size)
{
    struct guard *guard = block;
    uint8_t *content = (uint8_t *)(guard + 1);
    uint8_t *end = (uint8_t *)block + block_size(page_of(block));
    *guard = (struct guard){.size = size, .magic = GUARD_MAGIC};
    memset(content + size, TAIL_PATTERN, (size_t)(end - content) - size);
    return content;
}

/* Checks the guards around @content; returns the block. */
static void *unguard_block(void *content)
{
    struct guard *guard = (struct guard *)content - 1;
    if (guard->magic == GUARD_FREED)
        panic("heap block %p freed twice", content);
    uint64_t capacity = block_size(page_of(guard)) - sizeof(*guard);
    if (guard->magic != GUARD_MAGIC || guard->size > capacity)
        panic("written before heap block %p", content);
    if (!filled_with((uint8_t *)content + guard->size, (uint8_t *)content + capacity, TAIL_PATTERN))
        panic("written behind heap block %p of %lu bytes", content, guard->size);
    guard->magic = GUARD_FREED;
    return guard;
}

/* What a free block has behind the address of the next one and the guard's mark. */
static void poison(void *block, uint32_t size)
{
    if (VENEER_DEBUG)
        memset((uint8_t *)block + sizeof(struct guard), FREE_PATTERN, size - sizeof(struct guard));
}

static void check_poison(const void *block, uint32_t size)
{
    const uint8_t *bytes = block;
    if (VENEER_DEBUG && !filled_with(bytes + sizeof(struct guard), bytes + size, FREE_PATTERN))
        panic("heap block %p written after it was freed", block);
}

static struct heap_page *create_page(uint32_t class)
{
    uint64_t address = pages_allocate(1, 1);
    if (address == 0)
        return NULL;
    struct heap_page *page = direct_map(address);
    *page = (struct heap_page){.magic = MAGIC_SMALL, .class = class};
    uint32_t size = classes[class].size;
    for (uint64_t offset = HEADER_SIZE; offset + size <= PAGE_SIZE; offset += size) {
        void **block = (void **)((uint8_t *)page + offset);
        poison(block, size);
        *block = page->free;
        page->free = block;
    }
    return page;
}

static void destroy_page(struct heap_page *page)
{
    page->magic = 0;
    pages_free(virtual_to_physical(page), 1);
}

/* A block of the class's first page with free ones, or NULL. Its lock is held. */
static void *take_block(struct size_class *class)
{
    if (list_empty(&class->free_pages))
        return NULL;
    struct heap_page *page = CONTAINER_OF(class->free_pages.next, struct heap_page, link);
    void **block = page->free;
    page->free = *block;
    page->count++;
    class->blocks++;
    if (!page->free)
        list_remove(&page->link);
    return block;
}

static void *allocate_small(size_t size)
{
    uint32_t index = 0;
    while (classes[index].size < size)
        index++;
    struct size_class *class = &classes[index];

    uint64_t flags = spin_lock(&class->lock);
    void *block = take_block(class);
    spin_unlock(&class->lock, flags);
    if (!block) {
        struct heap_page *page = create_page(index);
        if (!page)
            return NULL;
        flags = spin_lock(&class->lock);
        list_add_first(&class->free_pages, &page->link);
        class->pages++;
        block = take_block(class);
        spin_unlock(&class->lock, flags);
    }
    check_poison(block, class->size);
    return block;
}

static void free_small(struct heap_page *page, void *block)
{
    struct size_class *class = &classes[page->class];
    poison(block, class->size);
    uint64_t flags = spin_lock(&class->lock);
    if (!page->free)
        list_add_first(&class->free_pages, &page->link);
    *(void **)block = page->free;
    page->free = block;
    page->count--;
    class->blocks--;
    /* One page without taken blocks stays, if it is the only one with free ones. */
    bool unused = page->count == 0 && class->free_pages.next != class->free_pages.previous;
    if (unused) {
        list_remove(&page->link);
        class->pages--;
    }
    spin_unlock(&class->lock, flags);
    if (unused)
        destroy_page(page);
}

static void *allocate_large(size_t size)
{
    uint64_t count = (size + HEADER_SIZE + PAGE_SIZE - 1) / PAGE_SIZE;
    uint64_t address = pages_allocate(count, 1);
    if (address == 0)
        return NULL;
    struct heap_page *page = direct_map(address);
    *page = (struct heap_page){.magic = MAGIC_LARGE, .count = count};
    __atomic_fetch_add(&large_blocks, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&large_pages, count, __ATOMIC_RELAXED);
    return (uint8_t *)page + HEADER_SIZE;
}

static void free_large(struct heap_page *page)
{
    uint64_t count = page->count;
    page->magic = 0;
    __atomic_fetch_sub(&large_blocks, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&large_pages, count, __ATOMIC_RELAXED);
    pages_free(virtual_to_physical(page), count);
}

void heap_init(void)
{
    for (size_t i = 0; i < CLASS_COUNT; i++)
        list_init(&classes[i].free_pages);
}

void *heap_allocate(size_t size)
{
    if (size > HEAP_LARGEST)
        return NULL;
    size_t total = size + GUARD_TOTAL;
    void *block = total <= LARGEST_SMALL ? allocate_small(total) : allocate_large(total);
    if (!block)
        return NULL;
    void *content = VENEER_DEBUG ? guard_block(block, size) : block;
    return memset(content, 0, size);
}

void heap_free(void *pointer)
{
    if (!pointer)
        return;
    void *block = VENEER_DEBUG ? unguard_block(pointer) : pointer;
    struct heap_page *page = page_of(block);
    if (page->magic == MAGIC_LARGE)
        free_large(page);
    else
        free_small(page, block);
}

void memory_get_statistics(struct memory_statistics *statistics)
{
    *statistics = (struct memory_statistics){
        .pages_total = pages_total_count(),
        .pages_free = pages_free_count(),
        .heap_pages = __atomic_load_n(&large_pages, __ATOMIC_RELAXED),
        .heap_blocks = __atomic_load_n(&large_blocks, __ATOMIC_RELAXED),
    };
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        statistics->heap_pages += __atomic_load_n(&classes[i].pages, __ATOMIC_RELAXED);
        statistics->heap_blocks += __atomic_load_n(&classes[i].blocks, __ATOMIC_RELAXED);
    }
}
