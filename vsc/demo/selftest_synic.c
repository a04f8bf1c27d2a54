/* Tests of the SynIC: registers, events and messages from and to the parent. */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "include/child_start.h"
#include "include/hv/msr.h"
#include "include/hv/synic_calls.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/fault.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/synic.h"
#include "vsc/demo/vp.h"

#define WAIT_US 2000000
#define SETTLE_US 2000
#define MESSAGES 10
#define MESSAGE_TYPE 1
#define UNKNOWN_CONNECTION 0x7777

void test_synic(void)
{
    uint64_t value;

    check_equal(rdmsr(HV_X64_MSR_SVERSION), HV_SYNIC_VERSION, "SVERSION");
    synic_init();
    check_equal(rdmsr(HV_X64_MSR_SCONTROL), HV_SYNIC_ENABLE, "SCONTROL");
    check_equal(rdmsr(HV_X64_MSR_SIMP), (uint64_t)synic_message(0) | HV_SYNIC_ENABLE, "SIMP");
    check(rdmsr(HV_X64_MSR_SIEFP) & HV_SYNIC_ENABLE, "SIEFP is not enabled");
    for (unsigned sint = 0; sint < HV_SYNIC_SINT_COUNT; sint++) {
        check(rdmsr(HV_X64_MSR_SINT0 + sint) & HV_SINT_MASKED, "SINT%u is not masked", sint);
        synic_set_sint(sint, (uint8_t)(VECTOR_SINT + sint), HV_SINT_AUTO_EOI);
        check_equal(rdmsr(HV_X64_MSR_SINT0 + sint), (VECTOR_SINT + sint) | HV_SINT_AUTO_EOI,
                    "a SINT");
        synic_set_sint(sint, 0, HV_SINT_MASKED);
    }
    check_fault(wrmsr_try(HV_X64_MSR_SINT0, HV_SINT_FIRST_VECTOR - 1), X86_VECTOR_GP,
                "a SINT with vector 15");
    check_fault(wrmsr_try(HV_X64_MSR_SVERSION, 1), X86_VECTOR_GP, "a write to SVERSION");
    check_fault(wrmsr_try(HV_X64_MSR_EOM, 0), FAULT_NONE, "EOM");
    check_fault(rdmsr_try(HV_X64_MSR_EOM, &value), FAULT_NONE, "a read of EOM");
    synic_disable();
    check_equal(rdmsr(HV_X64_MSR_SCONTROL) & HV_SYNIC_ENABLE, 0, "SCONTROL after its end");
}

/* The flag is there, and the interrupt if @vector is not 0. */
static bool check_event(unsigned flag, uint8_t vector, uint32_t interrupts)
{
    uint64_t end = clock_deadline(WAIT_US);

    if (vector != 0 && !interrupt_wait(vector, interrupts, WAIT_US))
        return check_failed("no interrupt for event %u", flag);
    while (!synic_take_event(CHILD_SINT, flag)) {
        if (rdtsc() >= end)
            return check_failed("no flag for event %u", flag);
        inl(CHILD_PORT_SCRATCH);
    }
    return check(!synic_take_event(CHILD_SINT, flag), "event %u comes twice", flag);
}

void test_events(void)
{
    uint32_t before = vp_interrupts(VECTOR_SINT);

    synic_init();
    synic_set_sint(CHILD_SINT, VECTOR_SINT, 0);
    for (unsigned flag = 0; flag < CHILD_EVENT_FLAGS; flag++) {
        outl(CHILD_PORT_EVENT, flag);
        if (!check_event(flag, VECTOR_SINT, ++before))
            break;
    }

    synic_set_sint(CHILD_SINT, VECTOR_SINT, HV_SINT_MASKED);
    before = vp_interrupts(VECTOR_SINT);
    outl(CHILD_PORT_EVENT, 3);
    check_event(3, 0, 0);
    clock_delay(SETTLE_US);
    check_equal(vp_interrupts(VECTOR_SINT), before, "interrupts of a masked SINT");

    /* No EOI by the handler: the interrupt is over when it begins. */
    interrupt_set(VECTOR_SINT, NULL, EOI_OWN);
    synic_set_sint(CHILD_SINT, VECTOR_SINT, HV_SINT_AUTO_EOI);
    for (unsigned i = 1; i <= 3; i++) {
        outl(CHILD_PORT_EVENT, i);
        check_event(i, VECTOR_SINT, before + i);
    }
    check(!lapic_bit(LAPIC_ISR, VECTOR_SINT), "ISR has the vector of a SINT with auto-EOI");
    interrupt_set(VECTOR_SINT, NULL, EOI_AFTER);
    synic_disable();
}

