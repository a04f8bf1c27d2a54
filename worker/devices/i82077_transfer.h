/* The two halves of the floppy controller to each other: registers and the commands that end at
 * once are in i82077.c; those that move sectors, or look for one, in i82077_transfer.c. All
 * functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_I82077_TRANSFER_H
#define VENEER_WORKER_DEVICES_I82077_TRANSFER_H

#include "worker/devices/i82077.h"

/* Bits that both use. Intel 82077AA data sheet. */
#define OPCODE 0x1f /* of a command's first byte */
#define SELECT_DRIVE 0x03
#define SELECT_HEAD 0x04
#define ST0_ABNORMAL 0x40
#define CONFIGURE_EIS 0x40 /* commands seek by themselves */

enum {
    READ_TRACK = 0x02,
    WRITE_DATA = 0x05,
    READ_DATA = 0x06,
    WRITE_DELETED_DATA = 0x09,
    READ_ID = 0x0a,
    READ_DELETED_DATA = 0x0c,
    FORMAT_TRACK = 0x0d,
    VERIFY = 0x16,
};

/* How a medium is formatted. */
struct i82077_format {
    uint32_t sectors;                        /* all of them */
    uint8_t cylinders, heads, track_sectors; /* sectors of a track, from 1 on */
    uint8_t rates;                           /* a bit for each rate that it can be read with */
    uint8_t type;                            /* of its drive, as in the CMOS */
};

/* The format of the medium in drive @select; NULL: there is no medium that it could read. */
const struct i82077_format *i82077_format(const struct i82077 *fdc, uint32_t select);

/* Starts the command in `state.command`, one of those above. It ends with i82077_result(). */
void i82077_transfer_start(struct i82077 *fdc);

/* In phase I82077_DATA: which way the bytes go, and a byte. */
bool i82077_transfer_reads(const struct i82077 *fdc);
uint8_t i82077_transfer_read(struct i82077 *fdc);
void i82077_transfer_write(struct i82077 *fdc, uint8_t value);

/* The disk's answer, for a transfer that has not been reset. */
void i82077_transfer_done(struct i82077 *fdc, enum disk_status status);

/* Of the other half: ends a command with the @length bytes of @result, and an interrupt if
 * @interrupt; */
void i82077_result(struct i82077 *fdc, const uint8_t *result, uint32_t length, bool interrupt);
/* raises or clears the interrupt; */
void i82077_set_interrupt(struct i82077 *fdc, bool pending);
/* moves the heads of drive @select so that the controller takes them to be at @cylinder; */
void i82077_seek(struct i82077 *fdc, uint32_t select, uint8_t cylinder);
/* ends the disk's request. */
void i82077_disk_done(struct disk_request *request, enum disk_status status);

#endif
