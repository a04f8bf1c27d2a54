/* Channel messages of VMBus protocols 2.4 to 5.3: what guest and host post to each other by the
 * SynIC. All numbers are little-endian; c→p and p→c are directions between child and parent. */
#ifndef VENEER_VMBUS_MESSAGES_H
#define VENEER_VMBUS_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "include/vmbus/guid.h"

#define VMBUS_MESSAGE_MAX 240 /* bytes, as the SynIC's payload */
#define VMBUS_USER_DATA_SIZE 120

/* Of the SynIC's messages that carry channel messages, both ways. */
#define VMBUS_SYNIC_MESSAGE_TYPE 1u
#define VMBUS_SINT 2u

/* Connections of the guest to which it posts: the second one for the first contact from 5.0 on,
 * the first one below. */
#define VMBUS_CONNECTION_OLD 1u
#define VMBUS_CONNECTION_NEW 4u

#define VMBUS_VERSION(major, minor) ((uint32_t)(major) << 16 | (minor))

enum vmbus_message_type {
    VMBUS_MESSAGE_OFFER_CHANNEL = 1,            /* p→c */
    VMBUS_MESSAGE_RESCIND_CHANNEL_OFFER = 2,    /* p→c */
    VMBUS_MESSAGE_REQUEST_OFFERS = 3,           /* c→p: header only */
    VMBUS_MESSAGE_ALL_OFFERS_DELIVERED = 4,     /* p→c: header only */
    VMBUS_MESSAGE_OPEN_CHANNEL = 5,             /* c→p */
    VMBUS_MESSAGE_OPEN_CHANNEL_RESULT = 6,      /* p→c */
    VMBUS_MESSAGE_CLOSE_CHANNEL = 7,            /* c→p, no answer */
    VMBUS_MESSAGE_GPADL_HEADER = 8,             /* c→p */
    VMBUS_MESSAGE_GPADL_BODY = 9,               /* c→p */
    VMBUS_MESSAGE_GPADL_CREATED = 10,           /* p→c */
    VMBUS_MESSAGE_GPADL_TEARDOWN = 11,          /* c→p */
    VMBUS_MESSAGE_GPADL_TORNDOWN = 12,          /* p→c */
    VMBUS_MESSAGE_RELID_RELEASED = 13,          /* c→p */
    VMBUS_MESSAGE_INITIATE_CONTACT = 14,        /* c→p */
    VMBUS_MESSAGE_VERSION_RESPONSE = 15,        /* p→c */
    VMBUS_MESSAGE_UNLOAD = 16,                  /* c→p: header only */
    VMBUS_MESSAGE_UNLOAD_RESPONSE = 17,         /* p→c: header only */
    VMBUS_MESSAGE_MODIFY_CHANNEL = 22,          /* c→p */
    VMBUS_MESSAGE_MODIFY_CHANNEL_RESPONSE = 24, /* p→c, from 5.3 on */
};

struct vmbus_header {
    uint32_t type; /* enum vmbus_message_type */
    uint32_t reserved;
};

struct vmbus_initiate_contact {
    struct vmbus_header header;
    uint32_t version;   /* VMBUS_VERSION() */
    uint32_t target_vp; /* for the host's messages */
    union {
        uint64_t interrupt_page; /* below 5.0: GPA */
        struct {
            uint8_t sint; /* from 5.0 on: for the host's messages */
            uint8_t reserved[7];
        };
    };
    uint64_t monitor_pages[2]; /* GPAs */
};

struct vmbus_version_response {
    struct vmbus_header header;
    uint8_t supported;
    uint8_t connection_state; /* 0: connected */
    uint16_t reserved;
    uint32_t message_connection_id; /* from 5.0 on: where the guest posts from now on */
};

/* Of channel_flags. */
#define VMBUS_OFFER_NAMED_PIPE_MODE 0x10u

struct vmbus_offer_channel {
    struct vmbus_header header;
    struct vmbus_guid class_id, instance_id;
    uint32_t reserved1[4];
    uint16_t channel_flags;
    uint16_t mmio_megabytes;
    uint8_t user_data[VMBUS_USER_DATA_SIZE]; /* of pipes: u32 mode first, 4 for messages */
    uint16_t sub_channel_index;              /* 0: none */
    uint16_t reserved3;
    uint32_t relid; /* names the channel, and is its event flag */
    uint8_t monitor_id, monitor_allocated;
    uint16_t is_dedicated_interrupt; /* the guest signals by connection_id alone */
    uint32_t connection_id;
};

