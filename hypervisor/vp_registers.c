#include "hypervisor/vp_registers.h"

#include "hypervisor/fpu.h"
#include "hypervisor/hw.h"
#include "hypervisor/lapic.h"
#include "hypervisor/msr.h"
#include "hypervisor/partition.h"
#include "hypervisor/reftime.h"
#include "hypervisor/synic.h"
#include "include/hv/msr.h"
#include "lib/string.h"

/* The legacy region of the XSAVE area (Intel SDM vol. 1, 10.5.1), and its header. */
#define AREA_ST0 32
#define AREA_XMM0 160
#define AREA_MXCSR 24
#define AREA_XSTATE_BV 512

enum kind { KIND_64, KIND_SEGMENT, KIND_TABLE };

/* Those in struct vp_registers. */
static const struct plain {
    uint32_t name;
    uint16_t offset;
    uint8_t kind; /* enum kind */
} plain[] = {
#define R64(name, member)                                                                          \
    {                                                                                              \
        name, offsetof(struct vp_registers, member), KIND_64                                       \
    }
#define RSEGMENT(name, member)                                                                     \
    {                                                                                              \
        name, offsetof(struct vp_registers, member), KIND_SEGMENT                                  \
    }
    R64(HV_X64_REGISTER_RAX + GPR_RSP, rsp),
    R64(HV_X64_REGISTER_RIP, rip),
    R64(HV_X64_REGISTER_RFLAGS, rflags),
    R64(HV_X64_REGISTER_CR0, cr0),
    R64(HV_X64_REGISTER_CR2, cr2),
    R64(HV_X64_REGISTER_CR3, cr3),
    R64(HV_X64_REGISTER_CR4, cr4),
    R64(HV_X64_REGISTER_DR6, dr6),
    R64(HV_X64_REGISTER_DR7, dr7),
    RSEGMENT(HV_X64_REGISTER_ES, es),
    RSEGMENT(HV_X64_REGISTER_CS, cs),
    RSEGMENT(HV_X64_REGISTER_SS, ss),
    RSEGMENT(HV_X64_REGISTER_DS, ds),
    RSEGMENT(HV_X64_REGISTER_FS, fs),
    RSEGMENT(HV_X64_REGISTER_GS, gs),
    RSEGMENT(HV_X64_REGISTER_LDTR, ldtr),
    RSEGMENT(HV_X64_REGISTER_TR, tr),
    {HV_X64_REGISTER_IDTR, offsetof(struct vp_registers, idtr), KIND_TABLE},
    {HV_X64_REGISTER_GDTR, offsetof(struct vp_registers, gdtr), KIND_TABLE},
    R64(HV_X64_REGISTER_EFER, efer),
    R64(HV_X64_REGISTER_KERNEL_GS_BASE, kernel_gs_base),
    R64(HV_X64_REGISTER_PAT, pat),
    R64(HV_X64_REGISTER_SYSENTER_CS, sysenter_cs),
    R64(HV_X64_REGISTER_SYSENTER_EIP, sysenter_eip),
    R64(HV_X64_REGISTER_SYSENTER_ESP, sysenter_esp),
    R64(HV_X64_REGISTER_STAR, star),
    R64(HV_X64_REGISTER_LSTAR, lstar),
    R64(HV_X64_REGISTER_CSTAR, cstar),
    R64(HV_X64_REGISTER_SFMASK, sfmask),
    R64(HV_REGISTER_PENDING_INTERRUPTION, pending_interruption),
    R64(HV_REGISTER_INTERRUPT_STATE, interrupt_state),
#undef R64
#undef RSEGMENT
};

static const struct plain *find_plain(uint32_t name)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (plain[i].name == name)
            return &plain[i];
    return NULL;
}

/* Those that are like an MSR of the SynIC: its number, or 0. */
static uint32_t synic_msr(uint32_t name)
{
    if (name >= HV_REGISTER_SINT0 && name <= HV_REGISTER_SINT15)
        return HV_X64_MSR_SINT0 + name - HV_REGISTER_SINT0;
    if (name >= HV_REGISTER_STIMER0_CONFIG && name <= HV_REGISTER_STIMER3_COUNT)
        return HV_X64_MSR_STIMER0_CONFIG + name - HV_REGISTER_STIMER0_CONFIG;
    switch (name) {
    case HV_REGISTER_SCONTROL:
        return HV_X64_MSR_SCONTROL;
    case HV_REGISTER_SVERSION:
        return HV_X64_MSR_SVERSION;
    case HV_REGISTER_SIEFP:
        return HV_X64_MSR_SIEFP;
    case HV_REGISTER_SIMP:
        return HV_X64_MSR_SIMP;
    default:
        return 0;
    }
}

