/* What is in the ring of a channel: the control page, in front of the data, and packets. All
 * numbers are little-endian. Shared by both ends of the bus; the code is in vmbus/ring.c. */
#ifndef VENEER_VMBUS_RING_LAYOUT_H
#define VENEER_VMBUS_RING_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define VMBUS_PAGE_SIZE 4096u

/* The writer of a ring says by it: it sets pending_send_size when it waits for room. */
#define VMBUS_RING_FEATURE_PENDING_SEND_SIZE 1u

/* Indices are byte offsets into the data. The writer writes write_index, pending_send_size and
 * feature_bits, the reader the others. */
struct vmbus_ring_control {
    uint32_t write_index, read_index;
    uint32_t interrupt_mask;    /* not 0: the reader polls and wants no signals */
    uint32_t pending_send_size; /* the writer waits for more free bytes than this; 0: it does not */
    uint32_t reserved1[12];
    uint32_t feature_bits;
    uint8_t reserved2[VMBUS_PAGE_SIZE - 68];
};

_Static_assert(sizeof(struct vmbus_ring_control) == VMBUS_PAGE_SIZE, "wire format");
_Static_assert(offsetof(struct vmbus_ring_control, pending_send_size) == 12, "wire format");
_Static_assert(offsetof(struct vmbus_ring_control, feature_bits) == 64, "wire format");

enum vmbus_packet_type {
    VMBUS_PACKET_DATA_INBAND = 6,
    VMBUS_PACKET_TRANSFER_PAGES = 7, /* data are in ranges of a buffer both know */
    VMBUS_PACKET_GPADL = 8,
    VMBUS_PACKET_GPA_DIRECT = 9, /* data are in pages of the guest's that the packet names */
    VMBUS_PACKET_COMPLETION = 11,
};

#define VMBUS_PACKET_FLAG_COMPLETION_REQUESTED 1u

/* In front of each packet. A descriptor (ranges) may follow, then data; then padding to a multiple
 * of 8, which the length counts, and the trailer, which it does not. */
struct vmbus_packet_header {
    uint16_t type;        /* enum vmbus_packet_type */
    uint16_t data_offset; /* where the data begin, behind header and descriptor, in 8 bytes */
    uint16_t length;      /* header, descriptor, data and padding, in 8 bytes */
    uint16_t flags;
    uint64_t transaction_id; /* the completion repeats it */
};

/* Behind each packet. */
struct vmbus_packet_trailer {
    uint32_t reserved;
    uint32_t start; /* index at which the packet begins */
};

_Static_assert(sizeof(struct vmbus_packet_header) == 16, "wire format");
_Static_assert(sizeof(struct vmbus_packet_trailer) == 8, "wire format");

/* Descriptor of a GPA_DIRECT packet; @range_count ranges follow. */
struct vmbus_gpa_direct {
    uint32_t reserved;
    uint32_t range_count;
};

/* A range of guest memory: byte_count bytes that begin at byte_offset of the first page. As many
 * u64 page numbers (GPA / 4096) follow as it touches pages. */
struct vmbus_gpa_range {
    uint32_t byte_count;
    uint32_t byte_offset;
};

/* Descriptor of a TRANSFER_PAGES packet; @range_count ranges follow. */
struct vmbus_transfer_pages {
    uint16_t page_set_id; /* names the buffer */
    uint8_t sender_owns_set;
    uint8_t reserved;
    uint32_t range_count;
};

struct vmbus_transfer_range {
    uint32_t byte_count;
    uint32_t byte_offset; /* into the buffer */
};

_Static_assert(sizeof(struct vmbus_gpa_direct) == 8, "wire format");
_Static_assert(sizeof(struct vmbus_gpa_range) == 8, "wire format");
_Static_assert(sizeof(struct vmbus_transfer_pages) == 8, "wire format");
_Static_assert(sizeof(struct vmbus_transfer_range) == 8, "wire format");

#endif
