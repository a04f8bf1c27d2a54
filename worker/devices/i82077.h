/* The floppy disk controller: Intel's 82077AA in AT mode, with drives A and B.
 *
 * A medium is an image whose size says how it is formatted, sectors of 512 bytes from cylinder 0,
 * head 0 on; an image that is no whole format is one with the rest unformatted. Times are not
 * imitated: the heads are where they shall be at once. What a medium of real magnetism would bear
 * and an image can't: deleted data (written as data) and other formats (refused, as if write
 * protected).
 *
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_I82077_H
#define VENEER_WORKER_DEVICES_I82077_H

#include "worker/devices/byte_ports.h"
#include "worker/devices/disk.h"
#include "worker/devices/i8237.h"

#define I82077_DRIVES 2       /* with a disk */
#define I82077_SELECTS 4      /* that commands can name */
#define I82077_SECTOR 512     /* bytes */
#define I82077_COMMAND_SIZE 9 /* bytes, at most */
#define I82077_RESULT_SIZE 10

enum i82077_phase {
    I82077_COMMAND, /* takes bytes of a command */
    I82077_DISK,    /* waits for the disk */
    I82077_DATA,    /* without DMA: the guest moves a sector's bytes */
    I82077_RESULT,  /* gives bytes of the result */
};

/* A command that reads, writes or formats sectors, while it runs. */
struct i82077_transfer {
    uint8_t select, head; /* the drive, and the side that it is at */
    uint8_t c, h, r;      /* of the next sector, as its ID has them */
    uint8_t st1, st2;     /* collected so far */
    uint16_t left;        /* sectors to go, if they are counted */
    bool counted;
    bool last;       /* terminal count has come */
    uint64_t sector; /* of the disk, that is being moved */
};

struct i82077_state {
    enum i82077_phase phase;
    uint8_t dor, dsr, tdr, rate;
    bool in_reset;         /* by DOR */
    bool reset_waits;      /* the disk has a request yet: the reset ends after that */
    bool interrupt;        /* pending, whether or not DOR lets it out */
    bool changed;          /* the medium was, since the transfer began */
    uint8_t resets;        /* of the drives' states after a reset, how many are to be sensed */
    uint8_t sense[4];      /* ST0 of a seek that ended and is to be sensed */
    uint8_t sense_pending; /* a bit for each drive */
    uint8_t change;        /* the change line of each drive, a bit each */
    uint8_t present[4];    /* the controller's idea of where a drive's heads are, */
    uint8_t track[I82077_DRIVES]; /* and where they are */

    uint8_t command[I82077_COMMAND_SIZE], command_length;
    uint8_t result[I82077_RESULT_SIZE], result_length, result_at;
    uint8_t specify[2], configure, precompensation, perpendicular;
    uint8_t last_eot; /* of the last transfer, for DUMPREG */
    bool locked;

    struct i82077_transfer transfer;
    uint8_t buffer[I82077_SECTOR]; /* the sector that is moved, or the ID of one to be formatted */
    uint16_t buffer_at, buffer_size;
};

struct i82077;

struct i82077_drive {
    struct i82077 *controller;
    uint32_t number;
    struct disk *disk; /* NULL: there is no such drive */
};

struct i82077 {
    const struct device_host *host;
    struct device_line irq;
    struct i8237 *dma;
    struct byte_ports ports[2]; /* 3F0h to 3F5h, 3F7h */
    struct i82077_drive drives[I82077_DRIVES];
    struct disk_request request; /* the only one */
    struct disk_segment segment;
    bool submitted; /* the disk has the request */
    struct i82077_state state;
};

/* Makes @fdc with @disks, whose sectors have 512 bytes; NULL: that drive is not there. It takes the
 * disks' changed(). @irq: IRQ 6. @dma: channel 2 of it. */
void i82077_init(struct i82077 *fdc, const struct device_host *host, struct device_line irq,
                 struct i8237 *dma, struct disk *const disks[I82077_DRIVES]);

/* The machine's reset. */
void i82077_reset(struct i82077 *fdc);

/* The type of a drive for the CMOS (register 10h): 0 none, 1 360K, 2 1.2M, 3 720K, 4 1.44M,
 * 5 2.88M; by its medium, without one 4. */
uint8_t i82077_drive_type(const struct i82077 *fdc, uint32_t drive);

#endif
