/* HvCallGetVpRegisters and HvCallSetVpRegisters: registers of a child VP by name
 * (include/hv/vp_registers.h). The VP is stopped from the first element to the last. A value that
 * only its processor's next entry would refuse is let through: the VP then leaves for its parent
 * (exit_invalid_state()). What the hypervisor itself loads, or hands to an instruction that could
 * fault here, is checked. */
#include "include/hv/vp_registers.h"

#include "hypervisor/dispatch.h"
#include "hypervisor/fpu.h"
#include "hypervisor/hw.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/hypercall_page.h"
#include "hypervisor/partition.h"
#include "hypervisor/reftime.h"
#include "include/hv/msr.h"
#include "include/hv/parent.h"
#include "lib/string.h"

/* The legacy region of the XSAVE area, and the header's first word (Intel SDM vol. 1, 10.5.1,
 * 13.4.2). */
#define AREA_FP_CONTROL 0
#define AREA_MMX0 32
#define AREA_XMM0 160
#define AREA_XSTATE_BV 512

#define CPUID_80000001_EDX_RDTSCP (1u << 27)

enum kind {
    FIELD,   /* 64 bits of struct vp_registers */
    SEGMENT, /* of struct vp_registers; likewise TABLE */
    TABLE,
    GENERAL, /* struct vp.gpr */
    DEBUG,   /* DR0 to DR3 */
    LEGACY,  /* 16 bytes of the XSAVE area */
    SYNIC,   /* an MSR */
    OTHER,   /* get_other(), set_other() */
};

enum check { ANY, CANONICAL, LOW_32_BITS, PENDING, SHADOW };

/* Registers with consecutive names, whose places are consecutive as well. */
struct register_range {
    uint32_t first, last;
    uint8_t kind;    /* enum kind */
    uint8_t check;   /* enum check, of FIELD */
    uint16_t offset; /* in the structure or area; of MSRs: from HV_X64_MSR_FIRST on */
};

#define FIELDS(first, last, check, member)                                                         \
    {                                                                                              \
        HV_##first, HV_##last, FIELD, check, offsetof(struct vp_registers, member)                 \
    }
#define ONE(name, check, member) FIELDS(name, name, check, member)
#define MSRS(first, last, msr)                                                                     \
    {                                                                                              \
        HV_REGISTER_##first, HV_REGISTER_##last, SYNIC, ANY, HV_X64_MSR_##msr - HV_X64_MSR_FIRST   \
    }

static const struct register_range ranges[] = {
    {HV_X64_REGISTER_RAX, HV_X64_REGISTER_R15, GENERAL, ANY, 0},
    ONE(X64_REGISTER_RIP, ANY, rip),
    ONE(X64_REGISTER_RFLAGS, ANY, rflags),
    FIELDS(X64_REGISTER_CR0, X64_REGISTER_CR4, ANY, cr0),
    {HV_X64_REGISTER_ES, HV_X64_REGISTER_TR, SEGMENT, ANY, offsetof(struct vp_registers, es)},
    {HV_X64_REGISTER_IDTR, HV_X64_REGISTER_GDTR, TABLE, ANY, offsetof(struct vp_registers, idtr)},
    ONE(X64_REGISTER_EFER, ANY, efer),
    ONE(X64_REGISTER_PAT, ANY, pat),
    ONE(REGISTER_PENDING_INTERRUPTION, PENDING, pending_interruption),
    ONE(REGISTER_INTERRUPT_STATE, SHADOW, interrupt_state),
    {HV_X64_REGISTER_DR0, HV_X64_REGISTER_DR3, DEBUG, ANY, 0},
    FIELDS(X64_REGISTER_DR6, X64_REGISTER_DR7, LOW_32_BITS, dr6),
    ONE(X64_REGISTER_KERNEL_GS_BASE, CANONICAL, kernel_gs_base),
    ONE(X64_REGISTER_SYSENTER_CS, LOW_32_BITS, sysenter_cs),
    ONE(X64_REGISTER_SYSENTER_EIP, CANONICAL, sysenter_eip),
    ONE(X64_REGISTER_SYSENTER_ESP, CANONICAL, sysenter_esp),
    ONE(X64_REGISTER_STAR, ANY, star),
    FIELDS(X64_REGISTER_LSTAR, X64_REGISTER_CSTAR, CANONICAL, lstar),
    ONE(X64_REGISTER_SFMASK, LOW_32_BITS, sfmask),
    {HV_X64_REGISTER_XMM0, HV_X64_REGISTER_XMM15, LEGACY, ANY, AREA_XMM0},
    {HV_X64_REGISTER_FP_MMX0, HV_X64_REGISTER_FP_MMX7, LEGACY, ANY, AREA_MMX0},
    {HV_X64_REGISTER_FP_CONTROL_STATUS, HV_X64_REGISTER_XMM_CONTROL_STATUS, LEGACY, ANY,
     AREA_FP_CONTROL},
    MSRS(SINT0, SINT15, SINT0),
    MSRS(SCONTROL, EOM, SCONTROL),
    MSRS(STIMER0_CONFIG, STIMER3_COUNT, STIMER0_CONFIG),
    {HV_REGISTER_EXPLICIT_SUSPEND, HV_REGISTER_INTERNAL_ACTIVITY_STATE, OTHER, ANY, 0},
    {HV_X64_REGISTER_CR8, HV_X64_REGISTER_XFEM, OTHER, ANY, 0},
    {HV_X64_REGISTER_TSC, HV_X64_REGISTER_TSC_AUX, OTHER, ANY, 0},
    {HV_REGISTER_VP_RUNTIME, HV_REGISTER_REFERENCE_TSC, OTHER, ANY, 0},
};

