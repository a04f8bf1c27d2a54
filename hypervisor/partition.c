#include "hypervisor/partition.h"

#include "hypervisor/atomic.h"
#include "hypervisor/hw.h"
#include "hypervisor/page_owner.h"
#include "hypervisor/pool.h"
#include "lib/string.h"

#define FIRST_CHILD_NUMBER 2u

struct partition root_partition = {
    .lock = SPINLOCK(LOCK_LEVEL_PARTITION),
    .pool.lock = SPINLOCK(LOCK_LEVEL_PARTITION_POOL),
};

static struct spinlock children_lock = SPINLOCK(LOCK_LEVEL_PARTITIONS); /* what follows */
static struct partition **children; /* PARTITION_MAX_CHILDREN; NULL: free */
static uint64_t generation;         /* of ids */

_Static_assert(PARTITION_NUMBER(FIRST_CHILD_NUMBER + PARTITION_MAX_CHILDREN) ==
                   FIRST_CHILD_NUMBER + PARTITION_MAX_CHILDREN,
               "numbers of partitions have 16 bits");

/* --- The table of children --- */

void partition_init_table(void)
{
    children =
        spa_to_va(pool_take(PARTITION_MAX_CHILDREN * sizeof(struct partition *) / PAGE_SIZE));
}

static void get(struct partition *partition)
{
    __atomic_fetch_add(&partition->references, 1, __ATOMIC_SEQ_CST);
}

struct partition *partition_get(struct partition *self, uint64_t id)
{
    uint32_t slot = PARTITION_NUMBER(id) - FIRST_CHILD_NUMBER;
    struct partition *found;

    if (id == HV_PARTITION_ID_SELF || id == self->id) {
        get(self);
        return self;
    }
    if (!partition_is_root(self) || slot >= PARTITION_MAX_CHILDREN)
        return NULL;
    spin_lock(&children_lock);
    found = children[slot];
    if (found != NULL && found->id == id)
        get(found);
    else
        found = NULL;
    spin_unlock(&children_lock);
    return found;
}

void partition_put(struct partition *partition)
{
    __atomic_fetch_sub(&partition->references, 1, __ATOMIC_SEQ_CST);
}

bool partition_add(struct partition *partition)
{
    uint32_t slot = 0;

    spin_lock(&children_lock);
    while (slot < PARTITION_MAX_CHILDREN && children[slot] != NULL)
        slot++;
    if (slot < PARTITION_MAX_CHILDREN) {
        partition->id = ++generation << 16 | (slot + FIRST_CHILD_NUMBER);
        children[slot] = partition;
    }
    spin_unlock(&children_lock);
    return slot < PARTITION_MAX_CHILDREN;
}

/* Under the lock nobody gets a new reference. */
bool partition_remove(struct partition *partition)
{
    const struct page_pool *pool = &partition->pool;

    spin_lock(&children_lock);
    bool unused =
        atomic_load(&partition->references) == 1 && pool->free_count == 0 && pool->used_count == 0;
    if (unused)
        children[PARTITION_NUMBER(partition->id) - FIRST_CHILD_NUMBER] = NULL;
    spin_unlock(&children_lock);
    return unused;
}

struct vp *partition_vp(struct partition *partition, uint32_t index)
{
    if (partition_is_root(partition))
        return index < partition->vp_count ? &partition->vps[index] : NULL;
    if (index >= PARTITION_MAX_VPS ||
        (__atomic_load_n(&partition->live_vps, __ATOMIC_SEQ_CST) >> index & 1) == 0)
        return NULL;
    return partition->child_vps[index];
}

void partition_attention_all(uint32_t bits)
{
    for (uint32_t slot = 0; slot < PARTITION_MAX_CHILDREN; slot++) {
        spin_lock(&children_lock);
        struct partition *child = children[slot];
        if (child != NULL)
            get(child);
        spin_unlock(&children_lock);
        for (uint32_t i = 0; child != NULL && i < PARTITION_MAX_VPS; i++) {
            struct vp *vp = partition_vp(child, i);
            if (vp != NULL)
                vp_attention(vp, bits);
        }
        if (child != NULL)
            partition_put(child);
    }
}

/* --- Deposited pages --- */

static uint64_t *link_of(uint64_t page)
{
    return spa_to_va(spa(page));
}

