/* Ports and connections (TLFS 11.4): where messages and events from one partition go in another.
 * Port and connection ids are the parent's choice. A port's queue is bounded: what does not fit is
 * refused to the sender. */
#ifndef VENEER_HYPERVISOR_PORT_H
#define VENEER_HYPERVISOR_PORT_H

#include <stdint.h>

#include "hypervisor/vp.h"
#include "include/hv/parent.h"
#include "include/hv/status.h"

/* The parent's calls (HvCallCreatePort, ConnectPort, DeletePort, DisconnectPort). Partition ids of
 * the input have been resolved: @port_owner, @connection_owner are referenced. Memory comes from
 * the owner's pool. A port with connections can be deleted: they then answer
 * HV_STATUS_INVALID_CONNECTION_ID. */
enum hv_status port_create(struct partition *port_owner, const struct hv_input_create_port *input);
enum hv_status port_delete(struct partition *port_owner, uint32_t port_id);
enum hv_status port_connect(struct partition *connection_owner, struct partition *port_owner,
                            const struct hv_input_connect_port *input);
enum hv_status port_disconnect(struct partition *connection_owner, uint32_t connection_id);

/* HvPostMessage and HvSignalEvent of @sender. */
enum hv_status port_post_message(struct vp *sender, uint32_t connection_id, uint32_t message_type,
                                 const void *payload, uint32_t size);
enum hv_status port_signal_event(struct vp *sender, uint32_t connection_id, uint16_t flag);

/* Delivers queued messages of ports that target @vp, as far as slots are free. On the VP's LP. */
void port_deliver_queued(struct vp *vp);

/* The partition, finalized already, goes: its ports and connections are freed, others' connections
 * to its ports are cut. Before its VPs are freed: afterwards no port uses them. */
void port_release_partition(struct partition *partition);

#endif
