/* Hypercalls about ports, messages, events and interrupts. */
#include "hypervisor/atomic.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/partition.h"
#include "hypervisor/port.h"
#include "include/hv/cpuid.h"
#include "include/hv/synic_calls.h"
#include "lib/string.h"

/* --- Of everybody --- */

/* @privilege: of the upper half (CPUID 40000003h EBX). The root may do everything. */
static bool may(const struct vp *vp, uint32_t privilege)
{
    return partition_is_root(vp->partition) || vp->partition->privileges >> 32 & privilege;
}

enum hv_status hypercall_post_message(const struct hypercall *call)
{
    const struct hv_input_post_message *input = call->input;

    if (!may(call->vp, HV_POST_MESSAGES))
        return HV_STATUS_ACCESS_DENIED;
    if (input->reserved != 0)
        return HV_STATUS_INVALID_PARAMETER;
    return port_post_message(call->vp, input->connection_id, input->message_type, input->payload,
                             input->payload_size);
}

enum hv_status hypercall_signal_event(const struct hypercall *call)
{
    const struct hv_input_signal_event *input = call->input;

    if (!may(call->vp, HV_SIGNAL_EVENTS))
        return HV_STATUS_ACCESS_DENIED;
    if (input->reserved != 0)
        return HV_STATUS_INVALID_PARAMETER;
    return port_signal_event(call->vp, input->connection_id, input->flag_number);
}

/* --- Of the root --- */

/* The inputs of all of them begin with a partition id. Does @function with that partition, which is
 * referenced meanwhile. */
static enum hv_status with_partition(const struct hypercall *call,
                                     enum hv_status (*function)(struct partition *partition,
                                                                const struct hypercall *call))
{
    struct partition *partition;
    enum hv_status status;

    if (!partition_is_root(call->vp->partition))
        return HV_STATUS_ACCESS_DENIED;
    partition = partition_get(call->vp->partition, *(const uint64_t *)call->input);
    if (partition == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    status = function(partition, call);
    partition_put(partition);
    return status;
}

#define ROOT_CALL(name)                                                                            \
    enum hv_status hypercall_##name(const struct hypercall *call)                                  \
    {                                                                                              \
        return with_partition(call, name);                                                         \
    }

static enum hv_status create_port(struct partition *owner, const struct hypercall *call)
{
    struct hv_input_create_port input = *(const struct hv_input_create_port *)call->input;

    if (input.connection_partition_id == HV_PARTITION_ID_SELF)
        input.connection_partition_id = call->vp->partition->id;
    return port_create(owner, &input);
}

ROOT_CALL(create_port)

static enum hv_status delete_port(struct partition *owner, const struct hypercall *call)
{
    const struct hv_input_delete_port *input = call->input;

    return input->flags != 0 ? HV_STATUS_INVALID_PARAMETER : port_delete(owner, input->port_id);
}

ROOT_CALL(delete_port)

static enum hv_status connect_port(struct partition *owner, const struct hypercall *call)
{
    const struct hv_input_connect_port *input = call->input;
    struct partition *port_owner = partition_get(call->vp->partition, input->port_partition_id);
    enum hv_status status;

    if (port_owner == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    status = port_connect(owner, port_owner, input);
    partition_put(port_owner);
    return status;
}

ROOT_CALL(connect_port)

static enum hv_status disconnect_port(struct partition *owner, const struct hypercall *call)
{
    const struct hv_input_disconnect_port *input = call->input;

    return input->flags != 0 ? HV_STATUS_INVALID_PARAMETER
                             : port_disconnect(owner, input->connection_id);
}

ROOT_CALL(disconnect_port)

static enum hv_status post_message_direct(struct partition *partition, const struct hypercall *call)
{
    const struct hv_input_post_message_direct *input = call->input;
    struct vp *vp = partition_vp(partition, input->vp_index);
    struct hv_message message;

    if (vp == NULL)
        return HV_STATUS_INVALID_VP_INDEX;
    memcpy(&message, input->message, sizeof(message));
    if (input->vtl != 0 || input->sint_index >= HV_SYNIC_SINT_COUNT ||
        message.message_type == HV_MESSAGE_TYPE_NONE ||
        message.payload_size > HV_MESSAGE_PAYLOAD_SIZE)
        return HV_STATUS_INVALID_PARAMETER;
    return synic_deliver_message(vp, input->sint_index, &message);
}

ROOT_CALL(post_message_direct)

static enum hv_status signal_event_direct(struct partition *partition, const struct hypercall *call)
{
    const struct hv_input_signal_event_direct *input = call->input;
    struct hv_output_signal_event_direct *output = call->output;
    struct vp *vp = partition_vp(partition, input->target_vp);
    bool newly = false;
    enum hv_status status;

    if (vp == NULL)
        return HV_STATUS_INVALID_VP_INDEX;
    if (input->target_vtl != 0 || input->target_sint >= HV_SYNIC_SINT_COUNT ||
        input->flag_number >= HV_EVENT_FLAGS_COUNT)
        return HV_STATUS_INVALID_PARAMETER;
    status = synic_signal_event(vp, input->target_sint, input->flag_number, &newly);
    *output = (struct hv_output_signal_event_direct){.newly_signaled = newly};
    return status;
}

ROOT_CALL(signal_event_direct)

/* Fixed, lowest priority, NMI, INIT, SIPI, ExtINT. */
#define INTERRUPT_TYPES 0xf3u

static enum hv_status assert_virtual_interrupt(struct partition *partition,
                                               const struct hypercall *call)
{
    const struct hv_input_assert_virtual_interrupt *input = call->input;
    uint64_t control = input->interrupt_control;
    struct lapic_message message = {
        .type = (uint32_t)(control & HV_INTERRUPT_CONTROL_TYPE_MASK),
        .vector = input->requested_vector,
        .destination = (uint32_t)input->destination_address,
        .logical = (control & HV_INTERRUPT_CONTROL_LOGICAL_DESTINATION) != 0,
        .level = (control & HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED) != 0,
    };

    if (partition_is_root(partition)) /* its local APICs are real */
        return HV_STATUS_INVALID_PARTITION_ID;
    if (control & ~(HV_INTERRUPT_CONTROL_TYPE_MASK | HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED |
                    HV_INTERRUPT_CONTROL_LOGICAL_DESTINATION) ||
        message.type >= 8 || (INTERRUPT_TYPES >> message.type & 1) == 0 || message.vector > 255 ||
        input->destination_address > UINT32_MAX || input->target_vtl != 0)
        return HV_STATUS_INVALID_PARAMETER;
    return lapic_request(partition, &message) ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARAMETER;
}

ROOT_CALL(assert_virtual_interrupt)

static enum hv_status clear_virtual_interrupt(struct partition *partition,
                                              const struct hypercall *call)
{
    (void)call;
    for (uint32_t i = 0; i < PARTITION_MAX_VPS; i++) {
        struct vp *vp = partition_vp(partition, i);
        if (vp != NULL)
            atomic_store(&vp->lapic.extint, 0);
    }
    return HV_STATUS_SUCCESS;
}

ROOT_CALL(clear_virtual_interrupt)
