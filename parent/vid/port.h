/* Ports of the root: where messages and event flags from children arrive. They wait in their
 * partition until a process receives them, or go to a function of the kernel at once. */
#ifndef VENEER_PARENT_VID_PORT_H
#define VENEER_PARENT_VID_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "include/hv/synic.h"
#include "parent/include/system_call.h"

struct partition;
struct port;
struct port_queue;

/* Where a port of the kernel's own gives what arrives: one of the functions, the other is NULL.
 * They are called in interrupt handlers with the ports' lock held (LOCK_LEVEL_OBJECT). */
struct port_sink {
    void (*message)(void *context, uint32_t connection_id, const struct hv_message *message);
    void (*event)(void *context); /* the port's only flag, which is clear again */
    void *context;
};

/* What has arrived for one partition. NULL: no memory. NULL may be destroyed. */
struct port_queue *port_queue_create(void);
void port_queue_destroy(struct port_queue *queue);

/* Makes a port, and connects @partition's connection @connection_id to it. Thread. */
enum system_error port_create(struct partition *partition, enum system_port_type type,
                              uint32_t connection_id, uint16_t flag_count);

/* The same for a port whose messages or events go to @sink, which stays; it does not count for the
 * limit of the partition's processes. Thread. */
enum system_error port_create_sink(struct partition *partition, const struct port_sink *sink,
                                   uint32_t connection_id, struct port **port);

/* Deletes a port of port_create_sink(). Its sink is not called any more after that. Thread. */
void port_delete(struct port *port);

/* Deletes all ports of @partition, which nobody uses any more. Thread. */
void port_delete_all(struct partition *partition);

/* Takes what has come first: flags, then messages. Waits for it. Thread. */
enum system_error port_receive(struct partition *partition, struct system_vm_event *event,
                               uint64_t deadline);
bool port_has_something(struct partition *partition);

/* For the SynIC: a message has arrived at the root; or event flags, which are set in @words and
 * stay so until they are received: whoever signals one again until then does not interrupt us;
 * a sink's are cleared at once. Any. */
void port_message(const struct hv_message *message);
void port_flags(uint64_t *words);

#endif
