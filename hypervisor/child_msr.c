/* MSRs of children. All but a few exit (hw->children_init()), and none reaches the machine's. */
#include "hypervisor/child_msr.h"

#include "hypervisor/atomic.h"
#include "hypervisor/console.h"
#include "hypervisor/dispatch.h"
#include "hypervisor/hw.h"
#include "hypervisor/hypercall_page.h"
#include "hypervisor/intercept.h"
#include "hypervisor/msr.h"
#include "hypervisor/reftime.h"
#include "include/hv/cpuid.h"
#include "include/hv/msr.h"
#include "include/hv/parent.h"

#define MSR_X2APIC_COUNT 0x100u
#define MSR_MTRR_DEFAULT_TYPE 0x2ffu
#define IGNORED_MSR_REPORTS 16u

/* MTRRs on, those of fixed ranges off, write-back: what firmware would leave to a guest that has
 * none. struct vp.mtrr_default_type is kept as the difference from it, so 0 after a reset. */
#define MTRR_DEFAULT_TYPE_RESET 0x806ull
#define MTRR_DEFAULT_TYPE_VALID 0xcffull

#define REPEAT_BYTE(byte) ((byte)*0x0101010101010101ull)

/* HV_X64_MSR_REFERENCE_TSC's page (TLFS 12.7). */
struct reference_tsc_page {
    uint32_t sequence, reserved;
    uint64_t scale, offset;
};

enum answer {
    ANSWER_DONE,
    ANSWER_FAULT,
    ANSWER_PARENT,  /* is to be asked */
    ANSWER_UNKNOWN, /* no such MSR */
};

static enum answer done_if(bool done)
{
    return done ? ANSWER_DONE : ANSWER_FAULT;
}

static bool give(uint64_t *result, uint64_t value)
{
    *result = value;
    return true;
}

/* --- MSRs without effect --- */

struct constant_msr {
    uint32_t first, last;
    uint64_t value;
    bool writable; /* writes are ignored; else they give #GP */
};

/* Intel SDM vol. 4; AMD APM vol. 2, appendix A. What is not here gives #GP: MPERF and APERF,
 * SPEC_CTRL and PRED_CMD, performance counters, machine check banks (there are none), VMX. */
static const struct constant_msr constants[] = {
    {0x00000000, 0x00000001, 0, true},              /* Pentium's machine check */
    {0x00000017, 0x00000017, 0, false},             /* PLATFORM_ID */
    {0x0000002a, 0x0000002a, 0, true},              /* EBL_CR_POWERON */
    {0x0000003a, 0x0000003a, 1, false},             /* FEATURE_CONTROL: locked, no VMX */
    {0x00000079, 0x00000079, 0, true},              /* microcode update */
    {0x0000008b, 0x0000008b, 1ull << 32, true},     /* its revision */
    {0x000000ce, 0x000000ce, 0, false},             /* PLATFORM_INFO */
    {0x000000fe, 0x000000fe, 0x508, false},         /* MTRRCAP: WC, fixed, 8 variable */
    {0x0000011e, 0x0000011e, 0, true},              /* BBL_CR_CTL3 */
    {0x00000179, 0x00000179, 0, false},             /* MCG_CAP: no banks */
    {0x0000017a, 0x0000017a, 0, true},              /* MCG_STATUS */
    {0x000001a0, 0x000001a0, 0x1801, true},         /* MISC_ENABLE: no BTS, no PEBS */
    {0x000001d9, 0x000001d9, 0, true},              /* DEBUGCTL */
    {0x000001db, 0x000001de, 0, false},             /* last branch, last exception */
    {0x00000200, 0x0000020f, 0, true},              /* variable MTRRs: off */
    {0x00000250, 0x00000250, REPEAT_BYTE(6), true}, /* fixed MTRRs: write-back */
    {0x00000258, 0x00000259, REPEAT_BYTE(6), true}, /* likewise */
    {0x00000268, 0x0000026f, REPEAT_BYTE(6), true}, /* likewise */
    {0xc0010010, 0xc0010010, 0, true},              /* SYSCFG */
    {0xc0010015, 0xc0010015, 1 << 24, true},        /* HWCR: TSC at full speed */
    {0xc0010016, 0xc001001a, 0, true},              /* IORRs, TOP_MEM */
    {0xc001001d, 0xc001001d, 0, true},              /* TOP_MEM2 */
    {0xc001001f, 0xc0010020, 0, true},              /* NB_CFG, microcode update */
    {0xc0010055, 0xc0010055, 0, true},              /* interrupt pending */
    {0xc0010058, 0xc0010058, 0, true},              /* PCI configuration space */
    {0xc0010114, 0xc0010114, 0x18, false},          /* VM_CR: SVM off, locked */
    {0xc0011020, 0xc0011023, 0, true},              /* LS_CFG to BU_CFG */
    {0xc0011029, 0xc001102a, 0, true},              /* DE_CFG, BU_CFG2 */
};

