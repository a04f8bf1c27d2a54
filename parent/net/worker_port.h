/* A port of a virtual switch for a worker process, which is the network adapter behind it: an
 * object with a handle, used by system calls (SYSTEM_PORT_…). It sends from its configured address
 * only, and gets what is for it, whatever the guest asks for. Frames for it wait in a queue; when
 * that is full, further ones are dropped and counted. */
#ifndef VENEER_PARENT_NET_WORKER_PORT_H
#define VENEER_PARENT_NET_WORKER_PORT_H

#include "parent/include/system_call.h"
#include "parent/include/thread.h"
#include "parent/kernel/proc/object.h"
#include "parent/net/frame_queue.h"
#include "parent/net/virtual_switch.h"

#define WORKER_PORT_FRAMES 128 /* that wait */

struct worker_port {
    struct object object; /* OBJECT_WORKER_PORT */
    struct switch_port port;
    struct virtual_switch *net; /* with a reference; NULL: none yet */

    struct spinlock lock; /* all below */
    struct frame_queue queue;
    bool link_told; /* what the worker knows of the link */

    struct wait_queue work; /* the worker waits for frames and changes of the link */
    struct mutex send_lock; /* @frames */
    uint8_t frames[SYSTEM_MAX_FRAMES_SIZE]; /* that are being sent */
};

/* A port that receives nothing yet, and is not connected: the caller connects @port (its address,
 * MTU and callbacks, and the owner's name @owner) to a switch and then sets @net, with its
 * reference to that; both are given back with the last reference to the object, of which the caller
 * has one. NULL: no memory. Thread. */
struct worker_port *worker_port_create(const char *owner);

/* Fills in @information; from now on the worker knows of the link. Thread. */
void worker_port_describe(struct worker_port *port, struct system_port_information *information);

/* How many frames the @size bytes at @frames are; 0: they are not just frames. Pure. */
unsigned worker_port_count(const uint8_t *frames, uint32_t size);

/* Sends them, of which there is at least one. Thread. */
void worker_port_send(struct worker_port *port, const uint8_t *frames, uint32_t size);

/* Sets the filter, enum system_port_filter, and drops what waits. Thread. */
void worker_port_filter(struct worker_port *port, uint32_t filter);

/* Whether a frame waits, or the link has changed. Any. */
bool worker_port_is_ready(struct worker_port *port);

/* The first frame that takes no more than @space bytes as a struct system_frame: the caller's until
 * net_buffer_put(); NULL: there is none, or it is too large. Thread. */
struct net_buffer *worker_port_receive(struct worker_port *port, uint32_t space);

#endif
