/* What the files of the host side share. */
#ifndef VENEER_VMBUS_HOST_INTERNAL_H
#define VENEER_VMBUS_HOST_INTERNAL_H

#include "vmbus/host.h"

/* Answers that wait: those to one message, of which the list of offers is the longest, and what the
 * administrator causes meanwhile: a rescind and an offer per channel. */
#define ANSWERS_MAX (VMBUS_HOST_MAX_CHANNELS + 1)
#define OUTGOING_MAX 128u
_Static_assert(OUTGOING_MAX >= ANSWERS_MAX + 2 * VMBUS_HOST_MAX_CHANNELS, "room for all");

#define LOG_LINES_MAX 8u
#define LOG_TEXT_MAX 160u /* bytes of a line */

struct vmbus_gpadl {
    uint32_t id;
    uint32_t page_count;
    uint32_t filled; /* pages whose numbers have come; all: it is complete */
    bool torn_down;  /* kept for its open channel, the guest does not know it any more */
    uint8_t *pages[];
};

enum channel_state {
    CHANNEL_FREE,
    CHANNEL_OFFERED,   /* or will be, when the guest asks */
    CHANNEL_OPEN,      /* its thread runs */
    CHANNEL_RESCINDED, /* until the guest releases the relid */
};

struct vmbus_channel {
    struct vmbus_host *host;
    uint32_t relid;
    enum channel_state state;
    bool announced; /* the guest has been sent the offer */
    bool failed;    /* atomic: to be closed */
    bool drained;   /* the ring was empty when it was last read */
    bool busy;      /* vmbus_channel_set_busy() */
    uint32_t vp;    /* atomic: signals go there */
    struct vmbus_ring in, out;
    struct vmbus_offer offer;
    uint8_t open_data[VMBUS_USER_DATA_SIZE];
    /* Those of an open channel are only added, and not freed. Atomic to read. */
    struct vmbus_gpadl *gpadls[VMBUS_HOST_MAX_GPADLS];
    const struct vmbus_gpadl *ring_gpadl;
    uint32_t log_lines; /* atomic: how many host_log() has shown */
    char name[VMBUS_HOST_NAME_SIZE];
};

struct outgoing {
    uint32_t size;
    uint8_t data[VMBUS_MESSAGE_MAX];
};

struct vmbus_host {
    const struct vmbus_host_operations *operations;
    void *context;
    uint32_t version;       /* 0: not connected */
    uint32_t connection_id; /* by which the guest sends */
    uint32_t message_vp;
    uint8_t message_sint;
    bool offers_requested;
    uint32_t page_count;   /* in all GPADLs */
    uint32_t log_lines;    /* atomic: of those about no channel */
    uint32_t first, count; /* outgoing messages, in a ring */
    struct outgoing outgoing[OUTGOING_MAX];
    struct vmbus_channel channels[VMBUS_HOST_MAX_CHANNELS];
    char name[VMBUS_HOST_NAME_SIZE];
};

/* One line about what the guest does wrong with @channel, or on the bus (NULL). A guest can go on
 * for ever: after LOG_LINES_MAX lines about a channel, or the bus, no more are shown. (channel) */
void host_log(struct vmbus_host *host, struct vmbus_channel *channel, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Queues a message of @size bytes, its header included. */
void host_queue(struct vmbus_host *host, const void *message, uint32_t size);

/* NULL: no such relid, or nothing that the guest knows. */
struct vmbus_channel *host_channel(struct vmbus_host *host, uint32_t relid);

/* Closes it, if it is open. Its GPADLs that the guest has torn down are freed. */
void host_close(struct vmbus_channel *channel);

/* The physical address of page @number of the guest's memory; *@range is the range that had the
 * last one, or one without pages. False: there is no such page. (channel) */
static inline bool host_find_page(const struct vmbus_host *host, struct vmbus_guest_range *range,
                                  uint64_t number, uint64_t *address)
{
    if (number - range->first >= range->count &&
        !host->operations->range(host->context, number, range))
        return false;
    *address = range->addresses[number - range->first];
    return true;
}

/* --- host_gpadl.c --- */

void gpadl_header(struct vmbus_host *host, const void *message, uint32_t size);
void gpadl_body(struct vmbus_host *host, const void *message, uint32_t size);
void gpadl_teardown(struct vmbus_host *host, const void *message, uint32_t size);

/* A complete GPADL of @channel that the guest has not torn down, or NULL. (channel) */
struct vmbus_gpadl *gpadl_find(const struct vmbus_channel *channel, uint32_t id);

/* Frees the channel's GPADLs: all, or those that the guest has torn down. It is not open. */
void gpadl_free_all(struct vmbus_channel *channel, bool only_torn_down);

#endif
