/* Self test "fuzz": random hypercalls from a fixed seed on all CPUs at once. The system stays up,
 * and nothing changes that no output address names. */
#include <stddef.h>

#include "include/hv/hypercall.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/mm/pages.h"
#include "parent/kernel/selftest.h"

#define CALLS 20000
#define REFILL_INTERVAL 16 /* calls between new inputs */

/* Pages of one CPU, in a row. */
enum area { GUARD_LOW, INPUT, OUTPUT, GUARD_HIGH, AREA_PAGES };

static const uint16_t codes[] = {
    HVCALL_NOTIFY_LONG_SPIN_WAIT,     HVCALL_GET_PARTITION_ID,       HVCALL_START_VIRTUAL_PROCESSOR,
    HVCALL_GET_VP_INDEX_FROM_APIC_ID, HVCALL_VENEER_GET_EXIT_COUNTS,
};

#define CODE_COUNT (sizeof(codes) / sizeof(codes[0]))

struct fuzzer {
    uint64_t random;
    uint64_t area; /* physical address of AREA_PAGES pages */
};

/* Xorshift (Marsaglia): never 0, period 2^64 - 1. */
static uint64_t next(struct fuzzer *fuzzer)
{
    fuzzer->random ^= fuzzer->random << 13;
    fuzzer->random ^= fuzzer->random >> 7;
    fuzzer->random ^= fuzzer->random << 17;
    return fuzzer->random;
}

static uint64_t below(struct fuzzer *fuzzer, uint64_t limit)
{
    return next(fuzzer) % limit;
}

static uint64_t *area_page(const struct fuzzer *fuzzer, enum area page)
{
    return direct_map(fuzzer->area + page * PAGE_SIZE);
}

/* Mostly a known code with few bits wrong: pure noise would not get past the first check. */
static uint64_t random_input_value(struct fuzzer *fuzzer)
{
    uint64_t value = below(fuzzer, 8) ? codes[below(fuzzer, CODE_COUNT)] : next(fuzzer) & 0xffff;
    switch (below(fuzzer, 8)) {
    case 0:
        return value | (next(fuzzer) & ~HV_HYPERCALL_CODE_MASK);
    case 1:
        return value | HV_HYPERCALL_FAST;
    case 2:
        return value | 1ull << below(fuzzer, 64);
    case 3:
    case 4:
        return value | below(fuzzer, 8) << HV_HYPERCALL_REP_COUNT_SHIFT |
               below(fuzzer, 4) << HV_HYPERCALL_REP_START_SHIFT;
    default:
        return value;
    }
}

/* An address in our input or output page, or one that must be refused. */
static uint64_t random_address(struct fuzzer *fuzzer, enum area page)
{
    uint64_t base = fuzzer->area + page * PAGE_SIZE;
    switch (below(fuzzer, 8)) {
    case 0:
        return base + below(fuzzer, PAGE_SIZE);
    case 1:
        return base + PAGE_SIZE - 8 * below(fuzzer, 16) - 8;
    case 2:
        return selftest_hypervisor_page() + 8 * below(fuzzer, PAGE_SIZE / 8);
    case 3:
        return next(fuzzer) | 1ull << 52; /* beyond any processor's addresses */
    default:
        return base + 8 * below(fuzzer, PAGE_SIZE / 8);
    }
}

/* Values that inputs have, or nearly. */
static uint64_t random_word(struct fuzzer *fuzzer)
{
    switch (below(fuzzer, 6)) {
    case 0:
        return next(fuzzer);
    case 1:
        return HV_PARTITION_ID_SELF;
    case 2:
        return 1ull << below(fuzzer, 64);
    case 3:
        return HV_VP_INDEX_SELF;
    default:
        return below(fuzzer, 4);
    }
}

static void fill(struct fuzzer *fuzzer, enum area page)
{
    uint64_t *words = area_page(fuzzer, page);
    for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        words[i] = random_word(fuzzer);
}

static uint64_t checksum(const void *start, const void *end)
{
    uint64_t sum = 0;
    for (const uint64_t *word = start; word < (const uint64_t *)end; word++)
        sum = (sum << 1 | sum >> 63) ^ *word;
    return sum;
}

static uint64_t page_checksum(const struct fuzzer *fuzzer, enum area page)
{
    return checksum(area_page(fuzzer, page), area_page(fuzzer, page + 1));
}

static void run(void)
{
    struct fuzzer fuzzer = {
        .random = 0x56656e6565720000 + this_cpu()->index,
        .area = pages_allocate(AREA_PAGES, 1),
    };
    uint64_t successes = 0, partition_id = 0;
    if (!check(fuzzer.area != 0, "no memory"))
        return;
    fill(&fuzzer, GUARD_LOW);
    fill(&fuzzer, GUARD_HIGH);
    uint64_t low = page_checksum(&fuzzer, GUARD_LOW);
    uint64_t high = page_checksum(&fuzzer, GUARD_HIGH);
    uint64_t image = checksum(kernel_start, kernel_rodata_end);

    for (int i = 0; i < CALLS; i++) {
        if (i % REFILL_INTERVAL == 0)
            fill(&fuzzer, INPUT);
        uint64_t value = random_input_value(&fuzzer);
        uint64_t input = random_address(&fuzzer, INPUT);
        uint64_t result = hyperv_call(value, input, random_address(&fuzzer, OUTPUT));
        successes += (result & HV_HYPERCALL_STATUS_MASK) == HV_STATUS_SUCCESS;
    }

    check_equal(page_checksum(&fuzzer, GUARD_LOW), low, "checksum of the page before the blocks");
    check_equal(page_checksum(&fuzzer, GUARD_HIGH), high, "checksum of the page behind the blocks");
    check_equal(checksum(kernel_start, kernel_rodata_end), image, "checksum of code and constants");
    check_equal(hyperv_get_partition_id(&partition_id), HV_STATUS_SUCCESS, "status afterwards");
    check_equal(partition_id, HV_PARTITION_ID_ROOT, "partition id afterwards");
    note("%d hypercalls, %lu of them succeeded", CALLS, successes);
    pages_free(fuzzer.area, AREA_PAGES);
}

const struct selftest selftest_fuzz = {"fuzz", run, SELFTEST_TOGETHER, false};
