/* The guest's receive buffer, divided into sections of one size, each for one RNDIS message to the
 * guest. A section is free, or ready (filled, to be announced), or with the guest, in a batch that
 * it completes as a whole. Pure; its user's lock is held around all calls but
 * receive_buffer_write(). */
#ifndef VENEER_NETVSP_RECEIVE_BUFFER_H
#define VENEER_NETVSP_RECEIVE_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "include/vmbus/ring.h"

#define RECEIVE_SECTIONS_MIN 4u
#define RECEIVE_SECTIONS_MAX 2048u
#define RECEIVE_SECTION_NONE 0xffffu

/* Control messages go first, and have sections of their own kept for them. */
enum receive_kind { RECEIVE_CONTROL, RECEIVE_DATA, RECEIVE_KINDS };

enum receive_state {
    RECEIVE_FREE,
    RECEIVE_TAKEN, /* is being filled */
    RECEIVE_READY,
    RECEIVE_SENT,   /* with the guest: the first one of its batch, which names it */
    RECEIVE_MEMBER, /* with the guest: another one of the batch */
};

struct receive_section {
    uint16_t next; /* free, ready, or in the batch; RECEIVE_SECTION_NONE */
    uint8_t state; /* enum receive_state */
    uint32_t size; /* bytes of the message in it */
};

struct receive_list {
    uint16_t first, last;
    uint32_t count;
};

struct receive_buffer {
    uint8_t *const *pages; /* NULL: the guest has given none */
    uint32_t section_size, section_count;
    uint32_t reserve;    /* free sections that are kept for control messages */
    uint32_t generation; /* of the buffer: a completion of an older one is ignored */
    struct receive_list free, ready[RECEIVE_KINDS];
    struct receive_section sections[RECEIVE_SECTIONS_MAX];
};

/* Starts with a buffer of @page_count pages, which stay until receive_buffer_stop(), and sections
 * of
 * @section_size bytes. False: it is too small. */
bool receive_buffer_start(struct receive_buffer *buffer, uint8_t *const *pages, uint32_t page_count,
                          uint32_t section_size);

/* Nothing of the guest's buffer is used any more. */
void receive_buffer_stop(struct receive_buffer *buffer);

/* A free section, or RECEIVE_SECTION_NONE. */
uint16_t receive_buffer_take(struct receive_buffer *buffer, enum receive_kind kind);

/* Copies @size bytes into @section at @offset, all within it. */
void receive_buffer_write(const struct receive_buffer *buffer, uint16_t section, uint32_t offset,
                          const void *data, uint32_t size);

/* The message in @section, which was taken, is complete. True: it is the only one that waits. */
bool receive_buffer_ready(struct receive_buffer *buffer, enum receive_kind kind, uint16_t section,
                          uint32_t size);

/* Describes the first messages that wait, at most @limit; how many. */
uint32_t receive_buffer_peek(const struct receive_buffer *buffer, enum receive_kind kind,
                             struct vmbus_transfer_range *ranges, uint32_t limit);

/* The transaction by which the guest completes the batch that begins with the first that waits. */
uint64_t receive_buffer_transaction(const struct receive_buffer *buffer, enum receive_kind kind);

/* The first @count that wait, at least one, are with the guest now. */
void receive_buffer_sent(struct receive_buffer *buffer, enum receive_kind kind, uint32_t count);

/* The guest gives a batch back. False: it does not have it. */
bool receive_buffer_complete(struct receive_buffer *buffer, uint64_t transaction);

#endif
