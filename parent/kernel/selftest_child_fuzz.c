/* Self test "child-fuzz": random calls of those that make and run children, from a fixed seed. The
 * system stays up, and every page comes back. What is deposited or mapped is only what the test can
 * do without: the hypervisor takes whatever its root gives away. */
#include "include/hv/hypercall.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/selftest_guest.h"
#include "parent/vid/partition.h"

#define CALLS 100000
#define SPARE_PAGES 64
#define INPUT_WORDS 40

static const uint16_t codes[] = {
    HVCALL_CREATE_PARTITION,
    HVCALL_INITIALIZE_PARTITION,
    HVCALL_FINALIZE_PARTITION,
    HVCALL_DELETE_PARTITION,
    HVCALL_GET_PARTITION_PROPERTY,
    HVCALL_SET_PARTITION_PROPERTY,
    HVCALL_DEPOSIT_MEMORY,

    HVCALL_GET_MEMORY_BALANCE,
    HVCALL_MAP_GPA_PAGES,
    HVCALL_UNMAP_GPA_PAGES,
    HVCALL_INSTALL_INTERCEPT,
    HVCALL_CREATE_VP,
    HVCALL_DELETE_VP,
    HVCALL_GET_VP_REGISTERS,
    HVCALL_SET_VP_REGISTERS,
    HVCALL_TRANSLATE_VIRTUAL_ADDRESS,
    HVCALL_CLEAR_VIRTUAL_INTERRUPT,
    HVCALL_DELETE_PORT,
    HVCALL_DISCONNECT_PORT,
    HVCALL_MAP_STATS_PAGE,
    HVCALL_UNMAP_STATS_PAGE,
    HVCALL_GET_SYSTEM_PROPERTY,
    HVCALL_REGISTER_INTERCEPT_RESULT,
    HVCALL_ASSERT_VIRTUAL_INTERRUPT,
    HVCALL_CREATE_PORT,
    HVCALL_CONNECT_PORT,
    HVCALL_SIGNAL_EVENT_DIRECT,
    HVCALL_POST_MESSAGE_DIRECT,
    HVCALL_GET_GPA_PAGES_ACCESS_STATES,
    HVCALL_MAP_VP_STATE_PAGE,
    HVCALL_UNMAP_VP_STATE_PAGE,
    HVCALL_VENEER_SET_VP_REGISTER_RULE,
    HVCALL_VENEER_CANCEL_VP,
    HVCALL_START_VIRTUAL_PROCESSOR,
    HVCALL_POST_MESSAGE,
    HVCALL_SIGNAL_EVENT,
};

#define CODE_COUNT (sizeof(codes) / sizeof(codes[0]))

struct fuzzer {
    uint64_t random;
    uint64_t spare; /* physical address of SPARE_PAGES pages */
    uint64_t input; /* of two pages: input and output */
    struct guest guest;
    uint64_t successes;
};

static uint64_t below(struct fuzzer *fuzzer, uint64_t limit)
{
    return guest_random(&fuzzer->random) % limit;
}

static uint64_t spare_page(struct fuzzer *fuzzer)
{
    return fuzzer->spare / PAGE_SIZE + below(fuzzer, SPARE_PAGES);
}

/* A number of a page that must be refused. */
static uint64_t bad_page(struct fuzzer *fuzzer)
{
    if (below(fuzzer, 2))
        return selftest_hypervisor_page() / PAGE_SIZE;
    return guest_random(&fuzzer->random) | 1ull << 45;
}

/* Or of one that the test owns. */
static uint64_t random_page(struct fuzzer *fuzzer)
{
    return below(fuzzer, 2) ? bad_page(fuzzer) : spare_page(fuzzer);
}

static uint64_t random_word(struct fuzzer *fuzzer)
{
    switch (below(fuzzer, 8)) {
    case 0:
        return guest_random(&fuzzer->random);
    case 1:
        return 1ull << below(fuzzer, 64);
    case 2:
        return random_page(fuzzer);
    case 3:
        return below(fuzzer, 0x100000);
    default:
        return below(fuzzer, 4);
    }
}

/* Mostly the guest's id, so that calls get further. Never the root's for what takes memory away. */
static uint64_t random_id(struct fuzzer *fuzzer)
{
    uint64_t id = fuzzer->guest.deposits.partition_id;

    return below(fuzzer, 8) ? id : id + below(fuzzer, 3) - 1;
}

static void call(struct fuzzer *fuzzer)
{
    uint16_t code = codes[below(fuzzer, CODE_COUNT)];
    uint64_t *words = physical_to_virtual(fuzzer->input);
    uint64_t value = code;

    words[0] = random_id(fuzzer);
    for (unsigned i = 1; i < INPUT_WORDS; i++)
        words[i] = random_word(fuzzer);
    for (unsigned i = 3; code == HVCALL_MAP_GPA_PAGES && i < INPUT_WORDS; i++)
        words[i] = random_page(fuzzer);
    for (unsigned i = 1; code == HVCALL_DEPOSIT_MEMORY && i < INPUT_WORDS; i++)
        words[i] = bad_page(fuzzer);
    if (below(fuzzer, 2))
        value |= (1 + below(fuzzer, 8)) << HV_HYPERCALL_REP_COUNT_SHIFT;
    if (below(fuzzer, 16) == 0)
        value |= 1ull << below(fuzzer, 64);
    uint64_t result = hyperv_call(value, fuzzer->input, fuzzer->input + PAGE_SIZE);
    if ((result & HV_HYPERCALL_STATUS_MASK) != HV_STATUS_SUCCESS)
        return;
    fuzzer->successes++;
    if (code == HVCALL_CREATE_PARTITION) {
        uint64_t id = *(uint64_t *)physical_to_virtual(fuzzer->input + PAGE_SIZE);
        vid_call_partition(HVCALL_FINALIZE_PARTITION, id);
        vid_call_partition(HVCALL_DELETE_PARTITION, id);
    }
}

/* Ends whatever partition has become of the guest's id, and takes back all its pages. */
static void end_guest(struct fuzzer *fuzzer)
{
    uint64_t id = fuzzer->guest.deposits.partition_id;

    vid_call_partition(HVCALL_FINALIZE_PARTITION, id);
    vid_withdraw_all(&fuzzer->guest.deposits);
    vid_call_partition(HVCALL_DELETE_PARTITION, id);
    pages_free(fuzzer->guest.memory, GUEST_PAGES);
}

static void run(void)
{
    static const uint8_t code[] = {0xf4};
    static struct fuzzer fuzzer;
    uint64_t partition_id = 0;

    fuzzer = (struct fuzzer){
        .random = 0x4348494c44000001,
        .spare = pages_allocate(SPARE_PAGES, 1),
        .input = pages_allocate(2, 1),
    };
    if (!check(fuzzer.spare != 0 && fuzzer.input != 0, "no memory"))
        return;
    for (unsigned round = 0; round < CALLS / 1000; round++) {
        if (!guest_create(&fuzzer.guest, code, sizeof(code)))
            return;
        for (unsigned i = 0; i < 1000; i++)
            call(&fuzzer);
        end_guest(&fuzzer);
    }
    check_equal(hyperv_get_partition_id(&partition_id), HV_STATUS_SUCCESS, "status afterwards");
    note("%u hypercalls, %lu of them succeeded", CALLS, fuzzer.successes);
}

const struct selftest selftest_child_fuzz = {"child-fuzz", run, SELFTEST_ONCE, true};
