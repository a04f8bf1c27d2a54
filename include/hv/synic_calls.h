/* Hypercalls of children about interrupts, messages and translations: layouts. Source: TLFS. */
#ifndef VENEER_HV_SYNIC_CALLS_H
#define VENEER_HV_SYNIC_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "include/hv/synic.h"

/* HVCALL_POST_MESSAGE. */
struct hv_input_post_message {
    uint32_t connection_id;
    uint32_t reserved;
    uint32_t message_type;
    uint32_t payload_size; /* bytes, at most HV_MESSAGE_PAYLOAD_SIZE */
    uint8_t payload[HV_MESSAGE_PAYLOAD_SIZE];
};

/* HVCALL_SIGNAL_EVENT, usually a fast call. */
struct hv_input_signal_event {
    uint32_t connection_id;
    uint16_t flag_number;
    uint16_t reserved;
};

#define HV_FLUSH_ALL_PROCESSORS (1ull << 0)
#define HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES (1ull << 1)
#define HV_FLUSH_NON_GLOBAL_MAPPINGS_ONLY (1ull << 2)
#define HV_FLUSH_USE_EXTENDED_RANGE_FORMAT (1ull << 3)

/* HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE; …_LIST is a rep call with a list of u64 address ranges. */
struct hv_input_flush_virtual_address_space {
    uint64_t address_space; /* CR3 */
    uint64_t flags;
    uint64_t processor_mask; /* VPs 0 to 63 */
};

/* The sparse processor sets of the Ex calls: a variable header. */
#define HV_GENERIC_SET_SPARSE_4K 0ull
#define HV_GENERIC_SET_ALL 1ull

struct hv_vpset {
    uint64_t format;
    uint64_t valid_bank_mask; /* bit n: banks have 64 VPs from 64 * n on */
    uint64_t bank_contents[];
};

struct hv_input_flush_virtual_address_space_ex {
    uint64_t address_space;
    uint64_t flags;
    struct hv_vpset vpset;
};

/* HVCALL_SEND_SYNTHETIC_CLUSTER_IPI, also as a fast call. */
struct hv_input_send_synthetic_cluster_ipi {
    uint32_t vector; /* 10h to FFh */
    uint8_t target_vtl;
    uint8_t reserved[3];
    uint64_t processor_mask;
};

struct hv_input_send_synthetic_cluster_ipi_ex {
    uint32_t vector;
    uint8_t target_vtl;
    uint8_t reserved[3];
    struct hv_vpset vpset;
};

_Static_assert(sizeof(struct hv_input_post_message) == 256, "TLFS layout");
_Static_assert(sizeof(struct hv_input_signal_event) == 8, "TLFS layout");
_Static_assert(sizeof(struct hv_input_flush_virtual_address_space) == 24, "TLFS layout");
_Static_assert(sizeof(struct hv_input_send_synthetic_cluster_ipi) == 16, "TLFS layout");

#endif
