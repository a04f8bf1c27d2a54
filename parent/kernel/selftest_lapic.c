/* Self test "lapic": the local APIC stays on and where it is. */
#include "lib/x86/cpu.h"
#include "lib/x86/lapic.h"
#include "parent/kernel/fault.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/selftest.h"

static void run_lapic(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    uint64_t flags = base & ~APIC_BASE_ADDRESS_MASK;
    uint32_t id = lapic_read(LAPIC_ID);

    check_fault(try_wrmsr(MSR_APIC_BASE, base), FAULT_NONE, "writing the present APIC base");
    check_fault(try_wrmsr(MSR_APIC_BASE, flags | selftest_hypervisor_page()), X86_VECTOR_GP,
                "moving the local APIC onto hypervisor memory");
    check_fault(try_wrmsr(MSR_APIC_BASE, base + PAGE_SIZE), X86_VECTOR_GP, "moving the local APIC");
    check_fault(try_wrmsr(MSR_APIC_BASE, base & ~APIC_BASE_ENABLE), X86_VECTOR_GP,
                "disabling the local APIC");
    check_fault(try_wrmsr(MSR_APIC_BASE, base ^ APIC_BASE_BSP), X86_VECTOR_GP,
                "changing the BSP flag");
    check_fault(try_wrmsr(MSR_APIC_BASE, base | 1), X86_VECTOR_GP,
                "setting a reserved bit of the APIC base");
    check_equal(rdmsr(MSR_APIC_BASE), base, "APIC base");
    check_equal(lapic_read(LAPIC_ID), id, "local APIC id");
    check(lapic_read(LAPIC_SVR) & LAPIC_SVR_ENABLE, "the local APIC is off");
}

const struct selftest selftest_lapic = {"lapic", run_lapic, SELFTEST_EACH, false};
