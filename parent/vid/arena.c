#include "parent/vid/arena.h"

#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"

/* In each free page. */
struct free_page {
    uint64_t next; /* physical address; 0: the last one */
};

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_OBJECT); /* all below */
static uint64_t first_free;
static struct arena_statistics counts;

/* The lock is held. */
static void push(uint64_t page)
{
    ((struct free_page *)physical_to_virtual(page))->next = first_free;
    first_free = page;
    counts.pages_free++;
}

/* The lock is held. */
static uint64_t pop(void)
{
    uint64_t page = first_free;
    first_free = ((struct free_page *)physical_to_virtual(page))->next;
    counts.pages_free--;
    return page;
}

/* Adds a block. The lock is held. */
static bool grow(void)
{
    uint64_t block = pages_allocate(PAGES_PER_BLOCK, PAGES_PER_BLOCK);
    if (block == 0)
        return false;
    counts.pages_total += PAGES_PER_BLOCK;
    for (uint64_t i = PAGES_PER_BLOCK; i-- > 0;)
        push(block + i * PAGE_SIZE);
    return true;
}

bool arena_take(uint64_t *pages, uint32_t count)
{
    uint64_t flags = spin_lock(&lock);
    bool enough = true;
    while (enough && counts.pages_free < count)
        enough = grow();
    for (uint32_t i = 0; enough && i < count; i++)
        pages[i] = pop();
    spin_unlock(&lock, flags);
    return enough;
}

void arena_give(const uint64_t *pages, uint32_t count)
{
    uint64_t flags = spin_lock(&lock);
    for (uint32_t i = 0; i < count; i++)
        push(pages[i]);
    spin_unlock(&lock, flags);
}

void arena_get_statistics(struct arena_statistics *statistics)
{
    uint64_t flags = spin_lock(&lock);
    *statistics = counts;
    spin_unlock(&lock, flags);
}
