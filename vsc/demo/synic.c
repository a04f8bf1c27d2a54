#include "vsc/demo/synic.h"

#include "include/hv/msr.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/vp.h"

struct synic_pages {
    struct hv_message messages[HV_SYNIC_SINT_COUNT];
    uint8_t event_flags[HV_SYNIC_SINT_COUNT][HV_EVENT_FLAGS_SIZE];
};

static struct synic_pages pages[VP_MAX] __attribute__((aligned(PAGE_SIZE)));

_Static_assert(sizeof(struct synic_pages) == 2 * PAGE_SIZE, "two pages");

static struct synic_pages *own_pages(void)
{
    return &pages[vp_self()->index];
}

void synic_init(void)
{
    struct synic_pages *own = own_pages();

    wrmsr(HV_X64_MSR_SIMP, (uint64_t)own->messages | HV_SYNIC_ENABLE);
    wrmsr(HV_X64_MSR_SIEFP, (uint64_t)own->event_flags | HV_SYNIC_ENABLE);
    wrmsr(HV_X64_MSR_SCONTROL, HV_SYNIC_ENABLE);
}

void synic_disable(void)
{
    for (unsigned sint = 0; sint < HV_SYNIC_SINT_COUNT; sint++)
        wrmsr(HV_X64_MSR_SINT0 + sint, HV_SINT_MASKED);
    wrmsr(HV_X64_MSR_SCONTROL, 0);
    wrmsr(HV_X64_MSR_SIEFP, 0);
    wrmsr(HV_X64_MSR_SIMP, 0);
}

void synic_set_sint(unsigned sint, uint8_t vector, uint64_t flags)
{
    wrmsr(HV_X64_MSR_SINT0 + sint, vector | flags);
}

volatile struct hv_message *synic_message(unsigned sint)
{
    return &own_pages()->messages[sint];
}

void synic_message_done(unsigned sint)
{
    volatile struct hv_message *message = synic_message(sint);

    message->message_type = HV_MESSAGE_TYPE_NONE;
    /* The hypervisor sets the flag when it finds the slot taken: look at it after that is over. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (message->flags & HV_MESSAGE_FLAG_PENDING)
        wrmsr(HV_X64_MSR_EOM, 0);
}

bool synic_take_event(unsigned sint, unsigned flag)
{
    uint8_t *byte = &own_pages()->event_flags[sint][flag / 8];
    uint8_t mask = (uint8_t)(1u << flag % 8);

    return __atomic_fetch_and(byte, (uint8_t)~mask, __ATOMIC_ACQ_REL) & mask;
}
