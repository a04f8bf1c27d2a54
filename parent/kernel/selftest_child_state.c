/* Self tests "child-time" and "child-dirty": what the parent may do to a child that does not run.
 */
#include "lib/x86/cpu.h"
#include "parent/include/thread.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/selftest_guest.h"

#define FREEZE_MICROSECONDS 20000
#define REFERENCE_UNITS_PER_MICROSECOND 10
#define WRITTEN_PAGE 8
#define OTHER_PAGE 9

static uint64_t reference_time(struct guest *guest)
{
    return guest_get_register(guest, HV_REGISTER_TIME_REF_COUNT);
}

/* Its time stands still while the parent says so, and goes on from there. */
static void run_time(void)
{
    static const uint8_t code[] = {0xf4}; /* hlt */
    struct guest guest;

    if (!guest_create(&guest, code, sizeof(code)))
        return;
    check_equal(guest_set_property(&guest, HV_PARTITION_PROPERTY_TIME_FREEZE, 1), HV_STATUS_SUCCESS,
                "status of freezing");
    uint64_t frozen = reference_time(&guest);
    thread_sleep(FREEZE_MICROSECONDS);
    check_equal(reference_time(&guest), frozen, "time of a frozen partition");
    check_equal(guest_dispatch(&guest, 0) & HV_HYPERCALL_STATUS_MASK,
                HV_STATUS_INVALID_PARTITION_STATE, "status of dispatching a frozen VP");
    check_equal(guest_set_property(&guest, HV_PARTITION_PROPERTY_TIME_FREEZE, 0), HV_STATUS_SUCCESS,
                "status of thawing");
    uint64_t thawed = reference_time(&guest);
    check(thawed >= frozen &&
              thawed - frozen < FREEZE_MICROSECONDS / 2 * REFERENCE_UNITS_PER_MICROSECOND,
          "time went from %lu to %lu over a freeze", frozen, thawed);
    thread_sleep(1000);
    check(reference_time(&guest) > thawed, "time does not go on");
    check_equal(guest_run(&guest, 0, 100000), HV_MESSAGE_TYPE_X64_HALT, "message of HLT");
    guest_destroy(&guest);
}

/* The states of a page, cleared. */
static uint8_t access_state(struct guest *guest, uint64_t page)
{
    struct hv_input_get_gpa_pages_access_states input = {
        .partition_id = guest->deposits.partition_id,
        .flags = HV_GPA_ACCESS_STATE_CLEAR_ACCESSED | HV_GPA_ACCESS_STATE_CLEAR_DIRTY,
        .gpa_page = page,
    };
    uint8_t state = 0;
    struct vid_call call = {
        .code = HVCALL_GET_GPA_PAGES_ACCESS_STATES,
        .reps = 1,
        .input = &input,
        .input_size = sizeof(input),
        .output = &state,
        .output_size = sizeof(state),
    };

    check_equal(vid_call(&call, &guest->deposits), HV_STATUS_SUCCESS, "status of access states");
    return state;
}

/* Without hardware that notes accesses, every page counts as written. */
static void run_dirty(void)
{
    /* again: mov [WRITTEN_PAGE], al; hlt; jmp again */
    static const uint8_t code[] = {0xa2, 0x00, 0x80, 0xf4, 0xeb, 0xfa};
    const uint8_t both = HV_GPA_ACCESS_STATE_ACCESSED | HV_GPA_ACCESS_STATE_DIRTY;
    struct guest guest;

    if (!guest_create(&guest, code, sizeof(code)))
        return;
    check_equal(guest_set_property(&guest, HV_PARTITION_PROPERTY_GPA_ACCESS_TRACKING, 1),
                HV_STATUS_SUCCESS, "status of tracking accesses");
    access_state(&guest, WRITTEN_PAGE);
    access_state(&guest, OTHER_PAGE);
    check_equal(guest_run(&guest, 0, 100000), HV_MESSAGE_TYPE_X64_HALT, "message of HLT");
    check_equal(access_state(&guest, WRITTEN_PAGE), both, "state of a page that was written");
    uint8_t other = access_state(&guest, OTHER_PAGE);
    if (other == both)
        note("this processor does not note accesses");
    else
        check_equal(other, 0, "state of a page that was not touched");
    check_equal(access_state(&guest, WRITTEN_PAGE), other, "state of a page after clearing");
    guest_destroy(&guest);
}

const struct selftest selftest_child_time = {"child-time", run_time, SELFTEST_ONCE, true};
const struct selftest selftest_child_dirty = {"child-dirty", run_dirty, SELFTEST_ONCE, true};
