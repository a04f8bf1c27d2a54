/* HvCallGetVpRegisters, HvCallSetVpRegisters: the VP is stopped from the first element to the end.
 */
#include "hypervisor/dispatch.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/partition.h"
#include "hypervisor/vp_registers.h"
#include "include/hv/parent.h"

/* What stays between the elements of a call. */
struct register_access {
    struct vp *vp; /* NULL: not begun */
    bool changed;
    struct vp_registers registers;
};

_Static_assert(sizeof(struct register_access) <= HYPERCALL_SCRATCH, "scratch");

/* Inputs of both calls begin alike. */
static enum hv_status begin(const struct hypercall *call, struct register_access **access)
{
    const struct hv_input_get_vp_registers *input = call->input;
    enum hv_status status = HV_STATUS_SUCCESS;

    *access = call->scratch;
    if ((*access)->vp != NULL)
        return HV_STATUS_SUCCESS;
    if (input->input_vtl | input->padding[0] | input->padding[1] | input->padding[2])
        return HV_STATUS_INVALID_PARAMETER;
    struct vp *vp = hypercall_get_child_vp(call, input->partition_id, input->vp_index, &status);
    if (vp == NULL)
        return status;
    vp_access_begin(call->vp, vp);
    hw->get_registers(vp, &(*access)->registers);
    (*access)->vp = vp;
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_get_vp_registers(const struct hypercall *call)
{
    struct register_access *access;
    enum hv_status status = begin(call, &access);

    if (status != HV_STATUS_SUCCESS)
        return status;
    return vp_register_get(access->vp, &access->registers, *(const uint32_t *)call->element,
                           call->output);
}

enum hv_status hypercall_set_vp_registers(const struct hypercall *call)
{
    const struct hv_register_assoc *element = call->element;
    const struct hv_register_value value = {.low = element->value[0], .high = element->value[1]};
    struct register_access *access;
    enum hv_status status = begin(call, &access);

    if (status != HV_STATUS_SUCCESS)
        return status;
    return vp_register_set(access->vp, &access->registers, element->name, &value, &access->changed);
}

void hypercall_finish_vp_registers(const struct hypercall *call)
{
    struct register_access *access = call->scratch;

    if (access->vp == NULL)
        return;
    if (access->changed)
        hw->set_registers(access->vp, &access->registers);
    vp_access_end(call->vp, access->vp);
    partition_put(access->vp->partition);
}