static const struct constant_msr *find_constant(uint32_t msr)
{
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
        if (msr >= constants[i].first && msr <= constants[i].last)
            return &constants[i];
    return NULL;
}

/* --- The architecture's --- */

static bool write_mtrr_default_type(struct vp *vp, uint64_t value)
{
    uint64_t type = value & 0xff;

    if (value & ~MTRR_DEFAULT_TYPE_VALID || type > 6 || type == 2 || type == 3)
        return false;
    vp->mtrr_default_type = value ^ MTRR_DEFAULT_TYPE_RESET;
    return true;
}

static uint64_t read_pat(const struct vp *vp)
{
    struct vp_registers registers;

    hw->get_registers(vp, &registers);
    return registers.pat;
}

/* Types 0, 1, 4 to 7 (Intel SDM vol. 3, table 11-10). */
static bool write_pat(struct vp *vp, uint64_t value)
{
    struct vp_registers registers;

    if (value & REPEAT_BYTE(0xf8) || value >> 1 & ~(value >> 2) & REPEAT_BYTE(1))
        return false;
    hw->get_registers(vp, &registers);
    registers.pat = value;
    hw->set_registers(vp, &registers);
    return true;
}

/* A deadline is in ticks that the guest sees. */
static enum answer set_tsc_adjust(struct vp *vp, uint64_t value)
{
    vp->tsc_adjust = value;
    vp_update_controls(vp);
    lapic_write_tsc_deadline(vp, lapic_read_tsc_deadline(vp));
    return ANSWER_DONE;
}

static bool write_tsc_aux(struct vp *vp, uint64_t value)
{
    if (!msr_has_tsc_aux() || value > UINT32_MAX)
        return false;
    vp_use_extra_state(vp, VP_EXTRA_TSC_AUX);
    vp->tsc_aux = value;
    wrmsr(MSR_TSC_AUX, value);
    return true;
}

/* --- Synthetic ones --- */

/* The privileges that they need; those that come often first. */
static const struct {
    uint32_t first, last;
    uint32_t privilege; /* 0: none */
} privileges[] = {
    {HV_X64_MSR_EOI, HV_X64_MSR_VP_ASSIST_PAGE, HV_ACCESS_APIC_MSRS},
    {HV_X64_MSR_STIMER0_CONFIG, HV_X64_MSR_STIMER3_COUNT, HV_ACCESS_SYNTHETIC_TIMERS},
    {HV_X64_MSR_SCONTROL, HV_X64_MSR_SINT15, HV_ACCESS_SYNIC},
    {HV_X64_MSR_TIME_REF_COUNT, HV_X64_MSR_TIME_REF_COUNT, HV_ACCESS_PARTITION_REFERENCE_COUNTER},
    {HV_X64_MSR_REFERENCE_TSC, HV_X64_MSR_REFERENCE_TSC, HV_ACCESS_PARTITION_REFERENCE_TSC},
    {HV_X64_MSR_GUEST_OS_ID, HV_X64_MSR_HYPERCALL, HV_ACCESS_HYPERCALL_MSRS},
    {HV_X64_MSR_VP_INDEX, HV_X64_MSR_VP_INDEX, HV_ACCESS_VP_INDEX},
    {HV_X64_MSR_GUEST_IDLE, HV_X64_MSR_GUEST_IDLE, HV_ACCESS_GUEST_IDLE_MSR},
    {HV_X64_MSR_RESET, HV_X64_MSR_RESET, HV_ACCESS_RESET_MSR},
    {HV_X64_MSR_VP_RUNTIME, HV_X64_MSR_VP_RUNTIME, HV_ACCESS_VP_RUN_TIME},
    {HV_X64_MSR_TSC_FREQUENCY, HV_X64_MSR_APIC_FREQUENCY, HV_ACCESS_FREQUENCY_MSRS},
    {HV_X64_MSR_TSC_INVARIANT_CONTROL, HV_X64_MSR_TSC_INVARIANT_CONTROL, HV_ACCESS_TSC_INVARIANT},
    {HV_X64_MSR_CRASH_P0, HV_X64_MSR_CRASH_CTL, 0},
};