/* The registers of one call. */
struct register_call {
    struct vp *vp; /* stopped, its partition referenced; NULL before the first element */
    bool changed;  /* @registers were */
    bool fpu_saved;
    struct vp_registers registers;
};

_Static_assert(sizeof(struct register_call) <= HYPERCALL_SCRATCH, "scratch");
_Static_assert(sizeof(struct hv_register_assoc) <= HYPERCALL_MAX_ELEMENT, "element");

static const struct register_range *find_range(uint32_t name)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (name >= ranges[i].first && name <= ranges[i].last)
            return &ranges[i];
    return NULL;
}

/* The XSAVE area with what is in the LP's registers; they are loaded from it afterwards. */
static uint8_t *fpu_area(struct register_call *access)
{
    if (!access->fpu_saved)
        fpu_save(access->vp);
    access->fpu_saved = true;
    return access->vp->fpu;
}

/* --- Checks --- */

static bool is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static bool pending_valid(uint64_t value)
{
    uint64_t type =
        (value & HV_PENDING_INTERRUPTION_TYPE_MASK) >> HV_PENDING_INTERRUPTION_TYPE_SHIFT;
    uint16_t vector = (uint16_t)(value >> HV_PENDING_INTERRUPTION_VECTOR_SHIFT);

    if ((value & HV_PENDING_INTERRUPTION_VALID) == 0)
        return true;
    switch (type) {
    case HV_INTERRUPTION_EXTERNAL:
    case HV_INTERRUPTION_SOFTWARE_INTERRUPT:
        return vector <= UINT8_MAX;
    case HV_INTERRUPTION_NMI:
        return vector == X86_VECTOR_NMI;
    case HV_INTERRUPTION_EXCEPTION:
    case HV_INTERRUPTION_PRIVILEGED_SOFTWARE_EXCEPTION:
    case HV_INTERRUPTION_SOFTWARE_EXCEPTION:
        return vector < 32;
    default:
        return false;
    }
}

static bool value_valid(enum check check, uint64_t value)
{
    switch (check) {
    case CANONICAL:
        return is_canonical(value);
    case LOW_32_BITS:
        return value <= UINT32_MAX;
    case PENDING:
        return pending_valid(value);
    case SHADOW:
        return (value & ~(HV_INTERRUPT_STATE_SHADOW | HV_INTERRUPT_STATE_NMI_MASKED)) == 0;
    default:
        return true;
    }
}

/* --- Registers with rules of their own --- */

static bool get_other(struct register_call *access, uint32_t name, uint64_t *value)
{
    struct vp *vp = access->vp;
    const struct partition *partition = vp->partition;

    switch (name) {
    case HV_REGISTER_EXPLICIT_SUSPEND:
        *value = 0;
        return true;
    case HV_REGISTER_INTERCEPT_SUSPEND:
        *value = vp->intercepted;
        return true;
    case HV_REGISTER_INTERNAL_ACTIVITY_STATE:
        *value = (vp->activity == VP_WAIT_FOR_SIPI ? HV_ACTIVITY_STARTUP_SUSPEND : 0) |
                 (vp->activity == VP_HALTED ? HV_ACTIVITY_HALT_SUSPEND : 0);
        return true;
    case HV_X64_REGISTER_CR8:
        *value = lapic_read_cr8(vp);
        return true;
    case HV_X64_REGISTER_XFEM:
        fpu_area(access);
        *value = vp->xcr0;
        return true;
    case HV_X64_REGISTER_TSC:
        *value = partition_tsc(partition) + vp->tsc_adjust;
        return true;
    case HV_X64_REGISTER_APIC_BASE:
        *value = vp->lapic.base;
        return true;
    case HV_X64_REGISTER_TSC_AUX:
        *value = vp->tsc_aux;
        return true;
    case HV_X64_REGISTER_INITIAL_APIC_ID:
    case HV_REGISTER_VP_INDEX:
        *value = vp->index;
        return true;
    case HV_REGISTER_VP_RUNTIME:
        *value = reftime_from_tsc(vp->statistics->run_time_tsc);
        return true;
    case HV_REGISTER_GUEST_OS_ID:
        *value = partition->guest_os_id;
        return true;
    case HV_REGISTER_TIME_REF_COUNT:
        *value = reftime_from_tsc(partition_tsc(partition));
        return true;
    case HV_REGISTER_VP_ASSIST_PAGE:
        *value = vp->assist_page;
        return true;
    case HV_REGISTER_REFERENCE_TSC:
        *value = partition->reference_tsc_msr;
        return true;
    default:
        return false;
    }
}

