#include "parent/kernel/mm/stack.h"

#include "lib/page_table.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/mm/memory.h"

/* Each stack has a slot of this size; the stack is its upper half. */
#define STACK_SLOT_SIZE (2 * STACK_SIZE)
#define STACK_FLAGS (PTE_GLOBAL | PTE_WRITABLE | PTE_NO_EXECUTE)

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_PAGE_TABLE); /* slot_count and free_stacks */
static uint64_t slot_count;
static uint64_t free_stacks; /* top of the first; the next one's is in its highest word, 0 ends */

static uint64_t *next_free(uint64_t top)
{
    return (uint64_t *)top - 1;
}

static uint64_t take_free_stack(void)
{
    uint64_t flags = spin_lock(&lock);
    uint64_t top = free_stacks;
    if (top)
        free_stacks = *next_free(top);
    spin_unlock(&lock, flags);
    return top;
}

/* The slot's address, or 0 if there are no more. */
static uint64_t take_slot(void)
{
    uint64_t slot = 0;
    uint64_t flags = spin_lock(&lock);
    if (slot_count < STACK_AREA_SIZE / STACK_SLOT_SIZE)
        slot = STACK_AREA_BASE + slot_count++ * STACK_SLOT_SIZE;
    spin_unlock(&lock, flags);
    return slot;
}

uint64_t stack_allocate(void)
{
    uint64_t top = take_free_stack();
    if (top)
        return top;
    uint64_t address = pages_allocate(STACK_SIZE / PAGE_SIZE, 1);
    if (address == 0)
        return 0;
    uint64_t slot = take_slot();
    /* A slot whose tables cannot be made is lost; there are many, and memory is at its end. */
    if (slot == 0 ||
        !memory_try_map(slot + STACK_SLOT_SIZE - STACK_SIZE, address, STACK_SIZE, STACK_FLAGS)) {
        pages_free(address, STACK_SIZE / PAGE_SIZE);
        return 0;
    }
    return slot + STACK_SLOT_SIZE;
}

void stack_free(uint64_t top)
{
    uint64_t flags = spin_lock(&lock);
    *next_free(top) = free_stacks;
    free_stacks = top;
    spin_unlock(&lock, flags);
}

uint64_t stack_count(void)
{
    return __atomic_load_n(&slot_count, __ATOMIC_RELAXED);
}

bool stack_bounds(uint64_t rsp, uint64_t *low, uint64_t *high)
{
    /* The top of a stack belongs to it: -1. */
    uint64_t index = (rsp - 1 - STACK_AREA_BASE) / STACK_SLOT_SIZE;
    if (rsp <= STACK_AREA_BASE || index >= stack_count())
        return false;
    *high = STACK_AREA_BASE + (index + 1) * STACK_SLOT_SIZE;
    *low = *high - STACK_SIZE;
    return true;
}