static bool is_synthetic(const struct vp *vp, uint32_t msr)
{
    return msr >= HV_X64_MSR_FIRST && msr <= HV_X64_MSR_LAST && !vp->partition->hypervisor_hidden;
}

/* Whether @msr exists for this partition. */
static bool may_access(const struct partition *partition, uint32_t msr)
{
    for (size_t i = 0; i < sizeof(privileges) / sizeof(privileges[0]); i++)
        if (msr >= privileges[i].first && msr <= privileges[i].last)
            return (~partition->privileges & privileges[i].privilege) == 0;
    return false;
}

/* Like SIMP and SIEFP, the page is the guest's own. A guest that changes its TSC later changes the
 * time that the page tells. */
static bool write_reference_tsc(struct partition *partition, uint64_t value)
{
    if (value & HV_X64_MSR_PAGE_ENABLE) {
        volatile struct reference_tsc_page *page = partition_memory(
            partition, gpa(value & HV_X64_MSR_PAGE_MASK), sizeof(struct reference_tsc_page), true);
        if (page == NULL)
            return false;
        page->sequence = HV_REFERENCE_TSC_INVALID;
        page->scale = reftime_scale();
        page->offset = 0;
        page->sequence = HV_REFERENCE_TSC_INVALID + 1;
    }
    partition->reference_tsc_msr = value;
    return true;
}

static bool write_assist_page(struct vp *vp, uint64_t value)
{
    if (value & HV_X64_MSR_PAGE_ENABLE &&
        partition_memory(vp->partition, gpa(value & HV_X64_MSR_PAGE_MASK), PAGE_SIZE, true) == NULL)
        return false;
    vp->assist_page = value;
    return true;
}

static bool read_synthetic(struct vp *vp, uint32_t msr, uint64_t *value)
{
    struct partition *partition = vp->partition;

    if (!may_access(partition, msr))
        return false;
    if (msr >= HV_X64_MSR_SCONTROL && msr <= HV_X64_MSR_STIMER3_COUNT)
        return synic_read_msr(vp, msr, value);
    switch (msr) {
    case HV_X64_MSR_ICR:
        return give(value, lapic_read_icr(vp));
    case HV_X64_MSR_TPR:
        return give(value, vp->lapic.tpr);
    case HV_X64_MSR_VP_ASSIST_PAGE:
        return give(value, vp->assist_page);
    case HV_X64_MSR_TIME_REF_COUNT:
        return give(value, reftime_from_tsc(partition_tsc(partition)));
    case HV_X64_MSR_REFERENCE_TSC:
        return give(value, partition->reference_tsc_msr);
    case HV_X64_MSR_GUEST_OS_ID:
        return give(value, partition->guest_os_id);
    case HV_X64_MSR_HYPERCALL:
        return give(value, partition->hypercall_msr);
    case HV_X64_MSR_VP_INDEX:
        return give(value, vp->index);
    case HV_X64_MSR_RESET:
        return give(value, 0);
    case HV_X64_MSR_GUEST_IDLE: /* until there is an interrupt, even if RFLAGS.IF is 0 */
        vp->activity = VP_GUEST_IDLE;
        vp_attention(vp, VP_ATTENTION_INTERRUPT);
        return give(value, 0);
    case HV_X64_MSR_VP_RUNTIME:
        return give(value, reftime_from_tsc(vp->statistics->run_time_tsc));
    case HV_X64_MSR_TSC_FREQUENCY:
        return give(value, reftime_tsc_frequency());
    case HV_X64_MSR_APIC_FREQUENCY:
        return give(value, LAPIC_VIRTUAL_FREQUENCY);
    case HV_X64_MSR_TSC_INVARIANT_CONTROL:
        return give(value, partition->invariant_tsc);
    case HV_X64_MSR_CRASH_CTL: /* what it can do */
        return give(value, HV_X64_MSR_CRASH_CTL_NOTIFY | HV_X64_MSR_CRASH_CTL_MESSAGE);
    default: /* EOI is write-only */
        if (msr < HV_X64_MSR_CRASH_P0)
            return false;
        return give(value, partition->crash[msr - HV_X64_MSR_CRASH_P0]);
    }
}

