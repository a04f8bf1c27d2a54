/* Self tests "child-no-access", "child-idle", "child-deliverable", "child-msr-action" and
 * "child-tsc-aux": pages without access, the MSR by which a guest idles, what its parent is told
 * about interrupts that it could take, what unknown MSRs do, and the root's TSC_AUX. */
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/selftest_guest.h"

#define RIGHTS (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)
#define DATA_PAGE 9u
#define UNKNOWN_MSR 0x400u
#define HANDLER 0x2000u /* real mode, segment 0: a HLT is there */
#define LARGE_PAGE HV_MAP_GPA_LARGE_PAGE_FRAMES

static void check_run(struct guest *guest, uint32_t flags, uint32_t message, const char *what)
{
    check_equal(guest_run(guest, flags, 100000), message, what);
}

static void check_translation(struct guest *guest, uint64_t page,
                              enum hv_translate_gva_result_code result)
{
    check_equal(guest_translate(guest, page, &page), result, "result of a translation");
}

/* One page of a large one is unmapped, another is mapped. */
static void check_large(struct guest *guest)
{
    uint64_t page = guest->memory / PAGE_SIZE;

    check_equal(vid_map_gpa(&guest->deposits, LARGE_PAGE,
                            HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_LARGE_PAGE, &page, 1),
                HV_STATUS_SUCCESS, "status of taking the access of a large page");
    check_translation(guest, LARGE_PAGE + 511, HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS);
    check_equal(vid_unmap_gpa(&guest->deposits, LARGE_PAGE + 5, 1), HV_STATUS_SUCCESS,
                "status of unmapping a page without access");
    check_equal(vid_map_gpa(&guest->deposits, LARGE_PAGE + 7, RIGHTS, &page, 1), HV_STATUS_SUCCESS,
                "status of mapping a page that was without access");
    check_translation(guest, LARGE_PAGE + 5, HV_TRANSLATE_GVA_GPA_UNMAPPED);
    check_translation(guest, LARGE_PAGE + 6, HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS);
    check_translation(guest, LARGE_PAGE + 7, HV_TRANSLATE_GVA_SUCCESS);
}

static void run_no_access(void)
{
    /* mov ax, [9000h]; hlt */
    static const uint8_t code[] = {0xa1, 0x00, 0x90, 0xf4};
    const uint32_t again = HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    struct guest guest;
    uint64_t ignored = UINT64_MAX;

    if (!guest_create(&guest, code, sizeof(code)))
        return;
    uint64_t page = guest.memory / PAGE_SIZE + DATA_PAGE;
    check_equal(vid_map_gpa(&guest.deposits, DATA_PAGE, HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_READABLE,
                            &page, 1),
                HV_STATUS_INVALID_PARAMETER, "status of access and none");
    check_equal(vid_map_gpa(&guest.deposits, DATA_PAGE, HV_MAP_GPA_NO_ACCESS, &ignored, 1),
                HV_STATUS_SUCCESS, "status of taking the access of a page");
    check_run(&guest, 0, HV_MESSAGE_TYPE_GPA_INTERCEPT, "message of a page without access");
    vid_unmap_gpa(&guest.deposits, DATA_PAGE, 1);
    check_run(&guest, again, HV_MESSAGE_TYPE_UNMAPPED_GPA, "message of a page that is not there");
    check_equal(vid_map_gpa(&guest.deposits, DATA_PAGE, HV_MAP_GPA_NO_ACCESS, &ignored, 1),
                HV_STATUS_SUCCESS, "status of a page without access where none was");
    check_run(&guest, again, HV_MESSAGE_TYPE_GPA_INTERCEPT, "message of a page without access");
    vid_map_gpa(&guest.deposits, DATA_PAGE, RIGHTS, &page, 1);
    check_run(&guest, again, HV_MESSAGE_TYPE_X64_HALT, "message after the page is there");
    check_large(&guest);
    guest_destroy(&guest);
}

static void set_register(struct guest *guest, uint32_t name, uint64_t value, enum hv_status status)
{
    struct hv_register_assoc assoc = {.name = name, .value = {value}};

    check_equal(guest_set_registers(guest, &assoc, 1), status, "status of setting a register");
}

