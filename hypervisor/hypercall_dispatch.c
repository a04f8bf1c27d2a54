/* Hypercalls that run child VPs, and what goes with it. */
#include "hypervisor/dispatch.h"
#include "hypervisor/exit.h"
#include "hypervisor/hw.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/register_rule.h"

/* The VP, with a reference to its partition. NULL: *@status. */
static struct vp *get_vp(struct vp *root, uint64_t partition_id, uint32_t index,
                         enum hv_status *status)
{
    struct partition *partition = partition_get(root->partition, partition_id);
    struct vp *vp = NULL;

    *status = HV_STATUS_INVALID_PARTITION_ID;
    if (partition == NULL)
        return NULL;
    if (!partition_is_root(partition))
        vp = partition_vp(partition, index);
    if (vp == NULL) {
        *status = HV_STATUS_INVALID_VP_INDEX;
        partition_put(partition);
    }
    return vp;
}

static enum hv_status dispatch(struct vp *root, uint64_t partition_id, uint32_t index,
                               uint32_t flags, struct hv_output_dispatch_vp *output)
{
    enum hv_status status;
    struct vp *child = get_vp(root, partition_id, index, &status);

    if (child == NULL)
        return status;
    status = vp_dispatch(root, child, flags, true);
    *output = vp_dispatch_result(child);
    partition_put(child->partition);
    return status;
}

enum hv_status hypercall_dispatch_vp(const struct hypercall *call)
{
    const struct hv_input_dispatch_vp *input = call->input;

    if (input->spec_ctrl != 0)
        return HV_STATUS_INVALID_PARAMETER;
    return dispatch(call->vp, input->partition_id, input->vp_index, input->flags, call->output);
}

enum exit_action hypercall_dispatch_vp_fast(struct vp *root, enum exit_mode mode)
{
    uint64_t partition_id = root->gpr[GPR_RDX], r8 = root->gpr[GPR_R8];
    uint32_t index = (uint32_t)r8, flags = (uint32_t)(r8 >> 32);
    struct hv_output_dispatch_vp result = {0};
    enum exit_action action = EXIT_UD;
    enum hv_status status;

    if (mode == EXIT_MODE_KERNEL_64) {
        status = dispatch(root, partition_id, index, flags, &result);
        return vp_dispatch_answer(root, status, result);
    }
    struct vp *child =
        mode == EXIT_MODE_USER_64 ? get_vp(root, partition_id, index, &status) : NULL;
    if (child == NULL)
        return EXIT_UD;
    if (child->bound_cr3 == (hw->cr3(root) & VP_BOUND_CR3_MASK)) {
        status = vp_dispatch(root, child, flags, true);
        action = EXIT_RETRY;
        if (status != HV_STATUS_SUCCESS || child->leave != VP_LEAVE_INTERRUPT)
            action = vp_dispatch_answer(root, status, vp_dispatch_result(child));
    }
    partition_put(child->partition);
    return action;
}

enum hv_status hypercall_bind_vp(const struct hypercall *call)
{
    const struct hv_input_veneer_bind_vp *input = call->input;
    enum hv_status status;

    if (input->reserved != 0 || input->cr3 & ~VP_BOUND_CR3_MASK)
        return HV_STATUS_INVALID_PARAMETER;
    struct vp *child = get_vp(call->vp, input->partition_id, input->vp_index, &status);
    if (child == NULL)
        return status;
    child->bound_cr3 = input->cr3;
    partition_put(child->partition);
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_set_register_rule(const struct hypercall *call)
{
    const struct hv_input_veneer_set_vp_register_rule *input = call->input;
    enum hv_status status;
    struct vp *child = get_vp(call->vp, input->partition_id, input->vp_index, &status);

    if (child == NULL)
        return status;
    vp_access_begin(call->vp, child);
    status = register_rule_set(child, input);
    vp_access_end(call->vp, child);
    partition_put(child->partition);
    return status;
}

/* The hypervisor only reads it, whatever becomes of the page. */
enum hv_status hypercall_share_deadline(const struct hypercall *call)
{
    const struct hv_input_veneer_share_deadline *input = call->input;
    const struct veneer_root_timer *timer = NULL;

    if (input->reserved != 0 || input->gpa % sizeof(*timer) != 0)
        return HV_STATUS_INVALID_PARAMETER;
    if (input->vp_index != call->vp->index) /* the LP's timer is its own VP's */
        return HV_STATUS_INVALID_VP_INDEX;
    if (input->gpa != 0) {
        timer = partition_memory(call->vp->partition, gpa(input->gpa), sizeof(*timer), true);
        if (timer == NULL)
            return HV_STATUS_INVALID_PARAMETER;
    }
    this_lp()->root_timer = timer;
    this_lp()->armed_deadline = 0;
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_cancel_vp(const struct hypercall *call)
{
    const struct hv_input_veneer_cancel_vp *input = call->input;
    enum hv_status status;

    if (input->reserved != 0)
        return HV_STATUS_INVALID_PARAMETER;
    struct vp *child = get_vp(call->vp, input->partition_id, input->vp_index, &status);
    if (child == NULL)
        return status;
    vp_attention(child, VP_ATTENTION_CANCEL);
    partition_put(child->partition);
    return HV_STATUS_SUCCESS;
}
