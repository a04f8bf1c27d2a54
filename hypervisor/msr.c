/* MSRs that the root partition may not have as it likes: those that could undo its confinement, and
 * the synthetic ones. All others are the processor's own, without an exit. */
#include "hypervisor/msr.h"

#include "hypervisor/child_msr.h"
#include "hypervisor/exit.h"
#include "hypervisor/hw.h"
#include "hypervisor/hypercall_page.h"
#include "hypervisor/reftime.h"
#include "hypervisor/vp_event.h"
#include "hypervisor/x86/apic.h"
#include "hypervisor/x86/tables.h"
#include "include/hv/msr.h"

enum msr_rule {
    MSR_KEEP,   /* reads pass; only the present value may be written */
    MSR_LOCKED, /* reads pass; writes give #GP */
    MSR_HIDDEN, /* as if it did not exist */
    MSR_APIC,   /* IA32_APIC_BASE: see write_apic_base() */
    MSR_SHOWN,  /* TSC_AUX: any value; children see it by RDTSCP unless they have their own */
};

struct msr_range {
    uint32_t first, last;
    enum msr_rule rule;
};

/* Intel SDM vol. 4; AMD APM vol. 2, appendix A. */
static const struct msr_range protected_msrs[] = {
    {0x00000010, 0x00000010, MSR_LOCKED}, /* TSC: our time */
    {0x0000001b, 0x0000001b, MSR_APIC},
    {0x0000003a, 0x0000003a, MSR_KEEP},   /* IA32_FEATURE_CONTROL */
    {0x0000003b, 0x0000003b, MSR_KEEP},   /* IA32_TSC_ADJUST */
    {0x00000079, 0x00000079, MSR_LOCKED}, /* microcode update */
    {0x0000009b, 0x0000009b, MSR_HIDDEN}, /* IA32_SMM_MONITOR_CTL */
    {0x000001a0, 0x000001a0, MSR_KEEP},   /* IA32_MISC_ENABLE: could turn NX off */
    {0x00000200, 0x0000021f, MSR_KEEP},   /* MTRRs, variable: more than eight on some */
    {0x00000250, 0x0000026f, MSR_KEEP},   /* MTRRs, fixed */
    {0x000002ff, 0x000002ff, MSR_KEEP},   /* MTRR default type */
    {0x000003f1, 0x000003f1, MSR_LOCKED}, /* PEBS: writes to linear addresses, ours as well */
    {0x00000480, 0x00000493, MSR_HIDDEN}, /* VMX capabilities */
    {0x00000560, 0x0000058f, MSR_LOCKED}, /* processor trace: writes to physical addresses */
    {0x00000600, 0x00000600, MSR_LOCKED}, /* debug store */
    {0x00000982, 0x00000982, MSR_KEEP},   /* memory encryption: keys in physical addresses */
    {0xc0000103, 0xc0000103, MSR_SHOWN},  /* TSC_AUX */
    {0xc0010010, 0xc0010010, MSR_KEEP},   /* SYSCFG */
    {0xc0010015, 0xc001001a, MSR_KEEP},   /* HWCR, IORRs, TOP_MEM */
    {0xc001001d, 0xc001001d, MSR_KEEP},   /* TOP_MEM2 */
    {0xc0010020, 0xc0010020, MSR_LOCKED}, /* microcode update */
    {0xc0010058, 0xc0010058, MSR_KEEP},   /* PCI configuration space, over any memory */
    {0xc0010111, 0xc0010113, MSR_KEEP},   /* SMM base and protection */
    {0xc0010114, 0xc0010114, MSR_KEEP},   /* VM_CR */
    {0xc0010115, 0xc0010118, MSR_HIDDEN}, /* IGNNE, SMM_CTL, VM_HSAVE_PA, SVM key */
    {0xc0010132, 0xc0010133, MSR_KEEP},   /* reverse map table of SEV-SNP */
    {0xc0011002, 0xc0011005, MSR_KEEP},   /* what CPUID says, to us as well */
};

#define RANGE_COUNT (sizeof(protected_msrs) / sizeof(protected_msrs[0]))

static const struct msr_range *find_range(uint32_t msr)
{
    for (size_t i = 0; i < RANGE_COUNT; i++)
        if (msr >= protected_msrs[i].first && msr <= protected_msrs[i].last)
            return &protected_msrs[i];
    return NULL;
}

void msr_protect(struct partition *partition)
{
    for (size_t i = 0; i < RANGE_COUNT; i++)
        for (uint32_t msr = protected_msrs[i].first; msr <= protected_msrs[i].last; msr++)
            hw->intercept_msr(partition, msr, protected_msrs[i].rule == MSR_HIDDEN, true);
}

static bool is_synthetic(uint32_t msr)
{
    return msr >= HV_X64_MSR_FIRST && msr <= HV_X64_MSR_LAST;
}

