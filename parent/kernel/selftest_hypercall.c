/* Self test "hypercall": the calling convention and the statuses of TLFS 3.7 to 3.10. */
#include <stddef.h>

#include "lib/page_table.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/fault.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/mm/pages.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/selftest_ring3.h"

#define USER_PAGE 0x400000ull
#define CANARY 0xa5
#define REP_COUNT(n) ((uint64_t)(n) << HV_HYPERCALL_REP_COUNT_SHIFT)
#define REP_START(n) ((uint64_t)(n) << HV_HYPERCALL_REP_START_SHIFT)

/* Addresses of this CPU's blocks. */
static uint64_t input_address(void)
{
    return virtual_to_physical(this_cpu()->hypercall_input);
}

static uint64_t output_address(void)
{
    return virtual_to_physical(this_cpu()->hypercall_output);
}

/* Checks the status of one raw call. */
static void check_status(uint64_t input_value, uint64_t input, uint64_t output,
                         enum hv_status expected, const char *what)
{
    uint64_t status = hyperv_call(input_value, input, output) & HV_HYPERCALL_STATUS_MASK;
    check(status == expected, "%s gives status %lxh, not %xh", what, status, expected);
}

static void check_input_values(void)
{
    static const uint16_t unknown[] = {0x0000, 0x0001, 0x7fff, 0x8000, 0x88ff, 0xffff};
    uint64_t in = input_address(), out = output_address();
    memset(this_cpu()->hypercall_input, 0, PAGE_SIZE);

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        check_status(unknown[i], in, out, HV_STATUS_INVALID_HYPERCALL_CODE, "an unknown code");
        check_status(unknown[i] | HV_HYPERCALL_FAST, in, out, HV_STATUS_INVALID_HYPERCALL_CODE,
                     "an unknown code, fast");
    }
    for (unsigned bit = 17; bit < 64; bit++) {
        if (1ull << bit & (HV_HYPERCALL_RESERVED | HV_HYPERCALL_VARHEAD_MASK))
            check_status(HVCALL_GET_PARTITION_ID | 1ull << bit, in, out,
                         HV_STATUS_INVALID_HYPERCALL_INPUT, "a reserved bit");
    }
    check_status(HVCALL_GET_PARTITION_ID | REP_COUNT(1), in, out, HV_STATUS_INVALID_HYPERCALL_INPUT,
                 "a rep count where there is none");
    check_status(HVCALL_GET_PARTITION_ID | REP_START(1), in, out, HV_STATUS_INVALID_HYPERCALL_INPUT,
                 "a rep start where there is none");
    check_status(HVCALL_GET_VP_INDEX_FROM_APIC_ID, in, out, HV_STATUS_INVALID_HYPERCALL_INPUT,
                 "a rep call without count");
    check_status(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REP_COUNT(1) | REP_START(1), in, out,
                 HV_STATUS_INVALID_HYPERCALL_INPUT, "a rep start that is the count");
    check_status(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REP_COUNT(1) | HV_HYPERCALL_FAST, in, out,
                 HV_STATUS_INVALID_HYPERCALL_INPUT, "a fast rep call");
    check_status(HVCALL_GET_PARTITION_ID | HV_HYPERCALL_FAST, in, out,
                 HV_STATUS_INVALID_HYPERCALL_INPUT, "a fast call with output");
    check_status(HVCALL_START_VIRTUAL_PROCESSOR | HV_HYPERCALL_FAST, in, out,
                 HV_STATUS_INVALID_HYPERCALL_INPUT, "a fast call with large input");
    check_status(HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST, 0, 0, HV_STATUS_SUCCESS,
                 "a fast call");
    check_status(HVCALL_NOTIFY_LONG_SPIN_WAIT, in, out, HV_STATUS_SUCCESS, "the same call, slow");
}