static enum hv_status post(uint32_t connection, uint32_t type, uint32_t size)
{
    struct hv_input_post_message input = {
        .connection_id = connection,
        .message_type = type,
        .payload_size = size,
    };

    memset(input.payload, 0x5a, sizeof(input.payload));
    return hyperv_slow(HVCALL_POST_MESSAGE, &input, sizeof(input), NULL, 0);
}

/* As above; waits while the parent has no room. */
static enum hv_status post_patiently(uint32_t size)
{
    uint64_t end = clock_deadline(WAIT_US);
    enum hv_status status;

    do
        status = post(CHILD_CONNECTION_MESSAGE, MESSAGE_TYPE, size);
    while (status == HV_STATUS_INSUFFICIENT_BUFFERS && rdtsc() < end);
    return status;
}

/* Waits until the counter at @port has @count. */
static uint32_t wait_count(uint16_t port, uint32_t count)
{
    uint64_t end = clock_deadline(WAIT_US);
    uint32_t found;

    do
        found = inl(port);
    while (found != count && rdtsc() < end);
    return found;
}

void test_messages(void)
{
    uint32_t before = inl(CHILD_PORT_MESSAGE_COUNT);

    for (uint32_t i = 0; i < MESSAGES; i++) {
        uint32_t size = i * HV_MESSAGE_PAYLOAD_SIZE / (MESSAGES - 1);

        if (!check_equal(post_patiently(size), HV_STATUS_SUCCESS, "PostMessage"))
            return;
    }
    check_equal(wait_count(CHILD_PORT_MESSAGE_COUNT, before + MESSAGES), before + MESSAGES,
                "the number of messages");
    check_equal(post(CHILD_CONNECTION_MESSAGE, MESSAGE_TYPE, HV_MESSAGE_PAYLOAD_SIZE + 1),
                HV_STATUS_INVALID_PARAMETER, "a message that is too long");
    check_equal(post(CHILD_CONNECTION_MESSAGE, HV_MESSAGE_TYPE_TIMER_EXPIRED, 0),
                HV_STATUS_INVALID_PARAMETER, "a message with a type of the hypervisor's");
    check_equal(post(UNKNOWN_CONNECTION, MESSAGE_TYPE, 0), HV_STATUS_INVALID_CONNECTION_ID,
                "a message to nowhere");
    check_equal(inl(CHILD_PORT_MESSAGE_COUNT), before + MESSAGES, "the number in the end");
}

static enum hv_status signal_event(uint32_t connection, uint16_t flag, bool fast)
{
    struct hv_input_signal_event input = {.connection_id = connection, .flag_number = flag};
    uint64_t word;

    memcpy(&word, &input, sizeof(word));
    if (fast)
        return hyperv_fast(HVCALL_SIGNAL_EVENT, word, 0);
    return hyperv_slow(HVCALL_SIGNAL_EVENT, &input, sizeof(input), NULL, 0);
}

void test_signal(void)
{
    for (uint16_t flag = 0; flag < CHILD_EVENT_FLAGS; flag++) {
        uint32_t before = inl(CHILD_PORT_EVENT_COUNT);
        enum hv_status status = signal_event(CHILD_CONNECTION_EVENT, flag, flag % 2 == 0);

        if (!check_equal(status, HV_STATUS_SUCCESS, "SignalEvent") ||
            !check_equal(wait_count(CHILD_PORT_EVENT_COUNT, before + 1), before + 1,
                         "the number of wake-ups"))
            return;
    }
    check_equal(signal_event(CHILD_CONNECTION_EVENT, CHILD_EVENT_FLAGS, true),
                HV_STATUS_INVALID_PARAMETER, "a flag that the port does not have");
    check_equal(signal_event(UNKNOWN_CONNECTION, 0, true), HV_STATUS_INVALID_CONNECTION_ID,
                "a signal to nowhere");
}
