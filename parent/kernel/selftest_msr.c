/* Self test "msr": model-specific registers that protect the hypervisor, and the synthetic ones. */
#include <stddef.h>

#include "include/hv/msr.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/fault.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/mm/pages.h"
#include "parent/kernel/selftest.h"

enum rule {
    KEEP,   /* only the present value may be written; the register need not exist */
    LOCKED, /* writes fault */
    HIDDEN, /* reads and writes fault */
};

struct protected_msr {
    const char *name;
    uint32_t number;
    enum rule rule;
};

/* Intel SDM vol. 4; AMD APM vol. 2, appendix A. */
static const struct protected_msr protected_msrs[] = {
    {"TSC", MSR_TSC, LOCKED},
    {"IA32_FEATURE_CONTROL", MSR_FEATURE_CONTROL, KEEP},
    {"IA32_TSC_ADJUST", MSR_TSC_ADJUST, KEEP},
    {"IA32_BIOS_UPDT_TRIG", 0x79, LOCKED},
    {"IA32_SMM_MONITOR_CTL", 0x9b, HIDDEN},
    {"MTRR base 0", 0x200, KEEP},
    {"MTRR mask 7", 0x20f, KEEP},
    {"MTRR base 9", 0x212, KEEP},
    {"MTRR fixed 64K", 0x250, KEEP},
    {"MTRR fixed 4K", 0x26f, KEEP},
    {"MTRR default type", 0x2ff, KEEP},
    {"IA32_VMX_BASIC", 0x480, HIDDEN},
    {"IA32_VMX_PROCBASED_CTLS", 0x482, HIDDEN},
    {"IA32_VMX_EPT_VPID_CAP", 0x48c, HIDDEN},
    {"IA32_VMX_VMFUNC", 0x491, HIDDEN},
    {"IA32_VMX_EXIT_CTLS2", 0x493, HIDDEN},
    {"SYSCFG", 0xc0010010, KEEP},
    {"TOP_MEM", 0xc001001a, KEEP},
    {"PATCH_LOADER", 0xc0010020, LOCKED},
    {"MMIO configuration base", 0xc0010058, KEEP},
    {"CPUID feature overrides", 0xc0011004, KEEP},
    {"VM_CR", 0xc0010114, KEEP},
    {"VM_HSAVE_PA", 0xc0010117, HIDDEN},
    {"SVM_KEY", 0xc0010118, HIDDEN},
    {"a synthetic MSR without meaning", 0x40000003, HIDDEN},
    {"the last synthetic MSR", HV_X64_MSR_LAST, HIDDEN},
    {"an MSR above the synthetic ones", HV_X64_MSR_LAST + 1, HIDDEN},
    {"an MSR outside the hardware's bitmap", 0x2000, HIDDEN},
    {"an MSR outside the hardware's bitmap", 0x80000000, HIDDEN},
    {"an MSR outside the hardware's bitmap", 0xc0002000, HIDDEN},
    {"the last MSR number", 0xffffffff, HIDDEN},
    {"HV_X64_MSR_VP_INDEX", HV_X64_MSR_VP_INDEX, LOCKED},
    {"HV_X64_MSR_TIME_REF_COUNT", HV_X64_MSR_TIME_REF_COUNT, LOCKED},
    {"HV_X64_MSR_TSC_FREQUENCY", HV_X64_MSR_TSC_FREQUENCY, LOCKED},
    {"HV_X64_MSR_APIC_FREQUENCY", HV_X64_MSR_APIC_FREQUENCY, LOCKED},
};

static void check_kept(const struct protected_msr *msr)
{
    uint64_t value = 0, after = 0;
    bool exists = try_rdmsr(msr->number, &value) == FAULT_NONE;
    check_fault(try_wrmsr(msr->number, value), exists ? FAULT_NONE : X86_VECTOR_GP, msr->name);
    check_fault(try_wrmsr(msr->number, value ^ 1), X86_VECTOR_GP, msr->name);
    check_fault(try_wrmsr(msr->number, ~value), X86_VECTOR_GP, msr->name);
    try_rdmsr(msr->number, &after);
    check_equal(after, value, msr->name);
}

static void check_protected(void)
{
    for (size_t i = 0; i < sizeof(protected_msrs) / sizeof(protected_msrs[0]); i++) {
        const struct protected_msr *msr = &protected_msrs[i];
        uint64_t value = 0;
        if (msr->rule == KEEP) {
            check_kept(msr);
            continue;
        }
        if (msr->rule == HIDDEN)
            check_fault(try_rdmsr(msr->number, &value), X86_VECTOR_GP, msr->name);
        check_fault(try_wrmsr(msr->number, 0), X86_VECTOR_GP, msr->name);
        check_fault(try_wrmsr(msr->number, UINT64_MAX), X86_VECTOR_GP, msr->name);
    }
}

static void check_efer(void)
{
    uint64_t efer = rdmsr(MSR_EFER);
    check(!(efer & EFER_SVME), "EFER.SVME is visible");
    check_fault(try_wrmsr(MSR_EFER, efer | EFER_SVME), X86_VECTOR_GP, "setting EFER.SVME");
    check_fault(try_wrmsr(MSR_EFER, efer | 1ull << 63), X86_VECTOR_GP,
                "setting a reserved bit of EFER");
    check_fault(try_wrmsr(MSR_EFER, efer & ~EFER_LME), X86_VECTOR_GP,
                "clearing EFER.LME with paging on");
    check_fault(try_wrmsr(MSR_EFER, efer), FAULT_NONE, "writing the present EFER");
    check_fault(try_wrmsr(MSR_EFER, efer ^ EFER_SCE), FAULT_NONE, "changing EFER.SCE");
    check_equal(rdmsr(MSR_EFER), efer ^ EFER_SCE, "EFER");
    wrmsr(MSR_EFER, efer);
}

