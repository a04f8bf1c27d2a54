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

/* For the SynIC: a message has arrived at the root; or event flags, which are set in @words and
 * stay so until they are received: whoever signals one again until then does not interrupt us. Any.
 */
void port_message(const struct hv_message *message);
void port_flags(uint64_t *words);

#endif
