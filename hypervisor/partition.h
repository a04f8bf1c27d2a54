/* Partitions: a guest physical address space and the VPs that see it. */
#ifndef VENEER_HYPERVISOR_PARTITION_H
#define VENEER_HYPERVISOR_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypervisor/address.h"
#include "hypervisor/lock.h"
#include "hypervisor/lp.h"
#include "hypervisor/vp.h"
#include "include/hv/status.h"
#include "lib/page_table.h"

#define PARTITION_MAX_VPS 64
#define PARTITION_MAX_CHILDREN 1024

/* The low half of a partition id is a number by which pages name their owner: 1 for the root, the
 * slot in the table of children + 2 for others. The rest makes the id unique for all time. */
#define PARTITION_NUMBER(id) ((uint16_t)(id))

/* Nested tables do not look at address bits from here on. */
#define PARTITION_ADDRESS_END (1ull << 48)

enum partition_state { PARTITION_CREATED, PARTITION_ACTIVE, PARTITION_FINALIZED };

struct cpuid_rule; /* cpuid.h */
struct port_table; /* port.c */

/* Pages that the root has deposited for a partition; free ones are linked through their first
 * word. */
struct page_pool {
    struct spinlock lock;
    uint64_t first_free; /* SPA, 0: none */
    uint64_t free_count;
    uint64_t used_count;
};

#define PARTITION_MSR_RULES 16

/* What the parent says about an MSR, by kind of access: HV_INTERCEPT_ACCESS_MASK_READ and WRITE,
 * shifted. */
#define MSR_RULE_ACCESS (HV_INTERCEPT_ACCESS_MASK_READ | HV_INTERCEPT_ACCESS_MASK_WRITE)
#define MSR_RULE_INTERCEPT_SHIFT 0u
#define MSR_RULE_FAULT_SHIFT 8u   /* if it is not implemented: #GP, */
#define MSR_RULE_IGNORE_SHIFT 16u /* or ignored */

struct partition {
    uint64_t id;              /* HV_PARTITION_ID_ROOT for the root */
    struct spinlock lock;     /* the nested tables, and what has no lock of its own */
    struct page_table nested; /* GPA to SPA */
    spa_t msr_bitmap;         /* which MSR accesses exit; layout and size are the backend's */
    uint32_t references;      /* atomic: uses by other LPs' hypercalls and dispatches */
    uint32_t state;           /* enum partition_state; atomic */

    uint32_t vp_count;
    struct vp *vps; /* root: vp_count of them, by VP index */
    /* Children. What is deleted keeps its structure, which others may still look at, until the
     * partition is finalized or the VP is created anew. */
    struct vp *child_vps[PARTITION_MAX_VPS]; /* the first vp_count are not NULL */
    uint64_t live_vps;                       /* bit per VP that exists; atomic */
    struct page_pool pool;

    /* LPs that may have cached translations of the nested tables; atomic words. */
    uint64_t flush_lps[MAX_LPS / 64];
    uint64_t map_generation; /* of the nested tables: changes with each removal; atomic */

    uint64_t guest_os_id;     /* HV_X64_MSR_GUEST_OS_ID */
    uint64_t hypercall_msr;   /* HV_X64_MSR_HYPERCALL */
    spa_t hypercall_page;     /* our code, that overlays a GPA when the MSR says so */
    uint64_t hypercall_under; /* the 4 KiB leaf below it; 0: nothing is there */
    uint64_t tsc_offset;      /* partition TSC = TSC + this */
    uint64_t frozen_tsc;      /* partition TSC while time stands still */
    bool time_frozen;

    /* Children. */
    uint64_t privileges;    /* CPUID 40000003h EAX, EBX << 32 */
    bool hypervisor_hidden; /* no Hv#1 interface */
    bool ignore_unknown_msrs;
    bool access_tracking;
    uint32_t ignored_msr_reports;  /* log lines so far */
    uint32_t exception_intercepts; /* bit per vector */
    struct {
        uint32_t msr, rule; /* MSR_RULE_… */
    } msr_rules[PARTITION_MSR_RULES];
    uint32_t msr_rule_count; /* atomic; only grows */
    bool unknown_msr_intercept;
    struct cpuid_rule *cpuid_rules; /* a page, or NULL */
    uint32_t cpuid_rule_count;      /* atomic; only grows */
    uint64_t cpuid_rule_leaves;     /* bit CPUID_RULE_BIT(leaf): a rule may be there */
    uint64_t reference_tsc_msr;     /* HV_X64_MSR_REFERENCE_TSC */
    uint64_t crash[6];              /* HV_X64_MSR_CRASH_P0 to P4, CTL */
    bool invariant_tsc;             /* HV_X64_MSR_TSC_INVARIANT_CONTROL */

    struct port_table *ports; /* and connections (port.c: by its lock); NULL: none */
};

extern struct partition root_partition;

static inline bool partition_is_root(const struct partition *partition)
{
    return partition == &root_partition;
}

/* Makes the table of children. Boot. */
void partition_init_table(void);

/* The partition with @id (HV_PARTITION_ID_SELF: @self) with a reference, or NULL. For a child there
 * is none but itself. Any LP; no locks. */
struct partition *partition_get(struct partition *self, uint64_t id);
void partition_put(struct partition *partition);

/* Enters a new child, with an id that was never in use, into the table. False: the table is full.
 */
bool partition_add(struct partition *partition);

/* Takes the child out of the table, unless others than the caller refer to it or pages deposited
 * for it are left. */
bool partition_remove(struct partition *partition);

/* vp_attention() of all VPs of all children. Any LP; no locks. */
void partition_attention_all(uint32_t bits);

/* VP @index, or NULL; none of a partition that is not active. The partition is referenced, or the
 * caller's own. */
struct vp *partition_vp(struct partition *partition, uint32_t index);

/* Pointer to @size bytes of the partition's memory at @address, which lie in one page that is RAM
 * which the partition may read (and write, if @write); NULL otherwise. The content may change at
 * any time: read it once. The pointer is good until this LP answers requests: do not take a lock or
 * wait while you use it. */
void *partition_memory(struct partition *partition, gpa_t address, uint64_t size, bool write);

/* Whether a leaf @entry of the nested tables allows an access. */
bool partition_allows(const struct partition *partition, uint64_t entry, bool write, bool execute);

/* One zeroed page from the partition's pool for the hypervisor; address 0 if there is none
 * (HV_STATUS_INSUFFICIENT_MEMORY). Giving back. Any LP. */
spa_t partition_take_page(struct partition *partition);
void partition_give_page(struct partition *partition, spa_t page);

/* A deposited page comes into the pool, or a free one, zeroed, leaves it for good (address 0: there
 * is none). */
void partition_pool_add(struct partition *partition, spa_t page);
spa_t partition_pool_remove(struct partition *partition);

/* This LP may have translations of the child, or pointers to its memory, from now on: before they
 * are looked up, and before a VP of it is entered. */
static inline void partition_use_here(struct partition *partition)
{
    uint32_t index = this_lp()->index;
    uint64_t *word = &partition->flush_lps[index / 64], bit = 1ull << index % 64;

    if ((__atomic_load_n(word, __ATOMIC_RELAXED) & bit) == 0)
        __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
}

/* TSC of the partition now, without a VP's tsc_adjust. */
uint64_t partition_tsc(const struct partition *partition);

/* No LP has old translations of the partition any more when this returns, and no handler of another
 * LP still uses a pointer of partition_memory() that it got before. Locks: partition at most. */
void partition_flush(struct partition *partition);

#endif