static void assert_interrupt(struct guest *guest, enum hv_interrupt_type type, uint32_t vector)
{
    struct hv_input_assert_virtual_interrupt input = {.partition_id = guest->deposits.partition_id,
                                                      .interrupt_control = type,
                                                      .requested_vector = vector};
    check_equal(
        vid_call_plain(HVCALL_ASSERT_VIRTUAL_INTERRUPT, &input, sizeof(input), NULL, 0, NULL),
        HV_STATUS_SUCCESS, "status of an interrupt");
}

/* A guest that has turned interrupts off idles until there is one, which it does not take. */
static void run_idle(void)
{
    /* mov ecx, 80Fh; mov eax, 1FFh; xor edx, edx; wrmsr (x2APIC on)
     * mov ecx, 400000F0h; rdmsr; out 80h, al; hlt */
    static const uint8_t code[] = {0x66, 0xb9, 0x0f, 0x08, 0x00, 0x00, 0x66, 0xb8, 0xff, 0x01,
                                   0x00, 0x00, 0x66, 0x31, 0xd2, 0x0f, 0x30, 0x66, 0xb9, 0xf0,
                                   0x00, 0x00, 0x40, 0x0f, 0x32, 0xe6, 0x80, 0xf4};
    struct guest guest;

    if (!guest_create(&guest, code, sizeof(code)))
        return;
    set_register(&guest, HV_X64_REGISTER_APIC_BASE, 0xfee00d00, HV_STATUS_SUCCESS);
    check_run(&guest, 0, HV_MESSAGE_TYPE_X64_HALT, "a guest that idles");
    check_equal(guest_get_register(&guest, HV_REGISTER_INTERNAL_ACTIVITY_STATE),
                HV_ACTIVITY_IDLE_SUSPEND, "activity of a guest that idles");
    check_run(&guest, 0, HV_MESSAGE_TYPE_X64_HALT, "a guest that idles, dispatched again");
    assert_interrupt(&guest, HV_X64_INTERRUPT_TYPE_FIXED, 0x40);
    check_run(&guest, 0, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, "after an interrupt");
    check_equal(guest_get_register(&guest, HV_REGISTER_INTERNAL_ACTIVITY_STATE), 0,
                "activity then");
    guest_destroy(&guest);
}

/* And an NMI: not before the end of a handler of one. One that comes meanwhile waits for the
 * parent. */
static void run_nmi_deliverable(void)
{
    /* out 80h, al; push 0; push 0; push 1100h; iretw; at 1100h: out 81h, al; hlt */
    static const uint8_t code[] = {0xe6, 0x80, 0x6a, 0x00, 0x6a, 0x00, 0x68, 0x00, 0x11, 0xcf};
    static const uint8_t after[] = {0xe6, 0x81, 0xf4};
    const uint32_t name = HV_REGISTER_DELIVERABILITY_NOTIFICATIONS;
    const uint32_t again = HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    const uint32_t skip = VENEER_DISPATCH_SKIP_INSTRUCTION;
    struct guest guest;

    if (!guest_create(&guest, code, sizeof(code)))
        return;
    memcpy(guest_memory(&guest, 0x1100), after, sizeof(after));
    ((uint32_t *)guest_memory(&guest, 0))[X86_VECTOR_NMI] = HANDLER;
    set_register(&guest, HV_REGISTER_INTERRUPT_STATE, HV_INTERRUPT_STATE_NMI_MASKED,
                 HV_STATUS_SUCCESS);
    set_register(&guest, HV_X64_REGISTER_RAX + 4, 0x8000, HV_STATUS_SUCCESS);
    set_register(&guest, name, HV_DELIVERABILITY_NMI, HV_STATUS_SUCCESS);
    check_run(&guest, 0, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, "with NMIs masked");
    assert_interrupt(&guest, HV_X64_INTERRUPT_TYPE_NMI, 0);
    uint32_t message = guest_run(&guest, skip, 100000);
    /* Without a window of its own it comes a little late (AMD-V). */
    if (message == HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT)
        message = guest_run(&guest, skip, 100000);
    check_equal(message, HV_MESSAGE_TYPE_X64_INTERRUPTION_DELIVERABLE, "after the handler's end");
    check_equal(guest_get_register(&guest, name), 0, "notification that has come");
    check_run(&guest, again, HV_MESSAGE_TYPE_X64_HALT, "when the NMI comes");
    check_equal(guest_get_register(&guest, HV_X64_REGISTER_RIP), HANDLER + 1, "RIP then");
    guest_destroy(&guest);
}