static enum answer write_synthetic(struct vp *vp, uint32_t msr, uint64_t value)
{
    struct partition *partition = vp->partition;

    if (!may_access(partition, msr))
        return ANSWER_FAULT;
    if (msr >= HV_X64_MSR_SCONTROL && msr <= HV_X64_MSR_STIMER3_COUNT)
        return done_if(synic_write_msr(vp, msr, value));
    if (msr >= HV_X64_MSR_CRASH_P0 && msr <= HV_X64_MSR_CRASH_CTL) {
        partition->crash[msr - HV_X64_MSR_CRASH_P0] = value;
        return msr == HV_X64_MSR_CRASH_CTL && value & HV_X64_MSR_CRASH_CTL_NOTIFY ? ANSWER_PARENT
                                                                                  : ANSWER_DONE;
    }
    switch (msr) {
    case HV_X64_MSR_EOI:
        lapic_eoi(vp);
        return ANSWER_DONE;
    case HV_X64_MSR_ICR:
        return done_if(lapic_write_icr(vp, value));
    case HV_X64_MSR_TPR:
        return done_if(lapic_write_tpr(vp, value));
    case HV_X64_MSR_VP_ASSIST_PAGE:
        return done_if(write_assist_page(vp, value));
    case HV_X64_MSR_REFERENCE_TSC:
        return done_if(write_reference_tsc(partition, value));
    case HV_X64_MSR_GUEST_OS_ID:
        hypercall_page_set_guest_os_id(partition, value);
        return ANSWER_DONE;
    case HV_X64_MSR_HYPERCALL:
        return done_if(hypercall_page_set(partition, value));
    case HV_X64_MSR_RESET:
        return value & HV_X64_MSR_RESET_RESET ? ANSWER_PARENT : ANSWER_DONE;
    case HV_X64_MSR_TSC_INVARIANT_CONTROL:
        if (value > 1)
            return ANSWER_FAULT;
        partition->invariant_tsc = value != 0;
        return ANSWER_DONE;
    default: /* read-only */
        return ANSWER_FAULT;
    }
}

/* --- All together --- */

static enum answer read_msr(struct vp *vp, uint32_t msr, uint64_t *value)
{
    const struct constant_msr *constant;

    if (msr - MSR_X2APIC_FIRST < MSR_X2APIC_COUNT)
        return done_if(lapic_read_msr(vp, msr, value));
    if (is_synthetic(vp, msr))
        return done_if(read_synthetic(vp, msr, value));
    switch (msr) {
    case MSR_TSC_DEADLINE:
        return done_if(give(value, lapic_read_tsc_deadline(vp)));
    case MSR_TSC:
        return done_if(give(value, partition_tsc(vp->partition) + vp->tsc_adjust));
    case MSR_TSC_ADJUST:
        return done_if(give(value, vp->tsc_adjust));
    case MSR_APIC_BASE:
        return done_if(give(value, vp->lapic.base));
    case MSR_PAT:
        return done_if(give(value, read_pat(vp)));
    case MSR_MTRR_DEFAULT_TYPE:
        return done_if(give(value, vp->mtrr_default_type ^ MTRR_DEFAULT_TYPE_RESET));
    case MSR_TSC_AUX:
        return done_if(msr_has_tsc_aux() && give(value, vp->tsc_aux));
    default:
        constant = find_constant(msr);
        return constant == NULL ? ANSWER_UNKNOWN : done_if(give(value, constant->value));
    }
}

