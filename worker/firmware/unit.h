/* What INT 13h calls a drive: something with sectors, a geometry and a number in DL. */
#ifndef VENEER_FIRMWARE_UNIT_H
#define VENEER_FIRMWARE_UNIT_H

#include "worker/firmware/ata.h"
#include "worker/firmware/firmware.h"

#define UNIT_FIRST_DISK 0x80
#define UNIT_FIRST_CD 0xe0

/* What INT 13h returns in AH. */
enum disk_status {
    DISK_OK = 0x00,
    DISK_BAD_COMMAND = 0x01,
    DISK_WRITE_PROTECTED = 0x03,
    DISK_NOT_FOUND = 0x04,
    DISK_CHANGED = 0x06,
    DISK_BOUNDARY = 0x09,
    DISK_NO_SUCH_MEDIUM = 0x0c,
    DISK_CONTROLLER = 0x20,
    DISK_NO_MEDIA = 0x31,
    DISK_SEEK = 0x40,
    DISK_TIMEOUT = 0x80,
    DISK_LOCKED = 0xb1,
    DISK_NOT_LOCKED = 0xb0,
};

enum unit_kind {
    UNIT_NONE,
    UNIT_FLOPPY,
    UNIT_DISK,
    UNIT_CD,
    UNIT_EMULATED, /* a disk that is a part of a CD (El Torito) */
};

struct unit {
    uint8_t number;      /* DL */
    uint8_t kind;        /* enum unit_kind */
    uint8_t floppy_type; /* as CMOS 10h says it; emulated floppies, too */
    bool locked;         /* by INT 13h AH=45h */
    uint16_t sector_size;
    uint16_t cylinders, heads, sectors_per_track; /* as INT 13h counts; not of CDs */
    uint64_t sectors;
    uint32_t first_block;    /* of the CD: where an emulated disk begins */
    struct ata_drive *drive; /* not of floppies */
};

enum unit_operation {
    UNIT_READ,
    UNIT_WRITE,
    UNIT_VERIFY,
};

struct unit_request {
    uint64_t lba;
    uint32_t address; /* of the memory: below 10FFF0h, unless flat */
    bool flat;        /* anywhere below 4 GiB; needs real mode */
    uint16_t count;   /* sectors */
};

/* Makes units of the drives in ata_drives and of the floppy drives. */
void unit_init(void);

/* The unit that DL = @number names, or NULL. */
struct unit *unit_find(uint8_t number);

/* How many numbers in a row from @first on have units. */
uint8_t unit_count(uint8_t first);

/* Puts a unit with @unit's content under its number; those from there to the next gap move up. */
void unit_insert(const struct unit *unit);

/* Takes the unit of @number away; those behind it move down. */
void unit_remove(uint8_t number);

/* Does @operation for all of @request. *@done sectors were done before an error. */
enum disk_status unit_transfer(struct unit *unit, enum unit_operation operation,
                               const struct unit_request *request, uint16_t *done);

#endif
