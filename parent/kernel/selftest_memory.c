/* Self test "memory": heap and pages, from all CPUs at the same time. */
#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/selftest.h"

#define BLOCKS 200
#define ROUNDS 4000
#define LARGEST_BLOCK 9000
#define PAGE_ROUNDS 500

struct block {
    uint8_t *bytes; /* filled with the low byte of the size */
    size_t size;
};

/* A linear congruential sequence: every CPU has its own, and the same in every run. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static bool filled_with(const uint8_t *bytes, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != value)
            return false;
    }
    return true;
}

static void release(struct block *block)
{
    check(filled_with(block->bytes, block->size, (uint8_t)block->size),
          "a heap block of %lu bytes has changed", block->size);
    heap_free(block->bytes);
    *block = (struct block){0};
}

static void renew(struct block *block, size_t size)
{
    block->bytes = heap_allocate(size);
    block->size = size;
    if (!check(block->bytes != NULL, "no heap block of %lu bytes", size))
        return;
    check((uint64_t)block->bytes % 16 == 0, "heap block at %p", (void *)block->bytes);
    check(filled_with(block->bytes, size, 0), "a heap block of %lu bytes is not all zeros", size);
    memset(block->bytes, (int)(uint8_t)size, size);
}

static void try_heap(uint32_t *random)
{
    struct block *blocks = heap_allocate(BLOCKS * sizeof(*blocks));
    if (!check(blocks != NULL, "no heap block for the test itself"))
        return;
    for (int i = 0; i < ROUNDS; i++) {
        struct block *block = &blocks[next_random(random) % BLOCKS];
        if (block->bytes)
            release(block);
        else
            renew(block, 1 + next_random(random) % LARGEST_BLOCK);
    }
    for (int i = 0; i < BLOCKS; i++) {
        if (blocks[i].bytes)
            release(&blocks[i]);
    }
    heap_free(blocks);
    heap_free(NULL);
    check(heap_allocate(SIZE_MAX) == NULL, "the heap has all memory there can be");
    check(heap_allocate(SIZE_MAX - 64) == NULL, "the heap has nearly all memory there can be");
}

static void try_pages(uint32_t *random)
{
    for (int i = 0; i < PAGE_ROUNDS; i++) {
        uint64_t count = 1 + next_random(random) % 4;
        uint64_t alignment = 1ull << next_random(random) % 4;
        uint64_t address = pages_allocate(count, alignment);
        if (!check(address != 0, "no %lu pages", count))
            return;
        check(address % (alignment * PAGE_SIZE) == 0, "pages at %lx, not aligned to %lu", address,
              alignment);
        check(virtual_to_physical(physical_to_virtual(address)) == address,
              "the direct map at %lx is wrong", address);
        uint64_t *mark = physical_to_virtual(address);
        *mark = address ^ this_cpu()->index;
        spin_wait();
        check(*mark == (address ^ this_cpu()->index), "page %lx is used twice", address);
        pages_free(address, count);
    }
    uint64_t block = pages_allocate(PAGES_PER_BLOCK, PAGES_PER_BLOCK);
    check(block != 0 && block % LARGE_PAGE_SIZE == 0, "a 2 MiB block at %lx", block);
    if (block)
        pages_free(block, PAGES_PER_BLOCK);
}

static void run(void)
{
    uint32_t random = this_cpu()->index;
    try_heap(&random);
    try_pages(&random);
}

const struct selftest selftest_memory = {"memory", run, SELFTEST_TOGETHER, false};