/* RESCIND_CHANNEL_OFFER, CLOSE_CHANNEL, RELID_RELEASED. */
struct vmbus_relid_message {
    struct vmbus_header header;
    uint32_t relid;
};

struct vmbus_open_channel {
    struct vmbus_header header;
    uint32_t relid;
    uint32_t open_id; /* the result repeats it */
    uint32_t ring_gpadl;
    uint32_t target_vp;              /* for the host's signals */
    uint32_t downstream_page_offset; /* of the ring from host to guest; the other one is at 0 */
    uint8_t user_data[VMBUS_USER_DATA_SIZE];
};

struct vmbus_open_result {
    struct vmbus_header header;
    uint32_t relid, open_id;
    uint32_t status; /* 0: open */
};

/* One range (more are not used): what fits of its u64 page numbers follows the structure, the rest
 * comes in GPADL_BODY messages. */
struct vmbus_gpadl_header {
    struct vmbus_header header;
    uint32_t relid, gpadl;
    uint16_t range_buffer_length; /* bytes: the range and all its page numbers */
    uint16_t range_count;         /* 1 */
    uint32_t range_byte_count, range_byte_offset;
};

struct vmbus_gpadl_body {
    struct vmbus_header header;
    uint32_t number; /* of the body, for people */
    uint32_t gpadl;
};

struct vmbus_gpadl_created {
    struct vmbus_header header;
    uint32_t relid, gpadl;
    uint32_t status; /* 0: created */
};

struct vmbus_gpadl_teardown {
    struct vmbus_header header;
    uint32_t relid, gpadl;
};

struct vmbus_gpadl_torndown {
    struct vmbus_header header;
    uint32_t gpadl;
};

struct vmbus_modify_channel {
    struct vmbus_header header;
    uint32_t relid, target_vp;
};

struct vmbus_modify_channel_response {
    struct vmbus_header header;
    uint32_t relid;
    uint32_t status; /* 0: done */
};

/* Page numbers that fit into one message. */
#define VMBUS_GPADL_HEADER_PAGES                                                                   \
    ((VMBUS_MESSAGE_MAX - sizeof(struct vmbus_gpadl_header)) / sizeof(uint64_t))
#define VMBUS_GPADL_BODY_PAGES                                                                     \
    ((VMBUS_MESSAGE_MAX - sizeof(struct vmbus_gpadl_body)) / sizeof(uint64_t))

_Static_assert(sizeof(struct vmbus_header) == 8, "wire format");
_Static_assert(sizeof(struct vmbus_initiate_contact) == 40, "wire format");
_Static_assert(offsetof(struct vmbus_initiate_contact, sint) == 16, "wire format");
_Static_assert(sizeof(struct vmbus_version_response) == 16, "wire format");
_Static_assert(sizeof(struct vmbus_offer_channel) == 196, "wire format");
_Static_assert(offsetof(struct vmbus_offer_channel, user_data) == 60, "wire format");
_Static_assert(offsetof(struct vmbus_offer_channel, relid) == 184, "wire format");
_Static_assert(sizeof(struct vmbus_relid_message) == 12, "wire format");
_Static_assert(sizeof(struct vmbus_open_channel) == 148, "wire format");
_Static_assert(sizeof(struct vmbus_open_result) == 20, "wire format");
_Static_assert(sizeof(struct vmbus_gpadl_header) == 28, "wire format");
_Static_assert(sizeof(struct vmbus_gpadl_body) == 16, "wire format");
_Static_assert(sizeof(struct vmbus_gpadl_created) == 20, "wire format");
_Static_assert(sizeof(struct vmbus_gpadl_teardown) == 16, "wire format");
_Static_assert(sizeof(struct vmbus_gpadl_torndown) == 12, "wire format");
_Static_assert(sizeof(struct vmbus_modify_channel) == 16, "wire format");
_Static_assert(sizeof(struct vmbus_modify_channel_response) == 16, "wire format");

#endif
