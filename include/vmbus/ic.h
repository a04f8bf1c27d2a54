/* Integration services: what host and guest say on their channels (Hyper-V's "IC" messages), and
 * the synthetic keyboard's messages. Numbers are little-endian. Facts from Linux's
 * include/linux/hyperv.h and drivers/input/serio/hyperv-keyboard.c. */
#ifndef VENEER_VMBUS_IC_H
#define VENEER_VMBUS_IC_H

#include <stdint.h>

struct vmbus_ic_version {
    uint16_t major, minor;
};

enum vmbus_ic_type {
    VMBUS_IC_NEGOTIATE = 0,
    VMBUS_IC_HEARTBEAT = 1,
    VMBUS_IC_SHUTDOWN = 3,
    VMBUS_IC_TIME_SYNC = 4,
};

#define VMBUS_IC_FLAG_TRANSACTION 1u
#define VMBUS_IC_FLAG_REQUEST 2u
#define VMBUS_IC_FLAG_RESPONSE 4u

/* In front of each message; the first two fields are the header of a pipe. */
struct vmbus_ic_header {
    uint32_t pipe_flags; /* 0 */
    uint32_t pipe_size;  /* bytes that follow */
    struct vmbus_ic_version framework;
    uint16_t type; /* enum vmbus_ic_type */
    struct vmbus_ic_version service;
    uint16_t size; /* bytes behind the header */
    uint32_t status;
    uint8_t transaction;
    uint8_t flags; /* VMBUS_IC_FLAG_… */
    uint16_t reserved;
};

/* VMBUS_IC_NEGOTIATE: then the versions, of the framework first. The answer has one of each, or
 * none if the guest knows none of them. */
struct vmbus_ic_negotiate {
    uint16_t framework_count, service_count;
    uint32_t reserved;
};

struct vmbus_ic_heartbeat {
    uint64_t sequence; /* the guest adds 1 */
    uint32_t reserved[8];
};

#define VMBUS_IC_SHUTDOWN_TEXT_SIZE 2048
#define VMBUS_IC_SHUTDOWN_POWER_OFF 0u
#define VMBUS_IC_SHUTDOWN_RESTART 2u

/* Then VMBUS_IC_SHUTDOWN_TEXT_SIZE bytes of text for users. */
struct vmbus_ic_shutdown {
    uint32_t reason;
    uint32_t timeout; /* seconds */
    uint32_t flags;   /* VMBUS_IC_SHUTDOWN_… */
};

#define VMBUS_IC_TIME_SYNC_SET 1u
#define VMBUS_IC_TIME_SYNC_SAMPLE 2u

/* Versions below 4. */
struct vmbus_ic_time_sync {
    uint64_t host_time; /* 100 ns since 1601-01-01 */
    uint64_t guest_time, round_trip_time;
    uint8_t flags; /* VMBUS_IC_TIME_SYNC_… */
    uint8_t padding[7];
};

#define VMBUS_IC_TIME_SYNC_SIZE 25u /* bytes that are sent */

_Static_assert(sizeof(struct vmbus_ic_header) == 28, "wire format");
_Static_assert(sizeof(struct vmbus_ic_negotiate) == 8, "wire format");
_Static_assert(sizeof(struct vmbus_ic_heartbeat) == 40, "wire format");
_Static_assert(sizeof(struct vmbus_ic_shutdown) == 12, "wire format");

/* --- The keyboard: without headers --- */

enum vmbus_keyboard_type {
    VMBUS_KEYBOARD_PROTOCOL_REQUEST = 1,
    VMBUS_KEYBOARD_PROTOCOL_RESPONSE = 2,
    VMBUS_KEYBOARD_EVENT = 3,
    VMBUS_KEYBOARD_LED_INDICATORS = 4,
};

#define VMBUS_KEYBOARD_VERSION 0x10000u /* 1.0 */
#define VMBUS_KEYBOARD_ACCEPTED 1u

/* Request: value is the version; response: VMBUS_KEYBOARD_ACCEPTED or 0. */
struct vmbus_keyboard_message {
    uint32_t type;
    uint32_t value;
};

#define VMBUS_KEYBOARD_UNICODE 1u
#define VMBUS_KEYBOARD_BREAK 2u
#define VMBUS_KEYBOARD_E0 4u
#define VMBUS_KEYBOARD_E1 8u

struct vmbus_keyboard_event {
    uint32_t type;
    uint16_t make_code; /* scan code set 1 */
    uint16_t reserved;
    uint32_t flags; /* VMBUS_KEYBOARD_… */
};

_Static_assert(sizeof(struct vmbus_keyboard_event) == 12, "wire format");

#endif