/* Moves a page into the list of free ones; @used: of those that are in use. */
static void push(struct page_pool *pool, spa_t page, bool used)
{
    spin_lock(&pool->lock);
    *link_of(page.value) = pool->first_free;
    pool->first_free = page.value;
    pool->free_count++;
    pool->used_count -= used;
    spin_unlock(&pool->lock);
}

static spa_t pop(struct page_pool *pool, bool use)
{
    spin_lock(&pool->lock);
    spa_t page = spa(pool->first_free);
    if (page.value != 0) {
        pool->first_free = *link_of(page.value);
        pool->free_count--;
        pool->used_count += use;
    }
    spin_unlock(&pool->lock);
    if (page.value != 0)
        memset(spa_to_va(page), 0, PAGE_SIZE);
    return page;
}

spa_t partition_take_page(struct partition *partition)
{
    return pop(&partition->pool, true);
}

void partition_give_page(struct partition *partition, spa_t page)
{
    push(&partition->pool, page, true);
}

void partition_pool_add(struct partition *partition, spa_t page)
{
    push(&partition->pool, page, false);
}

spa_t partition_pool_remove(struct partition *partition)
{
    return pop(&partition->pool, false);
}

/* --- Memory --- */

/* Compares the bits in which leaves with and without the right differ: they are set in one format
 * and clear in the other. */
static bool has_right(uint64_t entry, enum access right)
{
    uint64_t with = hw->nested_flags(ACCESS_READ | right, MEMORY_WRITE_BACK);
    uint64_t without = hw->nested_flags(ACCESS_READ, MEMORY_WRITE_BACK);

    return ((entry ^ with) & (with ^ without)) == 0;
}

bool partition_allows(const struct partition *partition, uint64_t entry, bool write, bool execute)
{
    (void)partition;
    return (!write || has_right(entry, ACCESS_WRITE)) &&
           (!execute || has_right(entry, ACCESS_EXECUTE));
}

/* The hypervisor writes by its own tables, so no processor notes that the page is dirty. False: the
 * leaf has changed meanwhile. */
static bool note_write(const struct partition *partition, const struct page_table_walk *walk)
{
    uint64_t entry = walk->entry;

    return !partition->access_tracking ||
           __atomic_compare_exchange_n(walk->at, &entry,
                                       entry | hw->nested_accessed() | hw->nested_dirty(), false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Leaves of a child name RAM of the root, or the hypercall page, which is read-only. */
__attribute__((noinline)) static void *child_memory(struct partition *partition, uint64_t address,
                                                    bool write)
{
    struct page_table_walk walk;

    partition_use_here(partition);
    do {
        walk = page_table_lookup(&partition->nested, address);
        if (!walk.present || !partition_allows(partition, walk.entry, write, false))
            return NULL;
    } while (write && !note_write(partition, &walk));
    return spa_to_va(spa(walk.physical));
}

void *partition_memory(struct partition *partition, gpa_t address, uint64_t size, bool write)
{
    if (size > PAGE_SIZE - (address.value & (PAGE_SIZE - 1)))
        return NULL;
    if (!partition_is_root(partition))
        return address.value < PARTITION_ADDRESS_END ? child_memory(partition, address.value, write)
                                                     : NULL;
    /* The root sees memory at its system physical addresses. */
    if (page_owner_get(spa(address.value)).state != PAGE_ROOT)
        return NULL;
    return spa_to_va(spa(address.value));
}

void partition_flush(struct partition *partition)
{
    struct lp *self = this_lp();
    uint64_t lps[MAX_LPS / 64];
    uint32_t numbers[MAX_LPS];

    __atomic_fetch_add(&partition->map_generation, 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < MAX_LPS / 64; i++)
        lps[i] = partition_is_root(partition)
                     ? UINT64_MAX
                     : __atomic_load_n(&partition->flush_lps[i], __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < lp_count; i++) {
        if ((lps[i / 64] >> i % 64 & 1) == 0)
            continue;
        if (i == self->index)
            self->flush_pending = true;
        else
            numbers[i] = lp_request(lp_by_index(i), LP_REQUEST_FLUSH);
    }
    for (uint32_t i = 0; i < lp_count; i++)
        if ((lps[i / 64] >> i % 64 & 1) != 0 && i != self->index)
            lp_wait(lp_by_index(i), numbers[i]);
}

uint64_t partition_tsc(const struct partition *partition)
{
    return partition->time_frozen ? partition->frozen_tsc : rdtsc() + partition->tsc_offset;
}