static bool set_activity(struct vp *vp, uint64_t value)
{
    if (value & ~(HV_ACTIVITY_STARTUP_SUSPEND | HV_ACTIVITY_HALT_SUSPEND))
        return false;
    vp->activity = value & HV_ACTIVITY_STARTUP_SUSPEND ? VP_WAIT_FOR_SIPI
                   : value & HV_ACTIVITY_HALT_SUSPEND  ? VP_HALTED
                                                       : VP_ACTIVE;
    return true;
}

/* What XSETBV accepts (Intel SDM vol. 1, 13.3): fpu_load() executes it. */
static bool set_xcr0(struct register_call *access, uint64_t value)
{
    uint64_t avx512 = value & XCR0_AVX512;

    if (value & ~(fpu_supported_xcr0() & FPU_CHILD_XCR0) || !(value & XCR0_X87) ||
        (value & XCR0_AVX && !(value & XCR0_SSE)) ||
        (avx512 != 0 && (avx512 != XCR0_AVX512 || !(value & XCR0_AVX))))
        return false;
    fpu_area(access);
    access->vp->xcr0 = value;
    return true;
}

static bool set_tsc_aux(struct vp *vp, uint64_t value)
{
    if (value > UINT32_MAX || !(cpuid(0x80000001, 0).edx & CPUID_80000001_EDX_RDTSCP))
        return false;
    vp->tsc_aux = value;
    vp_use_extra_state(vp, VP_EXTRA_TSC_AUX);
    wrmsr(MSR_TSC_AUX, value);
    return true;
}

/* Others can only be read. */
static bool set_other(struct register_call *access, uint32_t name, uint64_t value)
{
    struct vp *vp = access->vp;

    switch (name) {
    case HV_REGISTER_EXPLICIT_SUSPEND:
        return value == 0;
    case HV_REGISTER_INTERCEPT_SUSPEND:
        if (value != 0)
            return value == vp->intercepted;
        vp->intercepted = false;
        return true;
    case HV_REGISTER_INTERNAL_ACTIVITY_STATE:
        return set_activity(vp, value);
    case HV_X64_REGISTER_CR8:
        return lapic_write_cr8(vp, value);
    case HV_X64_REGISTER_XFEM:
        return set_xcr0(access, value);
    case HV_X64_REGISTER_TSC:
        vp->tsc_adjust = value - partition_tsc(vp->partition);
        vp_update_controls(vp);
        return true;
    case HV_X64_REGISTER_APIC_BASE:
        return lapic_write_base(vp, value);
    case HV_X64_REGISTER_TSC_AUX:
        return set_tsc_aux(vp, value);
    case HV_REGISTER_GUEST_OS_ID:
        hypercall_page_set_guest_os_id(vp->partition, value);
        return true;
    default:
        return false;
    }
}

/* --- All registers --- */

/* Those that the VP uses are in the processor while it is entered. */
static uint64_t get_debug_register(const struct vp *vp, unsigned number)
{
    uint64_t values[4];

    if (!(vp->extra_state & VP_EXTRA_DEBUG_REGISTERS))
        return vp->debug_registers[number];
    read_debug_registers(values);
    return values[number];
}

static void set_debug_register(struct vp *vp, unsigned number, uint64_t value)
{
    uint64_t values[4];

    vp_use_extra_state(vp, VP_EXTRA_DEBUG_REGISTERS);
    read_debug_registers(values);
    values[number] = value;
    write_debug_registers(values);
}

static uint64_t *field_of(struct register_call *access, const struct register_range *range,
                          uint32_t index)
{
    return (uint64_t *)((uint8_t *)&access->registers + range->offset) + index;
}

/* Of 16 bytes each. */
static void *wide_field_of(struct register_call *access, const struct register_range *range,
                           uint32_t index)
{
    return field_of(access, range, 2 * index);
}

/* False: there is no such register. */
static bool get_register(struct register_call *access, uint32_t name,
                         struct hv_register_value *value)
{
    const struct register_range *range = find_range(name);
    struct vp *vp = access->vp;

