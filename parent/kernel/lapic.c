#include "parent/kernel/lapic.h"

#include "lib/x86/cpu.h"
#include "lib/x86/lapic.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/layout.h"
#include "parent/include/spinlock.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/panic.h"

#define CPUID_1_ECX_X2APIC (1u << 21)
#define XAPIC_PAGE_SIZE 4096
#define XAPIC_ID_SHIFT 24

static bool x2apic;
static volatile uint32_t *xapic; /* the register page, in xAPIC mode */

bool lapic_is_x2apic(void)
{
    return x2apic;
}

uint32_t lapic_read(uint32_t offset)
{
    if (x2apic)
        return (uint32_t)rdmsr(MSR_X2APIC_FIRST + offset / 16);
    return xapic[offset / sizeof(*xapic)];
}

void lapic_write(uint32_t offset, uint32_t value)
{
    if (x2apic)
        wrmsr(MSR_X2APIC_FIRST + offset / 16, value);
    else
        xapic[offset / sizeof(*xapic)] = value;
}

void lapic_find(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    x2apic = base & APIC_BASE_X2APIC;
    if (!x2apic && boot_option("x2apic", NULL, 0) && cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC)
        x2apic = true;
    if (x2apic)
        return;
    xapic = memory_map_device(base & APIC_BASE_ADDRESS_MASK, XAPIC_PAGE_SIZE, MEMORY_UNCACHED);
    if (!xapic)
        panic("the local APIC at %llx cannot be mapped", base & APIC_BASE_ADDRESS_MASK);
}

void lapic_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    if (x2apic && !(base & APIC_BASE_X2APIC))
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
    uint32_t id = lapic_read(LAPIC_ID);
    this_cpu()->apic_id = x2apic ? id : id >> XAPIC_ID_SHIFT;
    lapic_write(LAPIC_LVT_TIMER, LAPIC_LVT_MASKED);
    lapic_write(LAPIC_LVT_LINT0, LAPIC_LVT_MASKED); /* where the 8259 is wired to */
    lapic_write(LAPIC_LVT_ERROR, LAPIC_LVT_MASKED);
    lapic_write(LAPIC_TPR, 0);
    lapic_write(LAPIC_SVR, LAPIC_SVR_ENABLE | VECTOR_SPURIOUS);
}

void lapic_end_of_interrupt(void)
{
    lapic_write(LAPIC_EOI, 0);
}

void lapic_send(uint32_t apic_id, uint32_t command)
{
    if (x2apic) {
        /* Unlike a store, this WRMSR does not wait until earlier stores are visible. */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        wrmsr(MSR_X2APIC_FIRST + LAPIC_ICR_LOW / 16, (uint64_t)apic_id << 32 | command);
        return;
    }
    /* An interrupt handler must not come between the two halves. */
    uint64_t flags = interrupts_save();
    while (lapic_read(LAPIC_ICR_LOW) & LAPIC_ICR_PENDING)
        spin_wait();
    lapic_write(LAPIC_ICR_HIGH, apic_id << XAPIC_ID_SHIFT);
    lapic_write(LAPIC_ICR_LOW, command);
    interrupts_restore(flags);
}

void lapic_send_interrupt(uint32_t apic_id, uint8_t vector)
{
    lapic_send(apic_id, LAPIC_ICR_DELIVERY_FIXED | LAPIC_ICR_ASSERT | vector);
}

void lapic_send_nmi(uint32_t apic_id)
{
    lapic_send(apic_id, LAPIC_ICR_DELIVERY_NMI | LAPIC_ICR_ASSERT);
}

void lapic_send_nmi_to_others(void)
{
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (cpus[i] != this_cpu())
            lapic_send_nmi(cpus[i]->apic_id);
    }
}
