#include "parent/vid/synic.h"

#include "include/hv/msr.h"
#include "include/hv/synic.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/smp.h"
#include "parent/vid/partition.h"
#include "parent/vid/port.h"

#define FLAG_WORDS (HV_EVENT_FLAGS_COUNT / 64)

struct synic {
    struct hv_message *messages; /* a slot per SINT */
    uint64_t *flags;             /* HV_EVENT_FLAGS_COUNT per SINT */
};

static struct synic synics[MAX_CPUS];

static void wake_vps(const struct hv_message *message)
{
    struct hv_scheduler_vp_signal_pair pair;
    memcpy(&pair, message->payload, sizeof(pair));
    for (uint32_t i = 0; i < pair.vp_count && i < HV_SCHEDULER_MAX_PAIRS; i++)
        partition_wake(pair.partition_ids[i], pair.vp_indexes[i]);
    if (pair.overflow)
        partition_wake_everything();
}

/* Takes the message in @slot, if there is one, and asks for the next. */
static bool take_message(struct hv_message *slot)
{
    struct hv_message message;
    if (__atomic_load_n(&slot->message_type, __ATOMIC_ACQUIRE) == HV_MESSAGE_TYPE_NONE)
        return false;
    message = *slot;
    __atomic_store_n(&slot->message_type, HV_MESSAGE_TYPE_NONE, __ATOMIC_SEQ_CST);
    /* Looked at when the slot is free: the hypervisor sets it when it finds the slot taken. */
    if (__atomic_load_n(&slot->flags, __ATOMIC_SEQ_CST) & HV_MESSAGE_FLAG_PENDING)
        wrmsr(HV_X64_MSR_EOM, 0);
    if (message.message_type == HV_MESSAGE_TYPE_SCHEDULER_VP_SIGNAL_PAIR)
        wake_vps(&message);
    else if (!(message.message_type & HV_MESSAGE_TYPE_HYPERVISOR_MASK))
        port_message(&message);
    return true;
}

uint64_t *synic_flags(uint32_t cpu)
{
    return synics[cpu].flags + HV_SYNIC_SINT_FIRST_FREE * FLAG_WORDS;
}

static void interrupt(void)
{
    const struct synic *synic = &synics[this_cpu()->index];
    while (take_message(&synic->messages[HV_SYNIC_SINT_SCHEDULER]) ||
           take_message(&synic->messages[HV_SYNIC_SINT_FIRST_FREE]))
        ;
    port_flags(synic_flags(this_cpu()->index));
}

static void enable(void *argument)
{
    (void)argument;
    const struct synic *synic = &synics[this_cpu()->index];
    wrmsr(HV_X64_MSR_SIMP, virtual_to_physical(synic->messages) | HV_SYNIC_ENABLE);
    wrmsr(HV_X64_MSR_SIEFP, virtual_to_physical(synic->flags) | HV_SYNIC_ENABLE);
    wrmsr(HV_X64_MSR_SINT0 + HV_SYNIC_SINT_SCHEDULER, VECTOR_HYPERVISOR);
    wrmsr(HV_X64_MSR_SINT0 + HV_SYNIC_SINT_FIRST_FREE, VECTOR_HYPERVISOR);
    wrmsr(HV_X64_MSR_SCONTROL, HV_SYNIC_ENABLE);
}

bool synic_start(void)
{
    for (uint32_t i = 0; i < cpu_count; i++) {
        uint64_t messages = page_allocate_zeroed();
        uint64_t flags = page_allocate_zeroed();
        if (messages == 0 || flags == 0)
            return false;
        synics[i] = (struct synic){physical_to_virtual(messages), physical_to_virtual(flags)};
    }
    interrupt_register(VECTOR_HYPERVISOR, interrupt);
    smp_interrupt_all(enable, NULL);
    return true;
}
