/* The guest's end of VMBus, for any freestanding kernel: contact, offers, GPADLs, channels. What it
 * needs of the kernel comes from a table of operations; it allocates nothing.
 *
 * Calls on one bus and its channels do not overlap. Functions that wait do so by the operation
 * wait(), and return false when that gives up. The host is trusted with this guest's memory, but
 * not with indices and lengths. */
#ifndef VENEER_VSC_BUS_H
#define VENEER_VSC_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/vmbus/messages.h"
#include "vmbus/ring.h"

#define VSC_MAX_CHANNELS 32u

struct vsc_bus;

struct vsc_operations {
    /* Posts a message to @connection, trying again while the host has no room. False: refused. */
    bool (*post)(void *context, uint32_t connection, const void *message, uint32_t size);
    /* Signals the event connection @connection. */
    void (*signal)(void *context, uint32_t connection);
    /* Physical address of the page that begins at @page. */
    uint64_t (*address)(void *context, const void *page);
    /* Waits until the host has sent something, gives messages to vsc_bus_receive(), and returns
     * true; it may return before. False: it has waited long enough, nothing will come. */
    bool (*wait)(void *context);
    /* For people: what went wrong, one line. */
    void (*log)(void *context, const char *format, ...) __attribute__((format(printf, 2, 3)));
};

struct vsc_channel {
    struct vsc_bus *bus;
    struct vmbus_offer_channel offer;
    bool offered, rescinded, open;
    bool polled; /* set by its user: it looks by itself, the host need not signal */
    uint32_t ring_gpadl;
    struct vmbus_ring outgoing, incoming;
};

/* Pages of the kernel's that stay until vsc_bus_unload(): for old protocols. */
struct vsc_bus_pages {
    uint8_t *interrupt; /* zeroed; below 5.0 */
    uint8_t *monitor[2];
};

struct vsc_bus {
    const struct vsc_operations *operations;
    void *context;
    struct vsc_bus_pages pages;
    uint32_t version; /* VMBUS_VERSION(); 0: not connected */
    uint32_t connection;
    uint32_t last_gpadl, last_open_id;
    bool all_offers;
    struct vsc_channel channels[VSC_MAX_CHANNELS];
    /* The last answer that was not an offer or a rescind. */
    uint32_t answer_type; /* 0: none since it was asked for */
    uint8_t answer[VMBUS_MESSAGE_MAX] __attribute__((aligned(8)));
};

/* Negotiates the newest version that the host has, at most @newest, and gets the offers; the host's
 * messages are to come to SINT @sint of VP @vp. False: no host, or none that speaks any of them. */
bool vsc_bus_connect(struct vsc_bus *bus, const struct vsc_operations *operations, void *context,
                     const struct vsc_bus_pages *pages, uint32_t newest, uint32_t vp, uint8_t sint);

/* A SynIC message of VMBus has come; copied. From wait(), or whenever it is not called. */
void vsc_bus_receive(struct vsc_bus *bus, const void *message, size_t size);

/* Channel number @index (0, 1, …) that is offered of class @class_id; NULL: none. */
struct vsc_channel *vsc_bus_find(struct vsc_bus *bus, const struct vmbus_guid *class_id,
                                 unsigned index);

/* Ends the connection: the host uses no memory of this guest any more. False: no answer. */
bool vsc_bus_unload(struct vsc_bus *bus);

/* Names @count pages to the host for @channel. The GPADL's number; 0: refused. */
uint32_t vsc_gpadl_create(struct vsc_channel *channel, uint8_t *const *pages, uint32_t count);

/* When it returns true, the host uses the pages no more. */
bool vsc_gpadl_teardown(struct vsc_channel *channel, uint32_t gpadl);

/* Opens with two rings in @pages: the first half goes to the host. Each has at least two pages;
 * pages and the array stay until it is closed. The host signals VP @vp. */
bool vsc_channel_open(struct vsc_channel *channel, uint8_t *const *pages, uint32_t page_count,
                      uint32_t vp);

/* Closes, if open, and gives the relid back if the offer was rescinded. */
void vsc_channel_close(struct vsc_channel *channel);

/* Appends a packet, see vmbus_ring_write(); and shows the host what was appended. */
enum vmbus_ring_status vsc_channel_write(struct vsc_channel *channel, uint16_t type, uint16_t flags,
                                         uint64_t transaction_id, uint32_t descriptor_size,
                                         const struct vmbus_ring_piece *pieces, uint32_t count);
void vsc_channel_flush(struct vsc_channel *channel);

/* The next packet, see vmbus_ring_read(). When the ring is EMPTY it has been given back, and the
 * host signals what comes next. */
enum vmbus_ring_status vsc_channel_read(struct vsc_channel *channel, struct vmbus_packet *packet,
                                        void *buffer, size_t capacity);

#endif
