/* INT 13h, functions 41h to 49h and 4Eh: Enhanced Disk Drive Services. */

#include "worker/firmware/int13.h"
#include "worker/firmware/cd.h"

#define EDD_VERSION 0x30
#define EDD_ACCESS 0x01
#define EDD_REMOVABLE 0x02
#define EDD_PARAMETERS 0x04

struct packet {
    uint8_t size, reserved;
    uint16_t count;
    uint16_t offset, segment;
    uint64_t lba;
    uint64_t flat; /* from size 18h on, if segment:offset is FFFF:FFFF */
} __attribute__((packed));

#define PACKET_SIZE 0x10
#define PACKET_SIZE_FLAT 0x18

#define PARAMETERS_GEOMETRY 0x0002
#define PARAMETERS_REMOVABLE 0x0074 /* removable, change line, lockable, no media information */
#define SIZE_1 0x1a
#define SIZE_2 0x1e
#define SIZE_3 0x42
#define DEVICE_PATH_KEY 0xbedd
#define DEVICE_PATH_SIZE 36

struct parameters {
    uint16_t size, flags;
    uint32_t cylinders, heads, sectors_per_track;
    uint64_t sectors;
    uint16_t sector_size;
    uint32_t table; /* of the device's parameters: there is none */
    uint16_t key;
    uint8_t path_size, reserved[3];
    char host_bus[4], interface[8];
    uint64_t interface_path; /* PCI: bus, device, function, channel */
    uint64_t device_path;    /* ATA: 0 master, 1 slave */
    uint8_t reserved_too, checksum;
} __attribute__((packed));

_Static_assert(sizeof(struct parameters) == SIZE_3, "EDD");

extern uint8_t ide_device; /* pci_setup.c: device and function */

static void check_presence(struct frame *frame, struct unit *unit)
{
    if (frame->bx != 0x55aa) {
        disk_result(frame, DISK_BAD_COMMAND);
        return;
    }
    frame->bx = 0xaa55;
    frame->cx = EDD_ACCESS | EDD_PARAMETERS | (unit->kind == UNIT_CD ? EDD_REMOVABLE : 0);
    disk_result(frame, DISK_OK);
    frame->ah = EDD_VERSION;
}

static void transfer(struct frame *frame, struct unit *unit, enum unit_operation operation)
{
    struct packet packet = {0};
    struct unit_request request;
    enum disk_status status;
    uint16_t done;

    far_get(&packet, frame->ds, frame->si, PACKET_SIZE);
    if (packet.size < PACKET_SIZE) {
        disk_result(frame, DISK_BAD_COMMAND);
        return;
    }
    if (packet.size >= PACKET_SIZE_FLAT)
        far_get(&packet, frame->ds, frame->si, PACKET_SIZE_FLAT);
    request.lba = packet.lba;
    request.count = packet.count;
    request.flat =
        packet.size >= PACKET_SIZE_FLAT && packet.offset == 0xffff && packet.segment == 0xffff;
    request.address =
        request.flat ? (uint32_t)packet.flat : ((uint32_t)packet.segment << 4) + packet.offset;
    if (request.flat && packet.flat >> 32) {
        disk_result(frame, DISK_BOUNDARY);
        return;
    }
    status = unit_transfer(unit, operation, &request, &done);
    if (status != DISK_OK)
        far_write16(frame->ds, (uint16_t)(frame->si + offsetof(struct packet, count)), done);
    disk_result(frame, status);
}

static void fill_path(const struct unit *unit, struct parameters *parameters)
{
    unsigned channel = unit->drive->io == 0x170;
    uint8_t sum = 0;

    parameters->key = DEVICE_PATH_KEY;
    parameters->path_size = DEVICE_PATH_SIZE;
    memcpy(parameters->host_bus, "PCI ", 4);
    memcpy(parameters->interface, unit->kind == UNIT_CD ? "ATAPI   " : "ATA     ", 8);
    parameters->interface_path = (uint64_t)(ide_device >> 3) << 8 |
                                 (uint64_t)(ide_device & 7) << 16 | (uint64_t)channel << 24;
    parameters->device_path = unit->drive->device != 0;
    for (unsigned i = SIZE_2; i < SIZE_3; i++)
        sum = (uint8_t)(sum + ((uint8_t *)parameters)[i]);
    parameters->checksum = (uint8_t)-sum;
}

static void get_parameters(struct frame *frame, struct unit *unit)
{
    uint16_t size = far_read16(frame->ds, frame->si);
    struct parameters parameters = {.table = 0xffffffff};

    if (size < SIZE_1) {
        disk_result(frame, DISK_BAD_COMMAND);
        return;
    }
    size = size >= SIZE_3 ? SIZE_3 : size >= SIZE_2 ? SIZE_2 : SIZE_1;
    parameters.size = size;
    parameters.sector_size = unit->sector_size;
    if (unit->kind == UNIT_CD) {
        parameters.flags = PARAMETERS_REMOVABLE;
        parameters.cylinders = parameters.heads = parameters.sectors_per_track = 0xffffffff;
        parameters.sectors = ~0ull;
    } else {
        parameters.flags = PARAMETERS_GEOMETRY;
        parameters.cylinders = unit->cylinders;
        parameters.heads = unit->heads;
        parameters.sectors_per_track = unit->sectors_per_track;
        parameters.sectors = unit->sectors;
    }
    if (unit->drive)
        fill_path(unit, &parameters);
    far_put(frame->ds, frame->si, &parameters, size);
    disk_result(frame, DISK_OK);
}

/* 45h: AL 0 locks, 1 unlocks, 2 asks. */
static void lock(struct frame *frame, struct unit *unit)
{
    enum disk_status status = DISK_OK;

    if (unit->kind != UNIT_CD || frame->al > 2) {
        disk_result(frame, DISK_BAD_COMMAND);
        return;
    }
    if (frame->al == 1 && !unit->locked) {
        disk_result(frame, DISK_NOT_LOCKED);
        return;
    }
    if (frame->al < 2) {
        status = cd_lock(unit, frame->al == 0);
        if (status == DISK_OK)
            unit->locked = frame->al == 0;
    }
    frame->al = unit->locked;
    disk_result(frame, status);
}

static void eject(struct frame *frame, struct unit *unit)
{
    if (unit->kind != UNIT_CD)
        disk_result(frame, DISK_BAD_COMMAND);
    else
        disk_result(frame, unit->locked ? DISK_LOCKED : cd_eject(unit));
}

void edd_service(struct frame *frame, struct unit *unit)
{
    switch (frame->ah) {
    case 0x41:
        check_presence(frame, unit);
        return;
    case 0x42:
        transfer(frame, unit, UNIT_READ);
        return;
    case 0x43:
        transfer(frame, unit, UNIT_WRITE);
        return;
    case 0x44:
        transfer(frame, unit, UNIT_VERIFY);
        return;
    case 0x45:
        lock(frame, unit);
        return;
    case 0x46:
        eject(frame, unit);
        return;
    case 0x48:
        get_parameters(frame, unit);
        return;
    case 0x49: /* media changed? */
    case 0x47: /* seek */
    case 0x4e: /* hardware configuration */
        disk_result(frame, DISK_OK);
        return;
    default:
        disk_result(frame, DISK_BAD_COMMAND);
    }
}