static void check_addresses(void)
{
    uint64_t in = input_address(), out = output_address();
    uint64_t bad[] = {
        1,
        selftest_hypervisor_page(),
        1ull << 51,
        ~(PAGE_SIZE - 1),
        rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDRESS_MASK,
        in + 1,
        in + 4,
        in + PAGE_SIZE - 8, /* all inputs and outputs below are longer */
    };
    memset(this_cpu()->hypercall_input, 0, PAGE_SIZE);
    memset(this_cpu()->hypercall_output, CANARY, PAGE_SIZE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        check_status(HVCALL_START_VIRTUAL_PROCESSOR, bad[i], out, HV_STATUS_INVALID_ALIGNMENT,
                     "a bad input address");
        check_status(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REP_COUNT(4), bad[i], out,
                     HV_STATUS_INVALID_ALIGNMENT, "a bad input address of a rep call");
        check_status(HVCALL_VENEER_GET_EXIT_COUNTS, in, bad[i], HV_STATUS_INVALID_ALIGNMENT,
                     "a bad output address");
        check_status(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REP_COUNT(4), in, bad[i],
                     HV_STATUS_INVALID_ALIGNMENT, "a bad output address of a rep call");
    }
    check_status(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REP_COUNT(HV_HYPERCALL_REP_MASK), in, out,
                 HV_STATUS_INVALID_ALIGNMENT, "a rep list that does not fit into the page");
    check_status(HVCALL_VENEER_GET_EXIT_COUNTS, in,
                 out + PAGE_SIZE - sizeof(struct hv_output_veneer_get_exit_counts),
                 HV_STATUS_SUCCESS, "an output block at the end of its page");

    const uint8_t *bytes = this_cpu()->hypercall_output;
    for (size_t i = 0; i < PAGE_SIZE - sizeof(struct hv_output_veneer_get_exit_counts); i++) {
        if (!check(bytes[i] == CANARY, "the output page is changed at %lxh", i))
            break;
    }
}

static void check_partition_ids(void)
{
    struct hv_input_start_virtual_processor *start = this_cpu()->hypercall_input;
    uint64_t in = input_address(), out = output_address();
    memset(start, 0, sizeof(*start));
    start->partition_id = 2;
    check_status(HVCALL_START_VIRTUAL_PROCESSOR, in, out, HV_STATUS_INVALID_PARTITION_ID,
                 "starting a VP of a partition that does not exist");
    check_status(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REP_COUNT(1), in, out,
                 HV_STATUS_INVALID_PARTITION_ID, "a VP index of such a partition");
    start->partition_id = HV_PARTITION_ID_ROOT;
    start->vp_index = boot_info.vp_count;
    check_status(HVCALL_START_VIRTUAL_PROCESSOR, in, out, HV_STATUS_INVALID_VP_INDEX,
                 "starting a VP that does not exist");
    start->vp_index = 0;
    start->target_vtl = 1;
    check_status(HVCALL_START_VIRTUAL_PROCESSOR, in, out, HV_STATUS_INVALID_PARAMETER,
                 "starting a VP in a VTL that does not exist");
    start->target_vtl = 0;
    start->reserved[2] = 1;
    check_status(HVCALL_START_VIRTUAL_PROCESSOR, in, out, HV_STATUS_INVALID_PARAMETER,
                 "starting a VP with reserved bytes set");
    start->reserved[2] = 0;
    for (uint32_t i = 0; i < boot_info.vp_count; i++) {
        start->vp_index = i;
        check_status(HVCALL_START_VIRTUAL_PROCESSOR, in, out, HV_STATUS_INVALID_VP_STATE,
                     "starting a VP that runs");
    }
    start->vp_index = HV_VP_INDEX_SELF;
    check_status(HVCALL_START_VIRTUAL_PROCESSOR, in, out, HV_STATUS_INVALID_VP_STATE,
                 "starting oneself");
}

