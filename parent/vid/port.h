/* Ports of the root: where messages and event flags from children arrive. They wait in their
 * partition until a process receives them. */
#ifndef VENEER_PARENT_VID_PORT_H
#define VENEER_PARENT_VID_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "include/hv/synic.h"
#include "parent/include/system_call.h"

struct partition;
struct port_queue;

/* What has arrived for one partition. NULL: no memory. NULL may be destroyed. */
struct port_queue *port_queue_create(void);
void port_queue_destroy(struct port_queue *queue);

/* Makes a port, and connects @partition's connection @connection_id to it. Thread. */
enum system_error port_create(struct partition *partition, enum system_port_type type,
                              uint32_t connection_id, uint16_t flag_count);

/* Deletes all ports of @partition, which nobody uses any more. Thread. */
void port_delete_all(struct partition *partition);

/* Takes what has come first: flags, then messages. Waits for it. Thread. */
enum system_error port_receive(struct partition *partition, struct system_vm_event *event,
                               uint64_t deadline);
bool port_has_something(struct partition *partition);

/* For the SynIC: a message, and event flag @number, have arrived at the root. Any. */
void port_message(const struct hv_message *message);
void port_flag(uint32_t number);

#endif
