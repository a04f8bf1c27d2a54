/* Tests of the hypercalls' convention, and of who may call. */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "include/hv/cpuid.h"
#include "include/hv/msr.h"
#include "include/hv/synic_calls.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/fault.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/probes.h"
#include "vsc/demo/smp.h"
#include "vsc/demo/vp.h"

#define CODE_UNKNOWN 0x7fff
#define SPIN_WAIT_FAST (HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST)

static uint8_t page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static uint64_t status_of(uint64_t input_value, uint64_t input, uint64_t output)
{
    return hyperv_call(input_value, input, output) & HV_HYPERCALL_STATUS_MASK;
}

static void check_partition_id(void)
{
    struct hv_output_get_partition_id output = {0};
    enum hv_status status = hyperv_slow(HVCALL_GET_PARTITION_ID, NULL, 0, &output, sizeof(output));

    if (!hyperv_has_high(HV_ACCESS_PARTITION_ID)) {
        check_equal(status, HV_STATUS_ACCESS_DENIED, "GetPartitionId without the privilege");
        return;
    }
    check_equal(status, HV_STATUS_SUCCESS, "GetPartitionId");
    check(output.partition_id != 0 && output.partition_id != HV_PARTITION_ID_ROOT &&
              output.partition_id != HV_PARTITION_ID_SELF,
          "the partition id is 0x%llx", (unsigned long long)output.partition_id);
}

static void check_vp_indexes(void)
{
    struct {
        struct hv_input_get_vp_index_from_apic_id head;
        uint32_t ids[2];
    } input = {.head = {.partition_id = HV_PARTITION_ID_SELF}};
    uint32_t indexes[2] = {~0u, ~0u};
    uint32_t last = smp_count() - 1;

    input.ids[0] = vps[last].apic_id;
    input.ids[1] = vps[0].apic_id;

    enum hv_status status =
        hyperv_slow(HVCALL_GET_VP_INDEX_FROM_APIC_ID | 2ull << HV_HYPERCALL_REP_COUNT_SHIFT, &input,
                    sizeof(input), indexes, sizeof(indexes));

    check_equal(status, HV_STATUS_SUCCESS, "GetVpIndexFromApicId");
    check(indexes[0] == last && indexes[1] == 0, "the VP indexes are %u, %u", indexes[0],
          indexes[1]);
}

void test_hypercall(void)
{
    uint64_t at = (uint64_t)page;

    check_equal(status_of(SPIN_WAIT_FAST, 1, 0), HV_STATUS_SUCCESS, "NotifyLongSpinWait");
    check_partition_id();
    check_vp_indexes();

    check_equal(status_of(CODE_UNKNOWN, at, at), HV_STATUS_INVALID_HYPERCALL_CODE,
                "an unknown code");
    check_equal(status_of(SPIN_WAIT_FAST | 1ull << 27, 1, 0), HV_STATUS_INVALID_HYPERCALL_INPUT,
                "a reserved bit");
    check_equal(status_of(SPIN_WAIT_FAST | 1ull << HV_HYPERCALL_REP_COUNT_SHIFT, 1, 0),
                HV_STATUS_INVALID_HYPERCALL_INPUT, "a count for a simple call");
    check_equal(status_of(HVCALL_GET_VP_INDEX_FROM_APIC_ID, at, at),
                HV_STATUS_INVALID_HYPERCALL_INPUT, "a rep call without a count");
    check_equal(status_of(HVCALL_POST_MESSAGE, at + 4, 0), HV_STATUS_INVALID_ALIGNMENT,
                "an input at 4 modulo 8");
    check_equal(status_of(HVCALL_POST_MESSAGE,
                          at + PAGE_SIZE - sizeof(struct hv_input_post_message) + 8, 0),
                HV_STATUS_INVALID_ALIGNMENT, "an input across a page's end");
    check_equal(status_of(HVCALL_CREATE_PARTITION, at, at), HV_STATUS_ACCESS_DENIED,
                "CreatePartition");
    check_equal(status_of(HVCALL_VENEER_CANCEL_VP | HV_HYPERCALL_FAST, 1, 0),
                HV_STATUS_ACCESS_DENIED, "a call of the parent's");
}

static void call_by_instruction(void *argument)
{
    (void)argument;
    hyperv_call_instruction(SPIN_WAIT_FAST);
}

void test_hypercall_denied(void)
{
    struct fault fault;
    uint64_t hypercall = rdmsr(HV_X64_MSR_HYPERCALL);

    check_fault(ring3_try(ring3_leave), VECTOR_LEAVE, "ring 3");
    check_fault(ring3_try(hyperv_uses_vmcall() ? ring3_vmcall : ring3_vmmcall), X86_VECTOR_UD,
                "a hypercall from ring 3");
    check_fault(ring3_try(ring3_hypercall_page), X86_VECTOR_UD, "the hypercall page in ring 3");

    fault_try(&fault, call_by_instruction, NULL);
    check_fault(fault.vector, FAULT_NONE, "a hypercall instruction");
    wrmsr(HV_X64_MSR_GUEST_OS_ID, 0);
    check(!(rdmsr(HV_X64_MSR_HYPERCALL) & HV_X64_MSR_HYPERCALL_ENABLE),
          "the hypercall page stays without a guest OS id");
    fault_try(&fault, call_by_instruction, NULL);
    check_fault(fault.vector, X86_VECTOR_UD, "a hypercall without a guest OS id");
    wrmsr(HV_X64_MSR_GUEST_OS_ID, hyperv_guest_os_id());
    wrmsr(HV_X64_MSR_HYPERCALL, hypercall);
    check_equal(status_of(SPIN_WAIT_FAST, 1, 0), HV_STATUS_SUCCESS, "a hypercall after that");
}