static void check_exit_counts(void)
{
    struct hv_input_veneer_get_exit_counts *counts = this_cpu()->hypercall_input;
    uint64_t in = input_address(), out = output_address();
    *counts = (struct hv_input_veneer_get_exit_counts){.vp_index = boot_info.vp_count};
    check_status(HVCALL_VENEER_GET_EXIT_COUNTS, in, out, HV_STATUS_INVALID_VP_INDEX,
                 "exit counts of a VP that does not exist");
    *counts = (struct hv_input_veneer_get_exit_counts){.vp_index = 0, .reserved = 1};
    check_status(HVCALL_VENEER_GET_EXIT_COUNTS, in, out, HV_STATUS_INVALID_PARAMETER,
                 "exit counts with reserved bits set");
}

/* A list of all CPUs, one bad id behind them, and another good one. */
static void check_rep_call(void)
{
    struct hv_input_get_vp_index_from_apic_id *list = this_cpu()->hypercall_input;
    uint32_t *indices = this_cpu()->hypercall_output;
    uint64_t in = input_address(), out = output_address();
    uint32_t count = cpu_count;

    memset(list, 0, PAGE_SIZE);
    memset(indices, CANARY, PAGE_SIZE);
    list->partition_id = HV_PARTITION_ID_SELF;
    for (uint32_t i = 0; i < count; i++)
        list->apic_ids[i] = cpus[i]->apic_id;
    list->apic_ids[count] = 0xfffffff0;
    list->apic_ids[count + 1] = cpus[0]->apic_id;

    uint64_t result = hyperv_call(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REP_COUNT(count), in, out);
    check_equal(result, REP_COUNT(count), "result value of a rep call");
    for (uint32_t i = 0; i < count; i++)
        check_equal(indices[i], i, "VP index in the list");

    memset(indices, CANARY, PAGE_SIZE);
    result = hyperv_call(
        HVCALL_GET_VP_INDEX_FROM_APIC_ID | REP_COUNT(count + 2) | REP_START(count - 1), in, out);
    check_equal(result, HV_STATUS_INVALID_PARAMETER | REP_COUNT(count),
                "result value of a rep call that fails on the way");
    check_equal(indices[count - 1], count - 1, "the element before the bad one");
    check_equal(indices[count], 0xa5a5a5a5, "output for the bad element");
    if (count > 1)
        check_equal(indices[count - 2], 0xa5a5a5a5, "output before the rep start");

    list->target_vtl = 1;
    check_status(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REP_COUNT(1), in, out,
                 HV_STATUS_INVALID_PARAMETER, "VP indices of a VTL that does not exist");
    list->target_vtl = 0;
    list->reserved[6] = 1;
    check_status(HVCALL_GET_VP_INDEX_FROM_APIC_ID | REP_COUNT(1), in, out,
                 HV_STATUS_INVALID_PARAMETER, "VP indices with reserved bytes set");
}

static void run_in_ring_3(void *code)
{
    ring3_enter((uint64_t)code);
}

/* In ring 3 the instruction does not exist. An INT3 behind it tells if it did. */
static void check_ring_3(void)
{
    struct fault fault = {0};
    uint64_t page = page_allocate_zeroed();
    uint8_t *code = direct_map(page);
    memcpy(code, hyperv_uses_vmcall() ? "\x0f\x01\xc1\xcc" : "\x0f\x01\xd9\xcc", 4);
    memory_map(USER_PAGE, page, PAGE_SIZE, PTE_USER);
    check_fault(fault_try(run_in_ring_3, (void *)USER_PAGE, &fault), X86_VECTOR_UD,
                "a hypercall from ring 3");
    check_equal(fault.rip, USER_PAGE, "where ring 3 was stopped");
    memory_unmap(USER_PAGE, PAGE_SIZE);
    pages_free(page, 1);
}

static void run(void)
{
    check_input_values();
    check_addresses();
    check_partition_ids();
    check_exit_counts();
    check_rep_call();
    check_ring_3();
}

const struct selftest selftest_hypercall = {"hypercall", run, SELFTEST_EACH, false};