static enum answer write_msr(struct vp *vp, uint32_t msr, uint64_t value)
{
    const struct constant_msr *constant;

    if (msr - MSR_X2APIC_FIRST < MSR_X2APIC_COUNT)
        return done_if(lapic_write_msr(vp, msr, value));
    if (msr == MSR_TSC_DEADLINE) {
        lapic_write_tsc_deadline(vp, value);
        return ANSWER_DONE;
    }
    if (is_synthetic(vp, msr))
        return write_synthetic(vp, msr, value);
    switch (msr) {
    case MSR_TSC:
        return set_tsc_adjust(vp, value - partition_tsc(vp->partition));
    case MSR_TSC_ADJUST:
        return set_tsc_adjust(vp, value);
    case MSR_APIC_BASE:
        return done_if(lapic_write_base(vp, value));
    case MSR_PAT:
        return done_if(write_pat(vp, value));
    case MSR_MTRR_DEFAULT_TYPE:
        return done_if(write_mtrr_default_type(vp, value));
    case MSR_TSC_AUX:
        return done_if(write_tsc_aux(vp, value));
    default:
        constant = find_constant(msr);
        return constant == NULL ? ANSWER_UNKNOWN : done_if(constant->writable);
    }
}

/* What the parent has said about the MSR: MSR_RULE_… */
static uint32_t rule_of(const struct partition *partition, uint32_t msr)
{
    uint32_t count = atomic_load(&partition->msr_rule_count);

    for (uint32_t i = 0; i < count; i++)
        if (partition->msr_rules[i].msr == msr)
            return partition->msr_rules[i].rule;
    return 0;
}

static enum exit_action unknown(struct vp *vp, uint32_t msr, bool is_write)
{
    struct partition *partition = vp->partition;
    uint32_t rule = rule_of(partition, msr);
    uint32_t access = is_write ? HV_INTERCEPT_ACCESS_MASK_WRITE : HV_INTERCEPT_ACCESS_MASK_READ;

    if (rule & access << MSR_RULE_FAULT_SHIFT)
        return EXIT_GP;
    if (rule & access << MSR_RULE_IGNORE_SHIFT)
        return EXIT_SKIP;
    if (partition->unknown_msr_intercept)
        return intercept_msr(vp, is_write);
    if (!partition->ignore_unknown_msrs)
        return EXIT_GP;
    if (partition->ignored_msr_reports < IGNORED_MSR_REPORTS) {
        partition->ignored_msr_reports++;
        print("Partition 0x%llx, VP %u: %s unknown MSR 0x%x ignored.\n",
              (unsigned long long)partition->id, vp->index, is_write ? "write to" : "read of", msr);
    }
    return EXIT_SKIP;
}

static enum exit_action act(struct vp *vp, uint32_t msr, bool is_write, enum answer answer)
{
    switch (answer) {
    case ANSWER_DONE:
        return EXIT_SKIP;
    case ANSWER_PARENT:
        return intercept_msr(vp, is_write);
    case ANSWER_UNKNOWN:
        return unknown(vp, msr, is_write);
    default:
        return EXIT_GP;
    }
}

enum exit_action child_rdmsr(struct vp *vp, uint32_t msr)
{
    uint64_t value = 0;

    if (rule_of(vp->partition, msr) & HV_INTERCEPT_ACCESS_MASK_READ << MSR_RULE_INTERCEPT_SHIFT)
        return intercept_msr(vp, false);
    enum exit_action action = act(vp, msr, false, read_msr(vp, msr, &value));
    if (action == EXIT_SKIP) {
        vp->gpr[GPR_RAX] = (uint32_t)value;
        vp->gpr[GPR_RDX] = value >> 32;
    }
    return action;
}

enum exit_action child_wrmsr(struct vp *vp, uint32_t msr, uint64_t value)
{
    if (rule_of(vp->partition, msr) & HV_INTERCEPT_ACCESS_MASK_WRITE << MSR_RULE_INTERCEPT_SHIFT)
        return intercept_msr(vp, true);
    return act(vp, msr, true, write_msr(vp, msr, value));
}