/* Values of the hypercall MSR that give #GP and change nothing. */
static void check_refused_pages(uint64_t present)
{
    for (unsigned bit = 2; bit < PAGE_SHIFT; bit++)
        check_fault(try_wrmsr(HV_X64_MSR_HYPERCALL, present | 1ull << bit), X86_VECTOR_GP,
                    "a reserved bit of the hypercall MSR");
    check_fault(
        try_wrmsr(HV_X64_MSR_HYPERCALL, selftest_hypervisor_page() | HV_X64_MSR_HYPERCALL_ENABLE),
        X86_VECTOR_GP, "a hypercall page in hypervisor memory");
    check_fault(try_wrmsr(HV_X64_MSR_HYPERCALL, 1ull << 51 | HV_X64_MSR_HYPERCALL_ENABLE),
                X86_VECTOR_GP, "a hypercall page beyond memory");
    check_fault(try_wrmsr(HV_X64_MSR_HYPERCALL,
                          HV_X64_MSR_HYPERCALL_PAGE_MASK | HV_X64_MSR_HYPERCALL_ENABLE),
                X86_VECTOR_GP, "a hypercall page at the last address");
    check_fault(try_wrmsr(HV_X64_MSR_HYPERCALL, (rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDRESS_MASK) |
                                                    HV_X64_MSR_HYPERCALL_ENABLE),
                X86_VECTOR_GP, "a hypercall page on a device");
    check_equal(rdmsr(HV_X64_MSR_HYPERCALL), present, "the hypercall MSR");
}

/* The hypercall page is an overlay: what it hides comes back unchanged. */
static void check_overlay(uint64_t present)
{
    uint64_t address = page_allocate_zeroed();
    volatile uint8_t *page = direct_map(address);
    const volatile uint8_t *original = hypercall_page; /* changes behind the compiler's back */
    uint8_t code = original[0];

    page[0] = 0x5a;
    wrmsr(HV_X64_MSR_HYPERCALL, address | HV_X64_MSR_HYPERCALL_ENABLE);
    check_equal(page[0], code, "first byte of the moved hypercall page");
    check_equal(original[0], 0xcc, "first byte where the hypercall page was");
    check_fault(try_write8((uint64_t)page, 0), X86_VECTOR_GP, "writing to the hypercall page");
    wrmsr(HV_X64_MSR_HYPERCALL, present);
    check_equal(page[0], 0x5a, "what the hypercall page had hidden");
    check_equal(original[0], code, "first byte of the hypercall page moved back");
    pages_free(address, 1);
}

static void call_hypervisor(void *argument)
{
    *(uint64_t *)argument = hyperv_call_instruction(HV_HYPERCALL_CODE_MASK);
}

/* Without guest OS ID there are no hypercalls. */
static void check_guest_os_id(uint64_t present)
{
    uint64_t result = 0;
    check_equal(rdmsr(HV_X64_MSR_GUEST_OS_ID), hyperv_guest_os_id(), "guest OS ID");
    wrmsr(HV_X64_MSR_GUEST_OS_ID, 0);
    check(!(rdmsr(HV_X64_MSR_HYPERCALL) & HV_X64_MSR_HYPERCALL_ENABLE),
          "the hypercall page is still enabled without guest OS ID");
    check_fault(fault_try(call_hypervisor, &result, NULL), X86_VECTOR_UD,
                "a hypercall without guest OS ID");
    wrmsr(HV_X64_MSR_HYPERCALL, present);
    check(!(rdmsr(HV_X64_MSR_HYPERCALL) & HV_X64_MSR_HYPERCALL_ENABLE),
          "the hypercall page can be enabled without guest OS ID");
    wrmsr(HV_X64_MSR_GUEST_OS_ID, hyperv_guest_os_id());
    wrmsr(HV_X64_MSR_HYPERCALL, present);
    check_fault(fault_try(call_hypervisor, &result, NULL), FAULT_NONE,
                "a hypercall with guest OS ID");
    check_equal(result, HV_STATUS_INVALID_HYPERCALL_CODE, "status of an unknown hypercall");
}

static void check_lock(uint64_t present)
{
    wrmsr(HV_X64_MSR_HYPERCALL, present | HV_X64_MSR_HYPERCALL_LOCKED);
    check_fault(try_wrmsr(HV_X64_MSR_HYPERCALL, 0), X86_VECTOR_GP,
                "writing the locked hypercall MSR");
    check_fault(try_wrmsr(HV_X64_MSR_HYPERCALL, present), X86_VECTOR_GP,
                "unlocking the hypercall MSR");
    check_equal(rdmsr(HV_X64_MSR_HYPERCALL), present | HV_X64_MSR_HYPERCALL_LOCKED,
                "the locked hypercall MSR");
}

static void run(void)
{
    check_protected();
    check_efer();
    /* The rest is the whole partition's, and the lock is for ever. */
    uint64_t present = rdmsr(HV_X64_MSR_HYPERCALL);
    if (this_cpu()->index + 1 == cpu_count && !(present & HV_X64_MSR_HYPERCALL_LOCKED)) {
        check_refused_pages(present);
        check_overlay(present);
        check_guest_os_id(present);
        check_lock(present);
    }
}

const struct selftest selftest_msr = {"msr", run, SELFTEST_EACH, false};
