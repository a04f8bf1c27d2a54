#include "hypervisor/hypercall_policy.h"

#include "hypervisor/atomic.h"
#include "hypervisor/cpuid.h"
#include "hypervisor/reftime.h"
#include "include/hv/parent.h"

/* Exceptions that are the hypervisor's own. */
#define EXCEPTIONS_NOT_INTERCEPTED (1u << X86_VECTOR_NMI | 1u << X86_VECTOR_MC)

/* Has @change, which gets the call's input, change a child that is not finalized, with the child's
 * lock held. Nothing of this is about the root. */
static enum hv_status change_child(const struct hypercall *call, uint64_t id,
                                   enum hv_status (*change)(struct partition *child,
                                                            const void *input))
{
    struct partition *partition = hypercall_get_child(call, id);
    enum hv_status status = HV_STATUS_INVALID_PARTITION_STATE;

    if (partition == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    spin_lock(&partition->lock);
    if (atomic_load(&partition->state) != PARTITION_FINALIZED)
        status = change(partition, call->input);
    spin_unlock(&partition->lock);
    partition_put(partition);
    return status;
}

/* Has all VPs look at what concerns their controls before they go on. */
static void update_controls(struct partition *partition)
{
    for (uint32_t i = 0; i < PARTITION_MAX_VPS; i++) {
        struct vp *vp = partition_vp(partition, i);
        if (vp != NULL)
            vp_attention(vp, VP_ATTENTION_CONTROLS);
    }
}

/* --- Properties --- */

enum hv_status hypercall_get_partition_property(const struct hypercall *call)
{
    const struct hv_input_get_partition_property *input = call->input;
    struct hv_output_get_partition_property *output = call->output;
    struct partition *partition = hypercall_get_child(call, input->partition_id);
    enum hv_status status = HV_STATUS_SUCCESS;

    if (partition == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    switch (input->property_code) {
    case HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS:
        output->value = partition->privileges;
        break;
    case HV_PARTITION_PROPERTY_SYNTHETIC_FEATURES:
        output->value = partition->hypervisor_hidden ? 0 : HV_SYNTHETIC_FEATURE_HYPERVISOR_PRESENT;
        break;
    case HV_PARTITION_PROPERTY_TIME_FREEZE:
        output->value = partition->time_frozen;
        break;
    case HV_PARTITION_PROPERTY_GPA_ACCESS_TRACKING:
        output->value = partition->access_tracking;
        break;
    case HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION:
        output->value = partition->ignore_unknown_msrs;
        break;
    case HV_PARTITION_PROPERTY_PROCESSOR_CLOCK_FREQUENCY:
        output->value = reftime_tsc_frequency();
        break;
    default:
        status = HV_STATUS_UNKNOWN_PROPERTY;
    }
    partition_put(partition);
    return status;
}

static bool any_vp_runs(struct partition *partition)
{
    for (uint32_t i = 0; i < PARTITION_MAX_VPS; i++) {
        const struct vp *vp = partition_vp(partition, i);
        if (vp != NULL && atomic_load(&vp->state) == VP_RUNNING)
            return true;
    }
    return false;
}

static void set_frozen(struct partition *partition, bool frozen)
{
    __atomic_store_n(&partition->time_frozen, frozen, __ATOMIC_SEQ_CST);
}

/* First the flag, then the look at VPs: vp_dispatch() does it the other way round, so that no VP
 * runs while time stands still. Holds the partition's lock. */
static enum hv_status freeze_time(struct partition *partition, bool freeze)
{
    if (partition->time_frozen == freeze)
        return HV_STATUS_SUCCESS;
    if (!freeze) {
        partition->tsc_offset = partition->frozen_tsc - rdtsc();
        update_controls(partition);
        set_frozen(partition, false);
        return HV_STATUS_SUCCESS;
    }
    partition->frozen_tsc = rdtsc() + partition->tsc_offset;
    set_frozen(partition, true);
    if (any_vp_runs(partition)) {
        set_frozen(partition, false);
        return HV_STATUS_INVALID_PARTITION_STATE;
    }
    /* A VP may have run until just now. */
    partition->frozen_tsc = rdtsc() + partition->tsc_offset;
    return HV_STATUS_SUCCESS;
}

/* Holds the partition's lock. */
static enum hv_status set_property(struct partition *partition, const void *parameters)
{
    const struct hv_input_set_partition_property *input = parameters;
    uint32_t code = input->property_code;
    uint64_t value = input->value;

    if (code == HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS) {
        if (value & ~child_privileges())
            return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
        partition->privileges = value;
        return HV_STATUS_SUCCESS;
    }
    if (code == HV_PARTITION_PROPERTY_PROCESSOR_CLOCK_FREQUENCY)
        return HV_STATUS_OPERATION_DENIED;
    if (code != HV_PARTITION_PROPERTY_SYNTHETIC_FEATURES &&
        code != HV_PARTITION_PROPERTY_TIME_FREEZE &&
        code != HV_PARTITION_PROPERTY_GPA_ACCESS_TRACKING &&
        code != HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION)
        return HV_STATUS_UNKNOWN_PROPERTY;
    /* The others are switches. */
    if (value > 1)
        return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
    if (code == HV_PARTITION_PROPERTY_TIME_FREEZE)
        return freeze_time(partition, value != 0);
    if (code == HV_PARTITION_PROPERTY_SYNTHETIC_FEATURES)
        partition->hypervisor_hidden = value == 0;
    else if (code == HV_PARTITION_PROPERTY_GPA_ACCESS_TRACKING)
        partition->access_tracking = value != 0;
    else
        partition->ignore_unknown_msrs = value != 0;
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_set_partition_property(const struct hypercall *call)
{
    const struct hv_input_set_partition_property *input = call->input;

    return change_child(call, input->partition_id, set_property);
}

enum hv_status hypercall_get_system_property(const struct hypercall *call)
{
    const struct hv_input_get_system_property *input = call->input;
    struct hv_output_get_system_property *output = call->output;

    if (input->property_id != HV_SYSTEM_PROPERTY_SCHEDULER_TYPE)
        return HV_STATUS_UNKNOWN_PROPERTY;
    output->value = HV_SCHEDULER_TYPE_ROOT;
    return HV_STATUS_SUCCESS;
}

/* --- Intercepts. All hold the partition's lock --- */

/* Replaces the bits of @mask in what is said about an MSR. An entry without any is free; readers
 * may look at it meanwhile. */
static enum hv_status set_msr_rule(struct partition *partition, uint32_t msr, uint32_t mask,
                                   uint32_t bits)
{
    uint32_t count = partition->msr_rule_count, slot = count;

    for (uint32_t i = 0; i < count; i++) {
        if (partition->msr_rules[i].msr == msr) {
            slot = i;
            break;
        }
        if (partition->msr_rules[i].rule == 0 && slot == count)
            slot = i;
    }
    if (slot == count && bits == 0)
        return HV_STATUS_SUCCESS;
    if (slot == PARTITION_MSR_RULES)
        return HV_STATUS_INSUFFICIENT_BUFFERS;
    partition->msr_rules[slot].msr = msr;
    partition->msr_rules[slot].rule = (partition->msr_rules[slot].rule & ~mask) | bits;
    if (slot == count)
        atomic_store(&partition->msr_rule_count, count + 1);
    return HV_STATUS_SUCCESS;
}

static enum hv_status intercept_one_msr(struct partition *partition, uint32_t msr, uint32_t access)
{
    return set_msr_rule(partition, msr, MSR_RULE_ACCESS << MSR_RULE_INTERCEPT_SHIFT,
                        (access & MSR_RULE_ACCESS) << MSR_RULE_INTERCEPT_SHIFT);
}

/* The others have their answers. */
static enum hv_status set_msr_result(struct partition *partition, const void *parameters)
{
    const struct hv_input_register_intercept_result *input = parameters;
    const struct hv_register_x64_msr_result_parameters *result = (const void *)&input->leaf;
    uint32_t access = result->access_type;
    uint32_t both = access << MSR_RULE_FAULT_SHIFT | access << MSR_RULE_IGNORE_SHIFT;

    if (access == 0 || access & ~MSR_RULE_ACCESS ||
        result->action > HV_UNIMPLEMENTED_MSR_ACTION_IGNORE_WRITE_READ_ZERO)
        return HV_STATUS_INVALID_PARAMETER;
    return set_msr_rule(partition, result->msr_index, both,
                        access << (result->action == HV_UNIMPLEMENTED_MSR_ACTION_FAULT
                                       ? MSR_RULE_FAULT_SHIFT
                                       : MSR_RULE_IGNORE_SHIFT));
}

static enum hv_status intercept_exception_vector(struct partition *partition, uint64_t vector,
                                                 uint32_t access)
{
    if (vector > 31 || EXCEPTIONS_NOT_INTERCEPTED >> vector & 1)
        return HV_STATUS_INVALID_PARAMETER;
    if (access != 0)
        partition->exception_intercepts |= 1u << vector;
    else
        partition->exception_intercepts &= ~(1u << vector);
    update_controls(partition);
    return HV_STATUS_SUCCESS;
}

static enum hv_status intercept_leaf(struct partition *partition, uint32_t leaf, uint32_t access)
{
    struct cpuid_rule rule = {.leaf = leaf, .kind = CPUID_RULE_INTERCEPT, .intercept = access != 0};

    return child_cpuid_set_rule(partition, &rule);
}

static enum hv_status install(struct partition *partition, const void *parameters)
{
    const struct hv_input_install_intercept *input = parameters;
    uint64_t parameter = input->intercept_parameter;
    uint32_t access = input->access_type;

    switch (input->intercept_type) {
    case HV_INTERCEPT_TYPE_X64_IO_PORT:
        return access != 0 ? HV_STATUS_SUCCESS : HV_STATUS_OPERATION_DENIED;
    case HV_INTERCEPT_TYPE_X64_MSR:
        partition->unknown_msr_intercept = access != 0;
        return HV_STATUS_SUCCESS;
    case HV_INTERCEPT_TYPE_X64_CPUID:
        return parameter > UINT32_MAX ? HV_STATUS_INVALID_PARAMETER
                                      : intercept_leaf(partition, (uint32_t)parameter, access);
    case HV_INTERCEPT_TYPE_EXCEPTION:
        return intercept_exception_vector(partition, parameter, access);
    case HV_INTERCEPT_TYPE_X64_MSR_INDEX:
        return parameter > UINT32_MAX ? HV_STATUS_INVALID_PARAMETER
                                      : intercept_one_msr(partition, (uint32_t)parameter, access);
    default:
        return HV_STATUS_INVALID_PARAMETER;
    }
}

enum hv_status hypercall_install_intercept(const struct hypercall *call)
{
    const struct hv_input_install_intercept *input = call->input;

    if (input->access_type > (HV_INTERCEPT_ACCESS_MASK_READ | HV_INTERCEPT_ACCESS_MASK_WRITE |
                              HV_INTERCEPT_ACCESS_MASK_EXECUTE))
        return HV_STATUS_INVALID_PARAMETER;
    return change_child(call, input->partition_id, install);
}

static enum hv_status set_cpuid_result(struct partition *partition, const void *parameters)
{
    const struct hv_input_register_intercept_result *input = parameters;
    const struct cpuid_rule rule = {
        .leaf = input->leaf,
        .subleaf = input->subleaf,
        .kind = input->subleaf_specific ? CPUID_RULE_SUBLEAF : CPUID_RULE_LEAF,
        .value = {input->eax, input->ebx, input->ecx, input->edx},
        .mask = {input->eax_mask, input->ebx_mask, input->ecx_mask, input->edx_mask},
    };

    return child_cpuid_set_rule(partition, &rule);
}

enum hv_status hypercall_register_intercept_result(const struct hypercall *call)
{
    const struct hv_input_register_intercept_result *input = call->input;
    bool msr = input->intercept_type == HV_INTERCEPT_TYPE_X64_MSR;

    if (input->vp_index != HV_ANY_VP ||
        (!msr && input->intercept_type != HV_INTERCEPT_TYPE_X64_CPUID))
        return HV_STATUS_INVALID_PARAMETER;
    return change_child(call, input->partition_id, msr ? set_msr_result : set_cpuid_result);
}
