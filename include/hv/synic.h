/* The synthetic interrupt controller: messages, event flags, synthetic timers. Source: TLFS 11, 12.
 * What a VP sees of it are MSRs (msr.h) and two pages of its memory. */
#ifndef VENEER_HV_SYNIC_H
#define VENEER_HV_SYNIC_H

#include <stdint.h>

#define HV_SYNIC_SINT_COUNT 16
#define HV_SYNIC_TIMER_COUNT 4

/* A message slot; the message page has one per SINT. A slot whose type is HV_MESSAGE_TYPE_NONE is
 * free. The receiver frees it by writing that, and then, if `flags` says that another one waits,
 * HV_X64_MSR_EOM. */
#define HV_MESSAGE_SIZE 256
#define HV_MESSAGE_PAYLOAD_SIZE 240
#define HV_MESSAGE_FLAG_PENDING 1u

struct hv_message {
    uint32_t message_type; /* enum hv_message_type */
    uint8_t payload_size;  /* bytes */
    uint8_t flags;         /* HV_MESSAGE_FLAG_PENDING */
    uint16_t reserved;
    uint64_t sender; /* partition id of the sender, or port id for HvPostMessage */
    uint8_t payload[HV_MESSAGE_PAYLOAD_SIZE];
};

enum hv_message_type {
    HV_MESSAGE_TYPE_NONE = 0,
    HV_MESSAGE_TYPE_UNMAPPED_GPA = 0x80000000,
    HV_MESSAGE_TYPE_GPA_INTERCEPT = 0x80000001,
    HV_MESSAGE_TYPE_TIMER_EXPIRED = 0x80000010,
    HV_MESSAGE_TYPE_INVALID_VP_REGISTER_VALUE = 0x80000020,
    HV_MESSAGE_TYPE_UNRECOVERABLE_EXCEPTION = 0x80000021,
    HV_MESSAGE_TYPE_SCHEDULER_VP_SIGNAL_BITSET = 0x80000100,
    HV_MESSAGE_TYPE_SCHEDULER_VP_SIGNAL_PAIR = 0x80000101,
    HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT = 0x80010000,
    HV_MESSAGE_TYPE_X64_MSR_INTERCEPT = 0x80010001,
    HV_MESSAGE_TYPE_X64_CPUID_INTERCEPT = 0x80010002,
    HV_MESSAGE_TYPE_X64_EXCEPTION_INTERCEPT = 0x80010003,
    HV_MESSAGE_TYPE_X64_APIC_EOI = 0x80010004,
    HV_MESSAGE_TYPE_X64_HALT = 0x80010007,
    HV_MESSAGE_TYPE_X64_INTERRUPTION_DELIVERABLE = 0x80010008,
};

#define HV_MESSAGE_TYPE_HYPERVISOR_MASK 0x80000000u /* a guest may not send types with this bit */

/* HV_MESSAGE_TYPE_TIMER_EXPIRED. */
struct hv_timer_message_payload {
    uint32_t timer_index;
    uint32_t reserved;
    uint64_t expiration_time; /* reference time, 100 ns */
    uint64_t delivery_time;
};

/* HV_MESSAGE_TYPE_SCHEDULER_VP_SIGNAL_PAIR: child VPs that were blocked and are ready again. */
#define HV_SCHEDULER_MAX_PAIRS 19

struct hv_scheduler_vp_signal_pair {
    uint32_t overflow;
    uint8_t vp_count;
    uint8_t reserved[3];
    uint64_t partition_ids[HV_SCHEDULER_MAX_PAIRS];
    uint32_t vp_indexes[HV_SCHEDULER_MAX_PAIRS];
};

/* The event flags page has this many flags per SINT. */
#define HV_EVENT_FLAGS_COUNT 2048
#define HV_EVENT_FLAGS_SIZE (HV_EVENT_FLAGS_COUNT / 8)

/* SINTs that the root uses: intercepts and the scheduler; VMBus; the first free one. */
#define HV_SYNIC_SINT_SCHEDULER 0
#define HV_SYNIC_SINT_VMBUS 2
#define HV_SYNIC_SINT_FIRST_FREE 5

/* HV_X64_MSR_SINT0.. (TLFS 11.8.4). */
#define HV_SINT_VECTOR_MASK 0xffull
#define HV_SINT_MASKED (1ull << 16)
#define HV_SINT_AUTO_EOI (1ull << 17)
#define HV_SINT_POLLING (1ull << 18)
#define HV_SINT_FIRST_VECTOR 16

/* HV_X64_MSR_SCONTROL, SIEFP, SIMP: bit 0 enables. */
#define HV_SYNIC_ENABLE 1ull
#define HV_SYNIC_PAGE_MASK (~0xfffull)
#define HV_SYNIC_VERSION 1

/* HV_X64_MSR_STIMER0_CONFIG.. (TLFS 12.3.1). */
#define HV_STIMER_ENABLE (1ull << 0)
#define HV_STIMER_PERIODIC (1ull << 1)
#define HV_STIMER_LAZY (1ull << 2)
#define HV_STIMER_AUTO_ENABLE (1ull << 3)
#define HV_STIMER_VECTOR_SHIFT 4 /* bits 11:4, direct mode */
#define HV_STIMER_DIRECT_MODE (1ull << 12)
#define HV_STIMER_SINT_SHIFT 16 /* bits 19:16 */
#define HV_STIMER_VALID_BITS 0xf1fffull

_Static_assert(sizeof(struct hv_message) == HV_MESSAGE_SIZE, "TLFS layout");
_Static_assert(sizeof(struct hv_timer_message_payload) == 24, "TLFS layout");
_Static_assert(sizeof(struct hv_scheduler_vp_signal_pair) <= HV_MESSAGE_PAYLOAD_SIZE, "fits");

#endif
