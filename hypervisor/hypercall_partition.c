/* Hypercalls about a partition and its virtual processors. */
#include "hypervisor/atomic.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/lp.h"
#include "hypervisor/partition.h"
#include "hypervisor/vp_context.h"

/* The caller's own partition, by either name; others do not exist for it. */
static enum hv_status check_own_partition(const struct hypercall *call, uint64_t partition_id)
{
    if (partition_id == HV_PARTITION_ID_SELF || partition_id == call->vp->partition->id)
        return HV_STATUS_SUCCESS;
    return HV_STATUS_INVALID_PARTITION_ID;
}

static struct vp *find_vp(const struct hypercall *call, uint32_t index)
{
    if (index == HV_VP_INDEX_SELF)
        return call->vp;
    if (index >= call->vp->partition->vp_count)
        return NULL;
    return &call->vp->partition->vps[index];
}

/* The caller is going to spin; its LP has nothing else to run. */
enum hv_status hypercall_notify_long_spin_wait(const struct hypercall *call)
{
    (void)call;
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_get_partition_id(const struct hypercall *call)
{
    struct hv_output_get_partition_id *output = call->output;

    output->partition_id = call->vp->partition->id;
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_start_virtual_processor(const struct hypercall *call)
{
    const struct hv_input_start_virtual_processor *input = call->input;
    enum hv_status status = check_own_partition(call, input->partition_id);
    struct vp_context_limits limits = vp_context_limits();
    struct vp *vp = find_vp(call, input->vp_index);

    if (status != HV_STATUS_SUCCESS)
        return status;
    if (vp == NULL)
        return HV_STATUS_INVALID_VP_INDEX;
    if (input->target_vtl != 0 || input->reserved[0] | input->reserved[1] | input->reserved[2])
        return HV_STATUS_INVALID_PARAMETER;
    if (atomic_load(&vp->state) != VP_WAITING)
        return HV_STATUS_INVALID_VP_STATE;
    if (!vp_context_valid(&input->context, &limits))
        return HV_STATUS_INVALID_REGISTER_VALUE;
    if (!atomic_compare_exchange(&vp->state, VP_WAITING, VP_STARTING))
        return HV_STATUS_INVALID_VP_STATE;
    vp->context = input->context;
    atomic_store(&vp->state, VP_RUNNING);
    /* A root VP has the LP of the same index. */
    lp_request(lp_by_index(vp->index), LP_REQUEST_START_VP);
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_get_vp_index_from_apic_id(const struct hypercall *call)
{
    const struct hv_input_get_vp_index_from_apic_id *input = call->input;
    enum hv_status status = check_own_partition(call, input->partition_id);
    uint32_t apic_id = *(const uint32_t *)call->element;

    if (status != HV_STATUS_SUCCESS)
        return status;
    if (input->target_vtl != 0)
        return HV_STATUS_INVALID_PARAMETER;
    for (size_t i = 0; i < sizeof(input->reserved); i++)
        if (input->reserved[i] != 0)
            return HV_STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < lp_count; i++) {
        if (lp_by_index(i)->apic_id == apic_id) {
            *(uint32_t *)call->output = i;
            return HV_STATUS_SUCCESS;
        }
    }
    return HV_STATUS_INVALID_PARAMETER;
}

enum hv_status hypercall_get_exit_counts(const struct hypercall *call)
{
    const struct hv_input_veneer_get_exit_counts *input = call->input;
    struct vp *vp = find_vp(call, input->vp_index);

    if (vp == NULL)
        return HV_STATUS_INVALID_VP_INDEX;
    if (input->reserved != 0)
        return HV_STATUS_INVALID_PARAMETER;
    *(struct hv_output_veneer_get_exit_counts *)call->output = vp->exits;
    return HV_STATUS_SUCCESS;
}
