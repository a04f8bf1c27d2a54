#include "parent/kernel/mm/pages.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/layout.h"
#include "parent/include/spinlock.h"
#include "parent/kernel/mm/page_bitmap.h"
#include "parent/kernel/panic.h"

/* Firmware is known to scribble into memory that it reports as free here. */
#define LOWEST_ADDRESS (1ull << 20)
/* What the boot page tables map. */
#define BOOT_MAPPED_END (1ull << 32)

/* Pages that move between a CPU's cache and the bitmap at once. */
#define CACHE_BATCH (PAGE_CACHE_SIZE / 2)

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_PAGES); /* the bitmap and total */
static struct page_bitmap bitmap;
static uint64_t total;
static uint64_t bitmap_address, bitmap_end; /* physical, of the bitmap's own memory */

/* Makes the pages of [@base, @end) free, but for the bitmap. */
static void release(uint64_t base, uint64_t end)
{
    if (base < bitmap_end && end > bitmap_address) {
        release(base, bitmap_address);
        base = bitmap_end;
    }
    if (base >= end)
        return;
    if (!page_bitmap_release(&bitmap, base >> PAGE_SHIFT, (end - base) >> PAGE_SHIFT))
        panic("memory map overlaps at %lx", base);
    total += (end - base) >> PAGE_SHIFT;
}

static uint64_t at_least(uint64_t value, uint64_t low)
{
    return value < low ? low : value;
}

static uint64_t at_most(uint64_t value, uint64_t high)
{
    return value > high ? high : value;
}

static void place_bitmap(uint64_t size)
{
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        const struct boot_memory_range *range = &boot_info.memory[i];
        uint64_t base = at_least(range->base, LOWEST_ADDRESS);
        uint64_t end = at_most(range->base + range->size, BOOT_MAPPED_END);
        if (range->type == BOOT_MEMORY_RAM && base < end && end - base >= size) {
            bitmap_address = base;
            bitmap_end = base + size;
            return;
        }
    }
    panic("no room for %lu bytes of page bitmap", size);
}

void pages_init(void)
{
    uint64_t count = boot_memory_top() >> PAGE_SHIFT;
    place_bitmap((page_bitmap_size(count) + PAGE_SIZE - 1) & PAGE_MASK);
    page_bitmap_init(&bitmap, direct_map(bitmap_address), count);
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        const struct boot_memory_range *range = &boot_info.memory[i];
        if (range->type == BOOT_MEMORY_RAM)
            release(at_least(range->base, LOWEST_ADDRESS),
                    at_most(range->base + range->size, BOOT_MAPPED_END));
    }
}

void pages_add_rest(void)
{
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        const struct boot_memory_range *range = &boot_info.memory[i];
        if (range->type == BOOT_MEMORY_RAM)
            release(at_least(range->base, BOOT_MAPPED_END), range->base + range->size);
        if (range->type == BOOT_MEMORY_BOOT_DATA)
            release(at_least(range->base, LOWEST_ADDRESS), range->base + range->size);
    }
}

static void release_to_bitmap(uint64_t address, uint64_t count)
{
    if (!page_bitmap_release(&bitmap, address >> PAGE_SHIFT, count))
        panic("pages at %lx freed twice", address);
}

/* Gives back what the cache has above @keep pages. Its lock is held. */
static void shrink_cache(struct page_cache *cache, uint32_t keep)
{
    uint64_t flags = spin_lock(&lock);
    while (cache->count > keep)
        release_to_bitmap(cache->pages[--cache->count], 1);
    spin_unlock(&lock, flags);
}

/* Fills the empty cache with a batch, as far as there are pages. Its lock is held. */
static void refill_cache(struct page_cache *cache)
{
    uint64_t page;
    uint64_t flags = spin_lock(&lock);
    while (cache->count < CACHE_BATCH && page_bitmap_take_low(&bitmap, 1, 1, &page))
        cache->pages[cache->count++] = page << PAGE_SHIFT;
    spin_unlock(&lock, flags);
}

/* Collects the pages of all caches, for the sake of a request that cannot be met else. */
static void empty_caches(void)
{
    for (uint32_t i = 0; i < cpu_count; i++) {
        struct page_cache *cache = &cpus[i]->page_cache;
        uint64_t flags = spin_lock(&cache->lock);
        shrink_cache(cache, 0);
        spin_unlock(&cache->lock, flags);
    }
}

static uint64_t take_from_bitmap(uint64_t count, uint64_t alignment)
{
    uint64_t first = 0;
    uint64_t flags = spin_lock(&lock);
    bool found = alignment >= PAGES_PER_BLOCK
                     ? page_bitmap_take_high(&bitmap, count, alignment, &first)
                     : page_bitmap_take_low(&bitmap, count, alignment, &first);
    spin_unlock(&lock, flags);
    return found ? first << PAGE_SHIFT : 0;
}

/* One page from this CPU's cache, or 0. */
static uint64_t take_from_cache(void)
{
    uint64_t page = 0;
    uint64_t saved = interrupts_save();
    struct page_cache *cache = &this_cpu()->page_cache;
    uint64_t flags = spin_lock(&cache->lock);
    if (cache->count == 0)
        refill_cache(cache);
    if (cache->count > 0)
        page = cache->pages[--cache->count];
    spin_unlock(&cache->lock, flags);
    interrupts_restore(saved);
    return page;
}

static void give_to_cache(uint64_t address)
{
    uint64_t saved = interrupts_save();
    struct page_cache *cache = &this_cpu()->page_cache;
    uint64_t flags = spin_lock(&cache->lock);
    if (cache->count == PAGE_CACHE_SIZE)
        shrink_cache(cache, PAGE_CACHE_SIZE - CACHE_BATCH);
    cache->pages[cache->count++] = address;
    spin_unlock(&cache->lock, flags);
    interrupts_restore(saved);
}

uint64_t pages_allocate(uint64_t count, uint64_t alignment)
{
    uint64_t address = 0;
    if (count == 1 && alignment == 1 && cpu_count > 0)
        address = take_from_cache();
    if (address == 0)
        address = take_from_bitmap(count, alignment);
    if (address == 0) {
        empty_caches();
        address = take_from_bitmap(count, alignment);
    }
    return address;
}

uint64_t page_allocate_zeroed(void)
{
    uint64_t address = pages_allocate(1, 1);
    if (address)
        memset(direct_map(address), 0, PAGE_SIZE);
    return address;
}

void pages_free(uint64_t address, uint64_t count)
{
    if (count == 1 && cpu_count > 0) {
        give_to_cache(address);
        return;
    }
    uint64_t flags = spin_lock(&lock);
    release_to_bitmap(address, count);
    spin_unlock(&lock, flags);
}

uint64_t pages_free_count(void)
{
    uint64_t count = __atomic_load_n(&bitmap.free_count, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < cpu_count; i++)
        count += __atomic_load_n(&cpus[i]->page_cache.count, __ATOMIC_RELAXED);
    return count;
}

uint64_t pages_total_count(void)
{
    return total;
}