/* XMM and x87 registers: 16 bytes each in the VP's area, which is what counts while it is accessed
 * (fpu_save() first, fpu_load() after a change). NULL: another register. */
static uint8_t *fpu_register(const struct vp *vp, uint32_t name)
{
    if (name >= HV_X64_REGISTER_XMM0 && name <= HV_X64_REGISTER_XMM15)
        return (uint8_t *)vp->fpu + AREA_XMM0 + 16 * (name - HV_X64_REGISTER_XMM0);
    if (name >= HV_X64_REGISTER_FP_MMX0 && name <= HV_X64_REGISTER_FP_MMX7)
        return (uint8_t *)vp->fpu + AREA_ST0 + 16 * (name - HV_X64_REGISTER_FP_MMX0);
    if (name == HV_X64_REGISTER_FP_CONTROL_STATUS) /* FCW, FSW, FTW, FOP, FIP */
        return vp->fpu;
    if (name == HV_X64_REGISTER_XMM_CONTROL_STATUS) /* FDP, MXCSR, mask */
        return (uint8_t *)vp->fpu + 16;
    return NULL;
}

/* Whether it is a register of the local APIC's page, which starts at offset *@offset. */
static bool is_in_lapic_page(const struct vp *vp, uint32_t name, uint32_t *offset)
{
    *offset = (name - VENEER_X64_REGISTER_APIC) * 16;
    return name >= VENEER_X64_REGISTER_APIC && name <= VENEER_X64_REGISTER_APIC_LAST &&
           lapic_has_page(vp);
}

static bool get_own(struct vp *vp, uint32_t name, uint64_t *value)
{
    uint32_t offset;

    if (is_in_lapic_page(vp, name, &offset)) {
        *value = lapic_read_page(vp, offset);
        return true;
    }
    switch (name) {
    case HV_REGISTER_EXPLICIT_SUSPEND:
        *value = 0;
        return true;
    case HV_REGISTER_INTERCEPT_SUSPEND:
        *value = vp->intercepted;
        return true;
    case HV_REGISTER_INTERNAL_ACTIVITY_STATE:
        *value = vp->activity;
        return true;
    case HV_REGISTER_DELIVERABILITY_NOTIFICATIONS:
        *value = vp->notifications;
        return true;
    case HV_X64_REGISTER_CR8:
        *value = lapic_read_cr8(vp);
        return true;
    case HV_X64_REGISTER_XFEM:
        *value = vp->xcr0;
        return true;
    case HV_X64_REGISTER_TSC:
        *value = partition_tsc(vp->partition) + vp->tsc_adjust;
        return true;
    case HV_X64_REGISTER_APIC_BASE:
        *value = vp->lapic.base;
        return true;
    case HV_X64_REGISTER_INITIAL_APIC_ID:
    case HV_REGISTER_VP_INDEX:
        *value = vp->index;
        return true;
    case HV_X64_REGISTER_CRASH_P0 ... HV_X64_REGISTER_CRASH_P4:
        *value = vp->partition->crash[name - HV_X64_REGISTER_CRASH_P0];
        return true;
    case HV_X64_REGISTER_TSC_AUX:
        *value = vp->tsc_aux;
        return true;
    case HV_REGISTER_VP_RUNTIME:
        *value = reftime_from_tsc(vp->statistics->run_time_tsc);
        return true;
    case HV_REGISTER_GUEST_OS_ID:
        *value = vp->partition->guest_os_id;
        return true;
    case HV_REGISTER_TIME_REF_COUNT:
        *value = reftime_from_tsc(partition_tsc(vp->partition));
        return true;
    case HV_REGISTER_VP_ASSIST_PAGE:
        *value = vp->assist_page;
        return true;
    case HV_REGISTER_REFERENCE_TSC:
        *value = vp->partition->reference_tsc_msr;
        return true;
    default:
        return false;
    }
}

enum hv_status vp_register_get(struct vp *vp, const struct vp_registers *registers, uint32_t name,
                               struct hv_register_value *value)
{
    const struct plain *entry = find_plain(name);

