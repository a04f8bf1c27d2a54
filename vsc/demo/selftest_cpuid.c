/* Tests of CPUID and of MSRs. */
#include "vsc/demo/selftest.h"

#include "include/hv/cpuid.h"
#include "include/hv/msr.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/fault.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/smp.h"
#include "vsc/demo/vp.h"

#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_1_ECX_OSXSAVE (1u << 27)
#define CPUID_80000001_ECX_SVM (1u << 2)
#define XAPIC_ID_SHIFT 24

#define MSR_UNKNOWN 0x12345u
#define MSR_MTRR_CAP 0xfeu
#define MSR_MTRR_DEFAULT_TYPE 0x2ffu
#define MSR_SYSENTER_CS 0x174u
#define MSR_SYSENTER_ESP 0x175u
#define PAT_BAD_TYPE 2ull

#define MIN_HZ 1000000ull
#define MAX_HZ 100000000000ull

void test_cpuid(void)
{
    struct cpuid_result r = cpuid(HV_CPUID_VENDOR_AND_MAX_FUNCTIONS, 0);
    uint32_t needed = HV_ACCESS_PARTITION_REFERENCE_COUNTER | HV_ACCESS_SYNIC |
                      HV_ACCESS_SYNTHETIC_TIMERS | HV_ACCESS_HYPERCALL_MSRS | HV_ACCESS_VP_INDEX |
                      HV_ACCESS_PARTITION_REFERENCE_TSC | HV_ACCESS_FREQUENCY_MSRS;

    check(r.eax >= HV_CPUID_IMPLEMENT_LIMITS && r.eax <= HV_CPUID_RANGE_LAST,
          "the last leaf is 0x%x", r.eax);
    check(r.ebx == HV_CPUID_VENDOR_EBX && r.ecx == HV_CPUID_VENDOR_ECX &&
              r.edx == HV_CPUID_VENDOR_EDX,
          "the vendor is %x %x %x", r.ebx, r.ecx, r.edx);
    check_equal(cpuid(HV_CPUID_INTERFACE, 0).eax, HV_CPUID_INTERFACE_SIGNATURE, "the interface");
    r = cpuid(HV_CPUID_FEATURES, 0);
    check_equal(r.eax & needed, needed, "privileges, EAX,");
    check_equal(r.ebx & (HV_POST_MESSAGES | HV_SIGNAL_EVENTS), HV_POST_MESSAGES | HV_SIGNAL_EVENTS,
                "privileges, EBX,");
    check_equal(r.ebx & (HV_CREATE_PARTITIONS | HV_CPU_MANAGEMENT), 0, "a child's privileges");
    check(cpuid(HV_CPUID_IMPLEMENT_LIMITS, 0).eax >= selftest_vp_count, "too few VPs are possible");

    r = cpuid(1, 0);
    check(r.ecx & CPUID_1_ECX_HYPERVISOR, "the hypervisor bit is clear");
    check(!(r.ecx & CPUID_1_ECX_VMX), "VMX is there");
    check(!(cpuid(0x80000001, 0).ecx & CPUID_80000001_ECX_SVM), "SVM is there");
    check_equal(r.ebx >> XAPIC_ID_SHIFT, vp_self()->apic_id, "the APIC id in CPUID");
    check_equal(!!(r.ecx & CPUID_1_ECX_OSXSAVE), !!(read_cr4() & CR4_OSXSAVE), "OSXSAVE");
}

/* @msr keeps what is written, and gets back what it had. */
static void check_kept(uint32_t msr, uint64_t value, const char *what)
{
    uint64_t before = 0, after = 0;

    if (!check_fault(rdmsr_try(msr, &before), FAULT_NONE, what))
        return;
    check_fault(wrmsr_try(msr, value), FAULT_NONE, what);
    cpuid(0, 0);
    rdmsr_try(msr, &after);
    wrmsr_try(msr, before);
    check_equal(after, value, what);
}

