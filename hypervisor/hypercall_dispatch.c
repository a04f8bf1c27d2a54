/* Hypercalls that run child VPs, and what goes with it. */
#include "hypervisor/dispatch.h"
#include "hypervisor/exit.h"
#include "hypervisor/hw.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/register_rule.h"

#define CR3_ADDRESS 0x000ffffffffff000ull

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

static enum exit_action answer(struct vp *root, enum hv_status status,
                               struct hv_output_dispatch_vp result)
{
    root->gpr[GPR_RAX] = (uint64_t)status;
    if (status == HV_STATUS_SUCCESS)
        root->gpr[GPR_RAX] |= (uint64_t)result.dispatch_state << VENEER_DISPATCH_STATE_SHIFT |
                              (uint64_t)result.dispatch_event << VENEER_DISPATCH_EVENT_SHIFT;
    return EXIT_SKIP;
}

/* From ring 3 by the resident VP of this LP: the usual case needs no look-up. */
static struct vp *find_bound(struct vp *root, uint64_t partition_id, uint32_t index, bool *got)
{
    struct vp *child = this_lp()->resident_vp;
    enum hv_status status;

    *got = child == NULL || child->index != index || child->partition->id != partition_id;
    if (*got)
        child = get_vp(root, partition_id, index, &status);
    if (child == NULL || child->bound_cr3 == (hw->cr3(root) & CR3_ADDRESS))
        return child;
    if (*got)
        partition_put(child->partition);
    return NULL;
}

enum exit_action hypercall_dispatch_vp_fast(struct vp *root, struct exit_mode mode)
{
    uint64_t partition_id = root->gpr[GPR_RDX], r8 = root->gpr[GPR_R8];
    uint32_t index = (uint32_t)r8, flags = (uint32_t)(r8 >> 32);
    struct hv_output_dispatch_vp result = {0};
    bool got;

    EXIT_COUNT(root, hypercall);
    if (!mode.protected_mode || !mode.long_mode || (mode.cpl != 0 && mode.cpl != 3))
        return EXIT_UD;
    if (mode.cpl == 0)
        return answer(root, dispatch(root, partition_id, index, flags, &result), result);

    struct vp *child = find_bound(root, partition_id, index, &got);
    if (child == NULL)
        return EXIT_UD;
    enum hv_status status = vp_dispatch(root, child, flags, got);
    if (status == HV_STATUS_OBJECT_IN_USE)
        return EXIT_RETRY;
    bool interrupted = status == HV_STATUS_SUCCESS && child->leave == VP_LEAVE_INTERRUPT;
    if (!interrupted)
        answer(root, status, vp_dispatch_result(child));
    if (got)
        partition_put(child->partition);
    return interrupted ? EXIT_RETRY : EXIT_SKIP;
}

enum hv_status hypercall_bind_vp(const struct hypercall *call)
{
    const struct hv_input_veneer_bind_vp *input = call->input;
    enum hv_status status;

    if (input->reserved != 0 || input->cr3 & ~CR3_ADDRESS)
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

/* The hypervisor only reads the word, whatever becomes of the page. */
enum hv_status hypercall_share_deadline(const struct hypercall *call)
{
    const struct hv_input_veneer_share_deadline *input = call->input;
    uint64_t *word = NULL;

    if (input->reserved != 0 || input->gpa % sizeof(uint64_t) != 0)
        return HV_STATUS_INVALID_PARAMETER;
    if (input->vp_index != call->vp->index) /* the LP's timer is its own VP's */
        return HV_STATUS_INVALID_VP_INDEX;
    if (input->gpa != 0) {
        word = partition_memory(call->vp->partition, gpa(input->gpa), sizeof(uint64_t), true);
        if (word == NULL)
            return HV_STATUS_INVALID_PARAMETER;
    }
    this_lp()->root_deadline = word;
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
