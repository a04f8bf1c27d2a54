/* Wire formats of the storage class of VMBus (vstor packets). All fields are little-endian. */
#ifndef VENEER_INCLUDE_VMBUS_STORVSC_H
#define VENEER_INCLUDE_VMBUS_STORVSC_H

#include <stddef.h>
#include <stdint.h>

enum vstor_operation {
    VSTOR_OPERATION_COMPLETE_IO = 1, /* the answer to all others */
    VSTOR_OPERATION_REMOVE_DEVICE = 2,
    VSTOR_OPERATION_EXECUTE_SRB = 3,
    VSTOR_OPERATION_RESET_LUN = 4,
    VSTOR_OPERATION_RESET_ADAPTER = 5,
    VSTOR_OPERATION_RESET_BUS = 6,
    VSTOR_OPERATION_BEGIN_INITIALIZATION = 7,
    VSTOR_OPERATION_END_INITIALIZATION = 8,
    VSTOR_OPERATION_QUERY_PROTOCOL_VERSION = 9,
    VSTOR_OPERATION_QUERY_PROPERTIES = 10,
    VSTOR_OPERATION_ENUMERATE_BUS = 11, /* from the provider: look for LUNs again */
    VSTOR_OPERATION_CREATE_SUB_CHANNELS = 13,
};

#define VSTOR_VERSION(major, minor) ((major) << 8 | (minor))

/* Of struct vstor_packet: 0 or one of NTSTATUS. */
#define VSTOR_STATUS_SUCCESS 0u
#define VSTOR_STATUS_NOT_SUPPORTED 0xc00000bbu
#define VSTOR_STATUS_INVALID_PARAMETER 0xc000000du
#define VSTOR_STATUS_INVALID_STATE 0xc0000184u
#define VSTOR_STATUS_REVISION_MISMATCH 0xc0000059u

#define SRB_STATUS_SUCCESS 0x01
#define SRB_STATUS_ERROR 0x04
#define SRB_STATUS_BUSY 0x05
#define SRB_STATUS_INVALID_REQUEST 0x06
#define SRB_STATUS_DATA_OVERRUN 0x12
#define SRB_STATUS_INVALID_LUN 0x20
#define SRB_STATUS_AUTOSENSE_VALID 0x80

#define VSTOR_DATA_WRITE 0 /* vstor_srb.data_in */
#define VSTOR_DATA_READ 1
#define VSTOR_DATA_UNKNOWN 2

#define VSTOR_CDB_SIZE 16
#define VSTOR_SENSE_SIZE 20

struct vstor_srb {
    uint16_t length;
    uint8_t srb_status;
    uint8_t scsi_status;
    uint8_t port, path, target, lun;
    uint8_t cdb_length;
    uint8_t sense_length;
    uint8_t data_in;
    uint8_t reserved;
    uint32_t transfer_length; /* bytes; in an answer: moved */
    uint8_t cdb_or_sense[VSTOR_SENSE_SIZE];
    uint16_t reserved_2;
    uint8_t queue_tag, queue_action;
    uint32_t srb_flags;
    uint32_t time_out; /* seconds */
    uint32_t queue_sort_key;
};

struct vstor_properties {
    uint32_t reserved;
    uint16_t max_channels; /* further ones */
    uint16_t reserved_2;
    uint32_t flags; /* 1: several channels */
    uint32_t max_transfer_bytes;
    uint32_t reserved_3[2];
};

struct vstor_version {
    uint16_t version; /* VSTOR_VERSION() */
    uint16_t revision;
};

struct vstor_packet {
    uint32_t operation; /* enum vstor_operation */
    uint32_t flags;
    uint32_t status;
    union {
        struct vstor_srb srb;
        struct vstor_properties properties;
        struct vstor_version version;
        uint16_t sub_channels;
        uint8_t bytes[52];
    };
};

_Static_assert(sizeof(struct vstor_srb) == 52, "wire format");
_Static_assert(offsetof(struct vstor_srb, transfer_length) == 12, "wire format");
_Static_assert(offsetof(struct vstor_srb, cdb_or_sense) == 16, "wire format");
_Static_assert(offsetof(struct vstor_srb, srb_flags) == 40, "wire format");
_Static_assert(sizeof(struct vstor_properties) == 24, "wire format");
_Static_assert(offsetof(struct vstor_properties, max_transfer_bytes) == 12, "wire format");
_Static_assert(sizeof(struct vstor_packet) == 64, "wire format");
_Static_assert(offsetof(struct vstor_packet, srb) == 12, "wire format");

#endif
