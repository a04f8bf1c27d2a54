#include "parent/kernel/pages.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/lock.h"
#include "parent/kernel/page_bitmap.h"
#include "parent/kernel/panic.h"

/* Firmware is known to scribble into memory that it reports as free here. */
#define LOWEST_ADDRESS (1ull << 20)
/* What the boot page tables map. */
#define BOOT_MAPPED_END (1ull << 32)

static struct spinlock lock; /* the bitmap */
static struct page_bitmap bitmap;
static uint64_t bitmap_address, bitmap_end; /* physical, of the bitmap's own memory */

/* Makes the pages of [@base, @end) free, but for the bitmap. */
static void release(uint64_t base, uint64_t end)
{
    if (base < bitmap_end && end > bitmap_address) {
        release(base, bitmap_address);
        base = bitmap_end;
    }
    if (base < end && !page_bitmap_release(&bitmap, base >> PAGE_SHIFT, (end - base) >> PAGE_SHIFT))
        panic("memory map overlaps at %lx", base);
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

uint64_t pages_allocate(uint64_t count, uint64_t alignment)
{
    uint64_t first = 0;
    uint64_t flags = spin_lock(&lock);
    bool found = page_bitmap_take(&bitmap, count, alignment, &first);
    spin_unlock(&lock, flags);
    return found ? first << PAGE_SHIFT : 0;
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
    uint64_t flags = spin_lock(&lock);
    bool ok = page_bitmap_release(&bitmap, address >> PAGE_SHIFT, count);
    spin_unlock(&lock, flags);
    if (!ok)
        panic("pages at %lx freed twice", address);
}

uint64_t pages_free_count(void)
{
    return __atomic_load_n(&bitmap.free_count, __ATOMIC_RELAXED);
}
