/* What the files of the bus share. */
#ifndef VENEER_PARENT_VMBUS_INTERNAL_H
#define VENEER_PARENT_VMBUS_INTERNAL_H

#include "parent/include/spinlock.h"
#include "parent/include/thread.h"
#include "parent/vid/guest_memory.h"
#include "parent/vid/port.h"
#include "parent/vmbus/bus.h"

/* Bodies of GPADLs come in a burst without answers in between: those of the buffers of a network
 * card, 31 MiB and 16 MiB at 28 pages a message, fit. */
#define MESSAGES_MAX 512u

struct bus_message {
    uint32_t connection_id;
    uint32_t size;
    uint8_t payload[HV_MESSAGE_PAYLOAD_SIZE];
};

struct bus_channel {
    struct bus *bus;
    uint32_t relid;
    struct channel_device *device; /* with a reference; NULL: none */
    struct port_sink sink;
    struct port *port; /* the guest's signals */
    bool failed;       /* atomic: to be closed by the bus's thread */

    /* While it is open. */
    struct vmbus_channel *channel;
    struct thread *thread;
    struct completion entered;
    bool accepted;           /* what open() said */
    struct wait_queue queue; /* of the thread */
    bool work;               /* atomic: something is to be done */
    bool leave;              /* atomic: the thread is to end */
    uint64_t last_wait;      /* microseconds until there was work, while requests were under way */
};

struct bus {
    struct partition *partition;
    uint32_t process_id; /* of the worker that runs it */
    struct guest_memory *memory;
    struct ic *ics[IC_KIND_COUNT];
    struct keyboard *keyboard;

    struct mutex lock; /* the host and the channels' devices */
    struct vmbus_host *host;
    struct bus_channel channels[VMBUS_HOST_MAX_CHANNELS];

    struct port_sink sink;
    struct port *ports[2]; /* message connections */
    struct thread *thread;
    struct wait_queue queue; /* of the thread */
    bool stop, attention;    /* atomic */
    bool loss_logged;        /* of the thread: lost messages are said once */

    struct spinlock messages_lock; /* all below */
    uint32_t first, count, dropped;
    struct bus_message messages[MESSAGES_MAX];
};

/* Lets the bus's thread look again. Any. */
void bus_wake(struct bus *bus);

static inline struct bus_channel *bus_channel(struct bus *bus, uint32_t relid)
{
    return &bus->channels[relid - 1];
}

/* --- bus_channel.c: a channel's port and thread --- */

void bus_channel_init(struct bus *bus, uint32_t relid);

/* Offers @device, whose reference the channel gets, as channel @relid. The bus's lock is held. */
enum system_error bus_channel_attach(struct bus_channel *channel, struct channel_device *device);

/* The other way round, if there is a device. The bus's lock is held. */
void bus_channel_detach(struct bus_channel *channel);

/* Operations of the host. */
bool bus_channel_start(void *context, uint32_t relid, struct vmbus_channel *vmbus_channel);
void bus_channel_stop(void *context, uint32_t relid);
void bus_channel_schedule(void *context, uint32_t relid);
void bus_channel_failed(void *context, uint32_t relid);

/* --- bus_host.c: other operations of the host --- */

extern const struct vmbus_host_operations bus_host_operations;

#endif
