/* The parent's end of the VMBus protocol (TLFS terms; message layouts in include/vmbus/messages.h):
 * what a guest may ask for, in which state, and what it is answered. Pure logic: whatever it needs
 * comes from a table of operations.
 *
 * Calls on one host do not overlap, but for vmbus_channel_serve() and what a provider calls
 * (vmbus/channel.h), which run in the channel's thread. Whatever the guest sends costs at most its
 * own channels. */
#ifndef VENEER_VMBUS_HOST_H
#define VENEER_VMBUS_HOST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/vmbus/messages.h"
#include "vmbus/channel.h"

#define VMBUS_HOST_MAX_CHANNELS 32u
#define VMBUS_HOST_MAX_GPADLS 16u        /* of a channel */
#define VMBUS_HOST_MAX_PAGES 65536u      /* in all GPADLs of a guest */
#define VMBUS_HOST_MAX_GPADL_PAGES 8190u /* what the length field of a header can describe */
#define VMBUS_HOST_NAME_SIZE 48

/* Relids are 1 to VMBUS_HOST_MAX_CHANNELS; the connection by which the guest signals a channel: */
#define VMBUS_EVENT_CONNECTION(relid) (0x10000u + (relid))

enum vmbus_post_status {
    VMBUS_POSTED,
    VMBUS_POST_BUSY,   /* the guest has not taken the last one: try again later */
    VMBUS_POST_FAILED, /* it cannot be delivered: no such VP, or no message page */
};

/* Pages of the guest's memory that the host has mapped in one go. */
struct vmbus_guest_range {
    uint64_t first, count;     /* numbers of pages in the guest; no count: there is nothing */
    const uint64_t *addresses; /* physical, of each */
    uint8_t *memory;           /* where physical memory is for the CPU, from address 0 on */
};

/* All are called as the host itself is, those marked (channel) also in channels' threads. @context:
 * as given to vmbus_host_create(). */
struct vmbus_host_operations {
    /* Posts a channel message of @size bytes to SINT @sint of VP @vp. */
    enum vmbus_post_status (*post)(void *context, uint32_t vp, uint8_t sint, const void *message,
                                   uint32_t size);
    /* Sets event flag @flag of VP @vp's SINT for VMBus. (channel) */
    void (*signal)(void *context, uint32_t vp, uint8_t sint, uint32_t flag);
    /* The range that has page @number of the guest's memory, which it may write; it stays as long
     * as the host. False: there is none. (channel) */
    bool (*range)(void *context, uint64_t number, struct vmbus_guest_range *range);
    /* Makes the thread of channel @relid, has it call vmbus_channel_enter(), and returns its
     * result; then the thread calls vmbus_channel_serve() whenever the guest signals or schedule()
     * is called. False also: no thread. */
    bool (*start)(void *context, uint32_t relid, struct vmbus_channel *channel);
    /* Has that thread call vmbus_channel_leave(), and ends it. */
    void (*stop)(void *context, uint32_t relid);
    /* Has vmbus_channel_serve() called soon. Interrupt handlers, too. */
    void (*schedule)(void *context, uint32_t relid);
    /* The channel has failed: vmbus_host_close_failed() is to be called soon. (channel) */
    void (*failed)(void *context, uint32_t relid);
    /* Zeroed memory, or NULL. */
    void *(*allocate)(void *context, size_t size);
    void (*free)(void *context, void *memory);
    /* For the log: about the guest, one line. (channel) */
    void (*log)(void *context, const char *format, va_list arguments);
};

struct vmbus_host;

/* @name: of the guest, for people; copied. NULL: no memory. */
struct vmbus_host *vmbus_host_create(const struct vmbus_host_operations *operations, void *context,
                                     const char *name);

/* Closes all channels. */
void vmbus_host_destroy(struct vmbus_host *host);

/* Offers a channel as @relid, which is free; at once, if the guest has asked for offers. *@offer is
 * copied. False: the relid is not free (perhaps because the guest has not released it yet), or out
 * of range. */
bool vmbus_host_offer(struct vmbus_host *host, uint32_t relid, const struct vmbus_offer *offer,
                      const char *name);

/* Closes the channel and rescinds the offer, if the relid is in use: the provider is not called any
 * more after that. */
void vmbus_host_remove(struct vmbus_host *host, uint32_t relid);

/* A message of the guest's has come by @connection_id. Only when vmbus_host_can_receive(): there is
 * room for all answers that a message can have. */
void vmbus_host_receive(struct vmbus_host *host, uint32_t connection_id, const void *message,
                        uint32_t size);
bool vmbus_host_can_receive(const struct vmbus_host *host);

/* Posts what waits. True: something still does; call again soon. After every other call. */
bool vmbus_host_send(struct vmbus_host *host);

/* Closes channel @relid if it has failed. */
void vmbus_host_close_failed(struct vmbus_host *host, uint32_t relid);

/* Protocol version of the connected guest, major << 16 | minor; 0: none is connected. */
uint32_t vmbus_host_version(const struct vmbus_host *host);

/* For the channel's thread, see the operations. Serve: the guest has signalled, or so. Busy:
 * requests are under way, as the provider said last. */
bool vmbus_channel_enter(struct vmbus_channel *channel);
void vmbus_channel_serve(struct vmbus_channel *channel);
void vmbus_channel_leave(struct vmbus_channel *channel);
bool vmbus_channel_is_busy(const struct vmbus_channel *channel);

#endif