/* The parent is told when the guest could take an interrupt: flags, then its priority too. */
static void run_deliverable(void)
{
    /* out 80h, al; sti; nop; out 81h, al
     * mov ecx, 40000072h; xor edx, edx; mov eax, 40h; wrmsr (TPR); out 82h, al; hlt */
    static const uint8_t code[] = {0xe6, 0x80, 0xfb, 0x90, 0xe6, 0x81, 0x66, 0xb9, 0x72,
                                   0x00, 0x00, 0x40, 0x66, 0x31, 0xd2, 0x66, 0xb8, 0x40,
                                   0x00, 0x00, 0x00, 0x0f, 0x30, 0xe6, 0x82, 0xf4};
    const uint32_t name = HV_REGISTER_DELIVERABILITY_NOTIFICATIONS;
    const uint64_t priority_5 = HV_DELIVERABILITY_INTERRUPT | 5 << HV_DELIVERABILITY_PRIORITY_SHIFT;
    const uint32_t again = HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    const uint32_t skip = VENEER_DISPATCH_SKIP_INSTRUCTION;
    struct guest guest;

    if (!guest_create(&guest, code, sizeof(code)))
        return;
    set_register(&guest, name, 0x40, HV_STATUS_INVALID_REGISTER_VALUE);
    set_register(&guest, name, HV_DELIVERABILITY_INTERRUPT, HV_STATUS_SUCCESS);
    set_register(&guest, HV_X64_REGISTER_CR8, 5, HV_STATUS_SUCCESS);
    check_run(&guest, 0, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, "with interrupts off");
    check_equal(guest_get_register(&guest, name), HV_DELIVERABILITY_INTERRUPT, "notification");
    check_run(&guest, skip, HV_MESSAGE_TYPE_X64_INTERRUPTION_DELIVERABLE, "with interrupts on");
    check_equal(guest_get_register(&guest, HV_X64_REGISTER_RIP), GUEST_CODE + 4,
                "RIP behind the shadow");
    check_equal(guest_get_register(&guest, name), 0, "notification that has come");
    set_register(&guest, name, priority_5, HV_STATUS_SUCCESS);
    check_run(&guest, again, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, "while its priority is higher");
    check_run(&guest, skip, HV_MESSAGE_TYPE_X64_INTERRUPTION_DELIVERABLE, "when it is lower");
    check_run(&guest, again, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, "after that");
    check_run(&guest, skip, HV_MESSAGE_TYPE_X64_HALT, "at the end");
    set_register(&guest, name, HV_DELIVERABILITY_INTERRUPT, HV_STATUS_SUCCESS);
    check_run(&guest, 0, HV_MESSAGE_TYPE_X64_INTERRUPTION_DELIVERABLE, "while it is halted");
    check_run(&guest, again, HV_MESSAGE_TYPE_X64_HALT, "and again");
    guest_destroy(&guest);
}

static enum hv_status set_msr_action(struct guest *guest, uint32_t access, uint32_t action)
{
    struct hv_input_register_intercept_result input = {
        .partition_id = guest->deposits.partition_id,
        .vp_index = HV_ANY_VP,
        .intercept_type = HV_INTERCEPT_TYPE_X64_MSR,
    };
    struct hv_register_x64_msr_result_parameters result = {UNKNOWN_MSR, access, action};
    memcpy(&input.leaf, &result, sizeof(result));
    return vid_call_plain(HVCALL_REGISTER_INTERCEPT_RESULT, &input, sizeof(input), NULL, 0,
                          &guest->deposits);
}