static void check_apic_base(void *argument)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    (void)argument;
    check(base & APIC_BASE_ENABLE, "the APIC is off in its base");
    check_equal(!!(base & APIC_BASE_BSP), vp_self()->index == 0, "the BSP bit");
    check_equal(base & APIC_BASE_ADDRESS_MASK, 0xfee00000, "the APIC's address");
}

void test_msr(void)
{
    uint64_t value;

    check_apic_base(NULL);
    for (uint32_t i = 1; i < smp_count(); i++)
        check(smp_call(i, check_apic_base, NULL), "VP %u does not answer", i);

    check_kept(MSR_PAT, PAT_RESET_VALUE ^ 0x01ull << 56, "PAT");
    check_fault(wrmsr_try(MSR_PAT, PAT_BAD_TYPE), X86_VECTOR_GP, "a bad type in PAT");
    check_kept(MSR_STAR, 0x0013000800000000, "STAR");
    check_kept(MSR_LSTAR, 0x123456, "LSTAR");
    check_kept(MSR_CSTAR, 0x234567, "CSTAR");
    check_kept(MSR_SFMASK, 0x700, "SFMASK");
    check_kept(MSR_KERNEL_GS_BASE, 0x345678, "KERNEL_GS_BASE");
    check_kept(MSR_FS_BASE, 0x456789, "FS_BASE");
    check_kept(MSR_SYSENTER_CS, 8, "SYSENTER_CS");
    check_kept(MSR_SYSENTER_ESP, 0x1234, "SYSENTER_ESP");
    check_fault(rdmsr_try(MSR_MTRR_CAP, &value), FAULT_NONE, "MTRR_CAP");
    check_fault(rdmsr_try(MSR_MTRR_DEFAULT_TYPE, &value), FAULT_NONE, "MTRR_DEF_TYPE");
    check_fault(wrmsr_try(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_LME), X86_VECTOR_GP,
                "EFER.LME off in long mode");
}

static void check_vp_index(void *argument)
{
    (void)argument;
    check_equal(rdmsr(HV_X64_MSR_VP_INDEX), vp_self()->index, "the VP index");
}

void test_synthetic_msr(void)
{
    uint64_t value, hypercall = rdmsr(HV_X64_MSR_HYPERCALL);

    check_equal(rdmsr(HV_X64_MSR_GUEST_OS_ID), hyperv_guest_os_id(), "the guest OS id");
    check(hypercall & HV_X64_MSR_HYPERCALL_ENABLE, "the hypercall page is not enabled");
    check_fault(wrmsr_try(HV_X64_MSR_HYPERCALL, hypercall | HV_X64_MSR_HYPERCALL_RESERVED),
                X86_VECTOR_GP, "a reserved bit of HYPERCALL");
    check_equal(rdmsr(HV_X64_MSR_HYPERCALL), hypercall, "HYPERCALL after that");
    check_vp_index(NULL);
    for (uint32_t i = 1; i < smp_count(); i++)
        check(smp_call(i, check_vp_index, NULL), "VP %u does not answer", i);
    check_fault(wrmsr_try(HV_X64_MSR_VP_INDEX, 0), X86_VECTOR_GP, "a write to VP_INDEX");
    check_fault(wrmsr_try(HV_X64_MSR_TIME_REF_COUNT, 0), X86_VECTOR_GP,
                "a write to TIME_REF_COUNT");
    check_fault(rdmsr_try(HV_X64_MSR_LAST, &value), X86_VECTOR_GP, "an unknown synthetic MSR");
    check_fault(rdmsr_try(MSR_UNKNOWN, &value), X86_VECTOR_GP, "an unknown MSR");
    check_fault(wrmsr_try(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME), X86_VECTOR_GP, "EFER.SVME");

    value = rdmsr(HV_X64_MSR_TSC_FREQUENCY);
    check(value > MIN_HZ && value < MAX_HZ, "the TSC has %llu Hz", (unsigned long long)value);
    value = rdmsr(HV_X64_MSR_APIC_FREQUENCY);
    check(value > MIN_HZ && value < MAX_HZ, "the APIC has %llu Hz", (unsigned long long)value);
}
