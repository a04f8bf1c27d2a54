#include "vsc/demo/lapic.h"

#include "lib/x86/cpu.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/vp.h"

#define CPUID_1_ECX_X2APIC (1u << 21)
#define XAPIC_PAGE 0xfee00000ull
#define XAPIC_ID_SHIFT 24

static bool x2apic;

void lapic_choose(bool xapic_wanted)
{
    x2apic = !xapic_wanted && (cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC);
}

bool lapic_is_x2apic(void)
{
    return x2apic;
}

/* Each access is one MOV of 32 bits, which the hypervisor has to understand. */
static volatile uint32_t *xapic_register(uint32_t offset)
{
    return (volatile uint32_t *)(XAPIC_PAGE + offset);
}

static uint32_t x2apic_msr(uint32_t offset)
{
    return MSR_X2APIC_FIRST + offset / 16;
}

uint32_t lapic_read(uint32_t offset)
{
    return x2apic ? (uint32_t)rdmsr(x2apic_msr(offset)) : *xapic_register(offset);
}

void lapic_write(uint32_t offset, uint32_t value)
{
    if (x2apic)
        wrmsr(x2apic_msr(offset), value);
    else
        *xapic_register(offset) = value;
}

uint32_t lapic_id(void)
{
    uint32_t id = lapic_read(LAPIC_ID);

    return x2apic ? id : id >> XAPIC_ID_SHIFT;
}

void lapic_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | (x2apic ? APIC_BASE_X2APIC : 0));
    lapic_write(LAPIC_TPR, 0);
    lapic_write(LAPIC_SVR, LAPIC_SVR_ENABLE | VECTOR_SPURIOUS);
    lapic_write(LAPIC_LVT_ERROR, VECTOR_ERROR); /* while it is off, all stay masked */
}

void lapic_eoi(void)
{
    lapic_write(LAPIC_EOI, 0);
}

void lapic_send(uint32_t destination, uint32_t low)
{
    if (x2apic) {
        /* No wait for what was stored before: WRMSR to x2APIC registers does not serialise. */
        __asm__ volatile("mfence" ::: "memory");
        wrmsr(x2apic_msr(LAPIC_ICR_LOW), (uint64_t)destination << 32 | low);
        return;
    }
    uint64_t flags = interrupts_save();

    *xapic_register(LAPIC_ICR_HIGH) = destination << XAPIC_ID_SHIFT;
    *xapic_register(LAPIC_ICR_LOW) = low;
    while (*xapic_register(LAPIC_ICR_LOW) & LAPIC_ICR_PENDING)
        cpu_pause();
    interrupts_restore(flags);
}

void lapic_send_self(uint8_t vector)
{
    if (x2apic)
        lapic_write(LAPIC_SELF_IPI, vector);
    else
        lapic_send(0, LAPIC_ICR_SHORTHAND_SELF | LAPIC_ICR_ASSERT | vector);
}

void lapic_send_vp(uint32_t vp_index, uint8_t vector)
{
    lapic_send(vps[vp_index].apic_id, LAPIC_ICR_ASSERT | vector);
}

bool lapic_bit(uint32_t offset, uint8_t vector)
{
    return lapic_read(offset + vector / 32 * 16) >> vector % 32 & 1;
}

uint64_t read_cr8(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr8, %0" : "=r"(value));
    return value;
}

void write_cr8(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr8" ::"r"(value) : "memory");
}
