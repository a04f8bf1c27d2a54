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
#include "parent/vid/arena.h"
#include "parent/vid/partition.h"

#define CALLS 100000
#define SPARE_PAGES 64
#define INPUT_WORDS 40
#define MAX_WITHDRAWN (PAGE_SIZE / sizeof(uint64_t)) /* by one call */

static const uint16_t codes[] = {
    HVCALL_CREATE_PARTITION,
    HVCALL_INITIALIZE_PARTITION,
    HVCALL_FINALIZE_PARTITION,
    HVCALL_DELETE_PARTITION,
    HVCALL_GET_PARTITION_PROPERTY,
    HVCALL_SET_PARTITION_PROPERTY,
    HVCALL_DEPOSIT_MEMORY,
    HVCALL_WITHDRAW_MEMORY,
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
    case 4: /* two fields of 32 bits */
        return below(fuzzer, 8) | below(fuzzer, 16) << 32;
    case 5:
        return HV_ANY_VP | below(fuzzer, 4) << 32;
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

/* The pages that the guest's pool has just lost, in a call's zeroed output. */
static void take_back(struct fuzzer *fuzzer, const uint64_t *output)
{
    for (unsigned i = 0; i < MAX_WITHDRAWN; i++) {
        if (output[i] == 0)
            continue;
        uint64_t page = output[i] << PAGE_SHIFT;
        arena_give(&page, 1);
        fuzzer->guest.deposits.page_count--;
    }
}

/* The end of the guest comes late enough for much to have been done to it. */
static uint16_t random_code(struct fuzzer *fuzzer)
{
    uint16_t code = codes[below(fuzzer, CODE_COUNT)];

    if (code == HVCALL_FINALIZE_PARTITION && below(fuzzer, 16))
        code = codes[below(fuzzer, CODE_COUNT)];
    return code;
}

static void call(struct fuzzer *fuzzer)
{
    uint16_t code = random_code(fuzzer);
    uint64_t *words = physical_to_virtual(fuzzer->input);
    uint64_t *output = physical_to_virtual(fuzzer->input + PAGE_SIZE);
    uint64_t value = code;

    memset(output, 0, MAX_WITHDRAWN * sizeof(output[0]));
    words[0] = random_id(fuzzer);
    for (unsigned i = 1; i < INPUT_WORDS; i++)
        words[i] = random_word(fuzzer);
    for (unsigned i = 3; code == HVCALL_MAP_GPA_PAGES && i < INPUT_WORDS; i++)
        words[i] = random_page(fuzzer);
    for (unsigned i = 1; code == HVCALL_DEPOSIT_MEMORY && i < INPUT_WORDS; i++)
        words[i] = bad_page(fuzzer);
    if (below(fuzzer, 2))
        value |= (1 + below(fuzzer, 8)) << HV_HYPERCALL_REP_COUNT_SHIFT;
    /* Never in the code: it could become one that moves pages, unnoticed. */
    if (below(fuzzer, 16) == 0)
        value |= 1ull << (16 + below(fuzzer, 48));
    uint64_t result = hyperv_call(value, fuzzer->input, fuzzer->input + PAGE_SIZE);
    if (code == HVCALL_WITHDRAW_MEMORY)
        take_back(fuzzer, output);
    if ((result & HV_HYPERCALL_STATUS_MASK) != HV_STATUS_SUCCESS)
        return;
    fuzzer->successes++;
    if (code == HVCALL_CREATE_PARTITION) {
        uint64_t id = output[0];
        vid_call_partition(HVCALL_FINALIZE_PARTITION, id);
        vid_call_partition(HVCALL_DELETE_PARTITION, id);
    }
}

/* Pages of the root's deposit that are in use. */
static uint64_t root_balance(void)
{
    struct hv_input_partition input = {.partition_id = HV_PARTITION_ID_SELF};
    struct hv_output_get_memory_balance balance = {0};
    check_equal(vid_call_plain(HVCALL_GET_MEMORY_BALANCE, &input, sizeof(input), &balance,
                               sizeof(balance), NULL),
                HV_STATUS_SUCCESS, "status of asking for the balance");
    return balance.pages_in_use;
}

/* Ends whatever partition has become of the guest's id, and takes back all its pages. False: some
 * are missing. */
static bool end_guest(struct fuzzer *fuzzer)
{
    uint64_t id = fuzzer->guest.deposits.partition_id;

    vid_call_partition(HVCALL_FINALIZE_PARTITION, id);
    bool whole = check(vid_withdraw_all(&fuzzer->guest.deposits), "pages are missing");
    enum hv_status status = vid_call_partition(HVCALL_DELETE_PARTITION, id);
    /* Without pages it could be deleted before. */
    if (status != HV_STATUS_INVALID_PARTITION_ID || fuzzer->guest.deposits.page_count != 0)
        whole &= check_equal(status, HV_STATUS_SUCCESS, "status of deleting a partition");
    pages_free(fuzzer->guest.memory, GUEST_PAGES);
    return whole;
}

static void run(void)
{
    static const uint8_t code[] = {0xf4};
    static struct fuzzer fuzzer;
    uint64_t partition_id = 0, in_use = root_balance();

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
        if (!end_guest(&fuzzer) ||
            !check_equal(root_balance(), in_use, "pages in use for the root"))
            return;
    }
    check_equal(hyperv_get_partition_id(&partition_id), HV_STATUS_SUCCESS, "status afterwards");
    note("%u hypercalls, %lu of them succeeded", CALLS, fuzzer.successes);
}

const struct selftest selftest_child_fuzz = {"child-fuzz", run, SELFTEST_ONCE, true};