    *value = (struct hv_register_value){.low = 0};
    if (entry != NULL) {
        memcpy(value, (const uint8_t *)registers + entry->offset, entry->kind == KIND_64 ? 8 : 16);
        return HV_STATUS_SUCCESS;
    }
    if (name >= HV_X64_REGISTER_RAX && name <= HV_X64_REGISTER_R15) {
        value->low = vp->gpr[name - HV_X64_REGISTER_RAX];
        return HV_STATUS_SUCCESS;
    }
    if (name >= HV_X64_REGISTER_DR0 && name <= HV_X64_REGISTER_DR3) {
        value->low = vp->debug_registers[name - HV_X64_REGISTER_DR0];
        return HV_STATUS_SUCCESS;
    }
    const uint8_t *fpu = fpu_register(vp, name);
    if (fpu != NULL) {
        memcpy(value, fpu, 16);
        return HV_STATUS_SUCCESS;
    }
    uint32_t msr = synic_msr(name);
    if (msr != 0 ? synic_read_msr(vp, msr, &value->low) : get_own(vp, name, &value->low))
        return HV_STATUS_SUCCESS;
    return HV_STATUS_INVALID_PARAMETER;
}

static void set_fpu(struct vp *vp, uint8_t *area, const struct hv_register_value *value)
{
    memcpy(area, value, 16);
    *(uint64_t *)((uint8_t *)vp->fpu + AREA_XSTATE_BV) |= XCR0_X87 | XCR0_SSE;
}

/* Of several bits the lowest says what ends all of them. */
static bool set_activity(struct vp *vp, uint64_t value)
{
    if (value &
        ~(HV_ACTIVITY_STARTUP_SUSPEND | HV_ACTIVITY_HALT_SUSPEND | HV_ACTIVITY_IDLE_SUSPEND))
        return false;
    vp->activity = (uint8_t)(value & -value);
    return true;
}

static bool set_notifications(struct vp *vp, uint64_t value)
{
    if (value & ~HV_DELIVERABILITY_VALID)
        return false;
    vp->notifications = (uint8_t)value;
    if (value & HV_DELIVERABILITY_NMI)
        hw->inject_nmi(vp);
    vp_attention(vp, VP_ATTENTION_INTERRUPT);
    return true;
}

/* False: not a value of it. */
static bool set_own(struct vp *vp, uint32_t name, uint64_t value, bool *known)
{
    uint32_t offset;

    *known = true;
    if (is_in_lapic_page(vp, name, &offset)) {
        lapic_write_page(vp, offset, (uint32_t)value);
        return true;
    }
    switch (name) {
    case HV_REGISTER_EXPLICIT_SUSPEND:
        return value == 0;
    case HV_REGISTER_INTERCEPT_SUSPEND:
        if (value != 0)
            return false;
        vp->intercepted = false;
        return true;
    case HV_REGISTER_INTERNAL_ACTIVITY_STATE:
        return set_activity(vp, value);
    case HV_REGISTER_DELIVERABILITY_NOTIFICATIONS:
        return set_notifications(vp, value);
    case HV_X64_REGISTER_CR8:
        return lapic_write_cr8(vp, value);
    case HV_X64_REGISTER_APIC_BASE:
        return lapic_write_base(vp, value);
    case HV_X64_REGISTER_XFEM:
        if (!exit_xcr0_valid(vp, value))
            return false;
        vp->xcr0 = value;
        return true;
    case HV_X64_REGISTER_TSC_AUX:
        if (value >> 32 != 0 || !msr_has_tsc_aux())
            return value == 0;
        vp->tsc_aux = value;
        vp->extra_state |= VP_EXTRA_TSC_AUX;
        return true;
    default:
        *known = false;
        return false;
    }
}

enum hv_status vp_register_set(struct vp *vp, struct vp_registers *registers, uint32_t name,
                               const struct hv_register_value *value, bool *changed)
{
    const struct plain *entry = find_plain(name);
    bool known = true, taken = true;

    if (entry != NULL) {
        memcpy((uint8_t *)registers + entry->offset, value, entry->kind == KIND_64 ? 8 : 16);
        *changed = true;
    } else if (name >= HV_X64_REGISTER_RAX && name <= HV_X64_REGISTER_R15) {
        vp->gpr[name - HV_X64_REGISTER_RAX] = value->low;
    } else if (name >= HV_X64_REGISTER_DR0 && name <= HV_X64_REGISTER_DR3) {
        vp->debug_registers[name - HV_X64_REGISTER_DR0] = value->low;
    } else if (fpu_register(vp, name) != NULL) {
        set_fpu(vp, fpu_register(vp, name), value);
    } else if (synic_msr(name) != 0) {
        taken = synic_write_msr(vp, synic_msr(name), value->low);
    } else {
        taken = set_own(vp, name, value->low, &known);
    }
    if (!known)
        return HV_STATUS_INVALID_PARAMETER;
    return taken ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_REGISTER_VALUE;
}
