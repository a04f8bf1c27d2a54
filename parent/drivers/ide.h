/* What the two files of the IDE driver share: registers, structures, and the commands that are
 * polled, at the start and in error recovery, with the channel's interrupts off. Not for other
 * files. */
#ifndef VENEER_PARENT_DRIVERS_IDE_H
#define VENEER_PARENT_DRIVERS_IDE_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/drivers/ata.h"
#include "parent/drivers/atapi.h"
#include "parent/include/block.h"
#include "parent/include/spinlock.h"

#define DRIVE_COUNT 2

/* Ports of the command block, and of the control block. */
#define IDE_DATA 0
#define IDE_ERROR 1
#define IDE_FEATURES 1
#define IDE_COUNT 2
#define IDE_LBA_LOW 3
#define IDE_LBA_MID 4
#define IDE_LBA_HIGH 5
#define IDE_DEVICE 6
#define IDE_STATUS 7
#define IDE_COMMAND 7
#define IDE_ALTERNATE_STATUS 0
#define IDE_DEVICE_CONTROL 0

#define DEVICE_1 0x10     /* in IDE_DEVICE */
#define CONTROL_NIEN 0x02 /* no interrupts */
#define CONTROL_SRST 0x04 /* software reset of both drives */
#define FEATURE_DMA 0x01  /* of PACKET */
#define SIGNATURE_PACKET_MID 0x14
#define SIGNATURE_PACKET_HIGH 0xeb

#define PACKET_LIMIT_US 3000u   /* for the request of a packet, with others waiting */
#define MEDIUM_PAUSE_US 100000u /* before the drive is asked again */

/* Physical region descriptor; 0 bytes means 64 KiB. */
struct prd {
    uint32_t address;
    uint16_t size, flags;
};

struct ide_channel;

struct ide_drive {
    struct block_device block;
    struct ata_identity identity;
    struct ide_channel *channel;
    uint8_t select; /* 0 or DEVICE_1 */
    bool packet;
};

struct ide_channel {
    char name[8];
    uint16_t command, control, bus_master; /* first port of each block */
    struct spinlock lock;                  /* the registers, and: */
    struct block_command *current;         /* that the drive works on */
    bool sense_wanted;                     /* the current packet command has failed */
    bool completing;                       /* the handler is */
    struct prd *prds;
    uint32_t prds_address;
    struct ide_drive drives[DRIVE_COUNT];
};

/* 400 ns until the status is valid after the drive was selected or got a command. Any. */
void ide_settle(const struct ide_channel *channel);

/* Waits until the status has the bits @value under @mask. Sleeps only if @limit_us is above
 * PACKET_LIMIT_US: any below, else thread. */
bool ide_wait_status(const struct ide_channel *channel, uint8_t mask, uint8_t value,
                     uint64_t limit_us);

/* Selects the drive, with @bits in its device register, and waits until it has nothing to do. */
bool ide_select_drive(const struct ide_drive *drive, uint8_t bits, uint64_t limit_us);

/* Sends PACKET and, when the drive asks for it, the packet. @size: of a polled answer. */
bool ide_send_packet(const struct ide_drive *drive, const uint8_t packet[ATAPI_PACKET_SIZE],
                     uint8_t features, uint16_t size, uint64_t limit_us);

/* Finds out whether a drive answers, and as what. Thread, as the next three. */
bool ide_identify(struct ide_drive *drive);

/* Finds out whether there is a medium, and how large it is: the sectors of drive->block. */
void ide_read_medium(struct ide_drive *drive);

/* Tells the drive the transfer mode of its identity. */
bool ide_set_transfer_mode(const struct ide_drive *drive);

/* Asks why the last packet command failed. */
enum block_status ide_request_sense(const struct ide_drive *drive, struct atapi_sense *sense);

#endif