/* An MSR that is not implemented: reads are ignored, writes fault. */
static void run_msr_action(void)
{
    /* mov ecx, 400h; mov eax, 1; rdmsr; out 80h, eax; wrmsr; hlt */
    static const uint8_t code[] = {0x66, 0xb9, 0x00, 0x04, 0x00, 0x00, 0x66, 0xb8, 0x01, 0x00,
                                   0x00, 0x00, 0x0f, 0x32, 0x66, 0xe7, 0x80, 0x0f, 0x30, 0xf4};
    const uint32_t read = HV_INTERCEPT_ACCESS_MASK_READ, write = HV_INTERCEPT_ACCESS_MASK_WRITE;
    struct guest guest;

    if (!guest_create(&guest, code, sizeof(code)))
        return;
    check_equal(set_msr_action(&guest, 0, 0), HV_STATUS_INVALID_PARAMETER, "status of no access");
    check_equal(set_msr_action(&guest, read, 2), HV_STATUS_INVALID_PARAMETER,
                "status of an unknown action");
    check_equal(set_msr_action(&guest, read, HV_UNIMPLEMENTED_MSR_ACTION_IGNORE_WRITE_READ_ZERO),
                HV_STATUS_SUCCESS, "status of ignoring reads");
    guest_set_property(&guest, HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION, 1);
    check_equal(set_msr_action(&guest, write, HV_UNIMPLEMENTED_MSR_ACTION_FAULT), HV_STATUS_SUCCESS,
                "status of letting writes fault");
    check_run(&guest, 0, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, "behind a read");
    check_equal(guest.registers->gpr[0], 0, "what was read");
    ((uint32_t *)guest_memory(&guest, 0))[X86_VECTOR_GP] = HANDLER;
    check_run(&guest, VENEER_DISPATCH_SKIP_INSTRUCTION, HV_MESSAGE_TYPE_X64_HALT, "after a write");
    check_equal(guest_get_register(&guest, HV_X64_REGISTER_RIP), HANDLER + 1, "RIP then");
    guest_destroy(&guest);
}

/* RDTSCP tells a child nothing of what the root has in TSC_AUX, whether the child was there before
 * or not. */
static void run_tsc_aux(void)
{
    /* rdtscp; out 80h, al; jmp */
    static const uint8_t code[] = {0x0f, 0x01, 0xf9, 0xe6, 0x80, 0xeb, 0xf9};
    const uint32_t skip = VENEER_DISPATCH_SKIP_INSTRUCTION;
    struct guest old, new;

    if ((cpuid(0x80000001, 0).edx & (1u << 27)) == 0) {
        note("this processor has no RDTSCP");
        return;
    }
    if (!guest_create(&old, code, sizeof(code)))
        return;
    check_run(&old, 0, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, "RDTSCP");
    wrmsr(MSR_TSC_AUX, 0x5ec4e7);
    old.registers->gpr[1] = 7;
    check_run(&old, skip, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, "RDTSCP again");
    check_equal(old.registers->gpr[1], 0, "TSC_AUX of a child");
    check_equal(rdmsr(MSR_TSC_AUX), 0x5ec4e7, "TSC_AUX of the root");
    if (guest_create(&new, code, sizeof(code))) {
        check_run(&new, 0, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, "RDTSCP of another");
        check_equal(new.registers->gpr[1], 0, "TSC_AUX of another child");
        guest_destroy(&new);
    }
    check_equal(rdmsr(MSR_TSC_AUX), 0x5ec4e7, "TSC_AUX of the root afterwards");
    wrmsr(MSR_TSC_AUX, 0);
    guest_destroy(&old);
}

static void run_all_deliverable(void)
{
    run_deliverable();
    run_nmi_deliverable();
}

const struct selftest selftest_child_msr_action = {"child-msr-action", run_msr_action,
                                                   SELFTEST_ONCE, true};
const struct selftest selftest_child_tsc_aux = {"child-tsc-aux", run_tsc_aux, SELFTEST_ONCE, true};
const struct selftest selftest_child_idle = {"child-idle", run_idle, SELFTEST_ONCE, true};
const struct selftest selftest_child_deliverable = {"child-deliverable", run_all_deliverable,
                                                    SELFTEST_ONCE, true};
const struct selftest selftest_child_no_access = {"child-no-access", run_no_access, SELFTEST_ONCE,
                                                  true};
