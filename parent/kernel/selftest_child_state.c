/* Self tests "child-time", "child-dirty" and "child-intercepts": what the parent may ask of a
 * child.
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

static enum hv_status install(struct guest *guest, enum hv_intercept_type type, uint32_t access,
                              uint64_t parameter)
{
    struct hv_input_install_intercept input = {
        .partition_id = guest->deposits.partition_id,
        .access_type = access,
        .intercept_type = type,
        .intercept_parameter = parameter,
    };
    return vid_call_plain(HVCALL_INSTALL_INTERCEPT, &input, sizeof(input), NULL, 0,
                          &guest->deposits);
}

static void check_translation(struct guest *guest)
{
    uint64_t page;

    check_equal(guest_translate(guest, GUEST_CODE / PAGE_SIZE, &page), HV_TRANSLATE_GVA_SUCCESS,
                "result of a translation");
    check_equal(page, GUEST_CODE / PAGE_SIZE, "page of a translation without paging");
    check_equal(guest_translate(guest, GUEST_PAGES, &page), HV_TRANSLATE_GVA_GPA_UNMAPPED,
                "result behind memory");
}

/* The parent asks for exits that are otherwise served in place, in the order of the code. */
static void run_intercepts(void)
{
    /* cpuid; mov ecx, 1Bh; rdmsr; ud2; out 80h, al; hlt */
    static const uint8_t code[] = {0x0f, 0xa2, 0x66, 0xb9, 0x1b, 0x00, 0x00, 0x00,
                                   0x0f, 0x32, 0x0f, 0x0b, 0xe6, 0x80, 0xf4};
    static const uint32_t messages[] = {
        HV_MESSAGE_TYPE_X64_CPUID_INTERCEPT, HV_MESSAGE_TYPE_X64_MSR_INTERCEPT,
        HV_MESSAGE_TYPE_X64_EXCEPTION_INTERCEPT, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT,
        HV_MESSAGE_TYPE_X64_HALT};
    static const uint64_t offsets[] = {0, 8, 10, 12, 15};
    struct guest guest;
    uint32_t flags = 0;

    if (!guest_create(&guest, code, sizeof(code)))
        return;
    check_equal(install(&guest, HV_INTERCEPT_TYPE_X64_CPUID, HV_INTERCEPT_ACCESS_MASK_EXECUTE, 0),
                HV_STATUS_SUCCESS, "status of intercepting CPUID");
    check_equal(install(&guest, HV_INTERCEPT_TYPE_X64_MSR_INDEX, HV_INTERCEPT_ACCESS_MASK_READ,
                        MSR_APIC_BASE),
                HV_STATUS_SUCCESS, "status of intercepting an MSR");
    check_equal(install(&guest, HV_INTERCEPT_TYPE_EXCEPTION, HV_INTERCEPT_ACCESS_MASK_EXECUTE,
                        X86_VECTOR_UD),
                HV_STATUS_SUCCESS, "status of intercepting #UD");
    check_translation(&guest);
    for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        check_equal(guest_run(&guest, flags, 100000), messages[i], "intercept message");
        check_equal(guest_get_register(&guest, HV_X64_REGISTER_RIP), GUEST_CODE + offsets[i],
                    "RIP");
        flags = VENEER_DISPATCH_SKIP_INSTRUCTION;
        if (messages[i] == HV_MESSAGE_TYPE_X64_EXCEPTION_INTERCEPT) { /* its length is not told */
            guest.registers->rip = GUEST_CODE + offsets[i + 1];
            guest.registers->dirty = HV_VP_REGISTER_PAGE_DIRTY_RIP;
            flags = HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
        }
    }
    guest_destroy(&guest);
}

const struct selftest selftest_child_intercepts = {"child-intercepts", run_intercepts,
                                                   SELFTEST_ONCE, true};
const struct selftest selftest_child_time = {"child-time", run_time, SELFTEST_ONCE, true};
const struct selftest selftest_child_dirty = {"child-dirty", run_dirty, SELFTEST_ONCE, true};