    *value = (struct hv_register_value){0};
    if (range == NULL)
        return false;
    uint32_t index = name - range->first;
    switch (range->kind) {
    case FIELD:
        value->low = *field_of(access, range, index);
        return true;
    case SEGMENT:
    case TABLE:
        memcpy(value, wide_field_of(access, range, index), sizeof(*value));
        return true;
    case GENERAL:
        value->low = index == GPR_RSP ? access->registers.rsp : vp->gpr[index];
        return true;
    case DEBUG:
        value->low = get_debug_register(vp, index);
        return true;
    case LEGACY:
        memcpy(value, fpu_area(access) + range->offset + 16 * index, sizeof(*value));
        return true;
    case SYNIC:
        return synic_read_msr(vp, HV_X64_MSR_FIRST + range->offset + index, &value->low);
    default:
        return get_other(access, name, &value->low);
    }
}

static bool set_legacy(struct register_call *access, uint32_t offset,
                       const struct hv_register_value *value)
{
    uint8_t *area = fpu_area(access);

    memcpy(area + offset, value, sizeof(*value));
    *(uint64_t *)(area + AREA_XSTATE_BV) |= XCR0_X87 | XCR0_SSE; /* not their initial values */
    return true;
}

static bool set_general(struct register_call *access, unsigned gpr, uint64_t value)
{
    if (gpr != GPR_RSP) {
        access->vp->gpr[gpr] = value;
        return true;
    }
    access->registers.rsp = value;
    return access->changed = true;
}

/* False: not this value. */
static bool set_register(struct register_call *access, const struct register_range *range,
                         uint32_t name, const struct hv_register_value *value)
{
    bool wide = range->kind == SEGMENT || range->kind == TABLE || range->kind == LEGACY;
    uint32_t index = name - range->first;

    if (!wide && value->high != 0)
        return false;
    switch (range->kind) {
    case FIELD:
        if (!value_valid(range->check, value->low))
            return false;
        *field_of(access, range, index) = value->low;
        return access->changed = true;
    case SEGMENT:
    case TABLE:
        memcpy(wide_field_of(access, range, index), value, sizeof(*value));
        return access->changed = true;
    case GENERAL:
        return set_general(access, index, value->low);
    case DEBUG:
        set_debug_register(access->vp, index, value->low);
        return true;
    case LEGACY:
        return set_legacy(access, range->offset + 16 * index, value);
    case SYNIC:
        return synic_write_msr(access->vp, HV_X64_MSR_FIRST + range->offset + index, value->low);
    default:
        return set_other(access, name, value->low);
    }
}

/* --- The calls --- */

/* Both have the same header. */
static enum hv_status begin(const struct hypercall *call)
{
    const struct hv_input_get_vp_registers *input = call->input;
    struct register_call *access = call->scratch;
    enum hv_status status;

    if (access->vp != NULL)
        return HV_STATUS_SUCCESS;
    if ((input->input_vtl | input->padding[0] | input->padding[1] | input->padding[2]) != 0)
        return HV_STATUS_INVALID_PARAMETER;
    struct vp *vp = hypercall_get_child_vp(call, input->partition_id, input->vp_index, &status);
    if (vp == NULL)
        return status;
    vp_access_begin(call->vp, vp);
    hw->get_registers(vp, &access->registers);
    access->vp = vp;
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_get_vp_registers(const struct hypercall *call)
{
    enum hv_status status = begin(call);

    if (status != HV_STATUS_SUCCESS)
        return status;
    return get_register(call->scratch, *(const uint32_t *)call->element, call->output)
               ? HV_STATUS_SUCCESS
               : HV_STATUS_INVALID_PARAMETER;
}

enum hv_status hypercall_set_vp_registers(const struct hypercall *call)
{
    const struct hv_register_assoc *assoc = call->element;
    const struct register_range *range = find_range(assoc->name);
    struct hv_register_value value;
    enum hv_status status = begin(call);

    if (status != HV_STATUS_SUCCESS)
        return status;
    if (range == NULL || assoc->reserved1 != 0 || assoc->reserved2 != 0)
        return HV_STATUS_INVALID_PARAMETER;
    memcpy(&value, assoc->value, sizeof(value));
    return set_register(call->scratch, range, assoc->name, &value)
               ? HV_STATUS_SUCCESS
               : HV_STATUS_INVALID_REGISTER_VALUE;
}

void hypercall_finish_vp_registers(const struct hypercall *call)
{
    struct register_call *access = call->scratch;

    if (access->vp == NULL)
        return;
    if (access->changed)
        hw->set_registers(access->vp, &access->registers);
    if (access->fpu_saved)
        fpu_load(access->vp);
    vp_access_end(call->vp, access->vp);
    partition_put(access->vp->partition);
}