/* The root has the SynIC but no synthetic timers: it owns the real ones. */
static bool is_synic(uint32_t msr)
{
    return msr >= HV_X64_MSR_SCONTROL && msr <= HV_X64_MSR_SINT15;
}

static bool read_synthetic(struct vp *vp, uint32_t msr, uint64_t *value)
{
    struct partition *partition = vp->partition;

    if (is_synic(msr))
        return synic_read_msr(vp, msr, value);
    switch (msr) {
    case HV_X64_MSR_GUEST_OS_ID:
        *value = partition->guest_os_id;
        return true;
    case HV_X64_MSR_HYPERCALL:
        *value = partition->hypercall_msr;
        return true;
    case HV_X64_MSR_VP_INDEX:
        *value = vp->index;
        return true;
    case HV_X64_MSR_TIME_REF_COUNT:
        *value = reftime_from_tsc(partition_tsc(partition));
        return true;
    case HV_X64_MSR_TSC_FREQUENCY:
        *value = reftime_tsc_frequency();
        return true;
    case HV_X64_MSR_APIC_FREQUENCY:
        *value = reftime_apic_frequency();
        return true;
    default:
        return false;
    }
}

/* The others are read-only or do not exist. */
static bool write_synthetic(struct vp *vp, uint32_t msr, uint64_t value)
{
    if (is_synic(msr))
        return synic_write_msr(vp, msr, value);
    switch (msr) {
    case HV_X64_MSR_GUEST_OS_ID:
        hypercall_page_set_guest_os_id(vp->partition, value);
        return true;
    case HV_X64_MSR_HYPERCALL:
        return hypercall_page_set(vp->partition, value);
    default:
        return false;
    }
}

/* The root may switch its LAPIC from xAPIC to x2APIC mode, and nothing else: not move it onto other
 * memory, and not turn it off, since NMIs reach the LP by it (Intel SDM vol. 3, 10.12.5 lists the
 * transitions). */
static bool write_apic_base(uint64_t value)
{
    struct lp *lp = this_lp();
    uint64_t present = rdmsr(MSR_APIC_BASE);

    if (value == present)
        return true;
    if (value != (present | APIC_BASE_X2APIC) || (cpuid(1, 0).ecx & (1u << 21)) == 0)
        return false;
    wrmsr(MSR_APIC_BASE, value);
    lp->x2apic = true;
    return true;
}

static bool write_tsc_aux(uint64_t value)
{
    if (value > UINT32_MAX || !msr_has_tsc_aux())
        return false;
    if (value != 0)
        vp_hide_root_tsc_aux();
    wrmsr(MSR_TSC_AUX, value);
    return true;
}

static bool write_protected(uint32_t msr, uint64_t value)
{
    const struct msr_range *range = find_range(msr);
    uint64_t present;

    if (range == NULL)
        return false;
    switch (range->rule) {
    case MSR_KEEP:
        return rdmsr_try(msr, &present) && value == present;
    case MSR_APIC:
        return write_apic_base(value);
    case MSR_SHOWN:
        return write_tsc_aux(value);
    default:
        return false;
    }
}

/* Reads that exit although they may pass: of numbers outside the hardware's bitmap (AMD's on an
 * Intel processor, where an emulator may have them). Others that exit are hidden or do not exist.
 */
static bool read_protected(uint32_t msr, uint64_t *value)
{
    const struct msr_range *range = find_range(msr);

    return range != NULL && range->rule != MSR_HIDDEN && rdmsr_try(msr, value);
}

enum exit_action exit_rdmsr(struct vp *vp)
{
    uint32_t msr = (uint32_t)vp->gpr[GPR_RCX];
    uint64_t value;
    bool read;

    EXIT_COUNT(vp, msr);
    if (!partition_is_root(vp->partition))
        return child_rdmsr(vp, msr);
    if (is_synthetic(msr))
        read = read_synthetic(vp, msr, &value);
    else
        read = read_protected(msr, &value);
    if (!read)
        return EXIT_GP;
    vp->gpr[GPR_RAX] = (uint32_t)value;
    vp->gpr[GPR_RDX] = value >> 32;
    return EXIT_SKIP;
}

enum exit_action exit_wrmsr(struct vp *vp)
{
    uint32_t msr = (uint32_t)vp->gpr[GPR_RCX];
    uint64_t value = vp->gpr[GPR_RDX] << 32 | (uint32_t)vp->gpr[GPR_RAX];
    bool written;

    EXIT_COUNT(vp, msr);
    if (!partition_is_root(vp->partition))
        return child_wrmsr(vp, msr, value);
    if (is_synthetic(msr))
        written = write_synthetic(vp, msr, value);
    else
        written = write_protected(msr, value);
    return written ? EXIT_SKIP : EXIT_GP;
}
