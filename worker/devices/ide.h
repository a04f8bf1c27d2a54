/* A channel of an IDE controller: the task file, up to two drives, data by programmed I/O or by
 * the bus master, interrupts and resets (ATA/ATAPI-6). What the commands mean is the drives' own
 * matter: ata.h, atapi.h.
 *
 * A channel has one command at a time and, for it, at most one request to a disk. If it is reset
 * meanwhile, its drives stay busy until the request has ended: so nothing that is still under way
 * meets what comes later.
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_IDE_H
#define VENEER_WORKER_DEVICES_IDE_H

#include "worker/devices/ide_dma.h"

#define IDE_DRIVES 2
#define IDE_BUFFER_SIZE 65536u /* of data on their way between disk and guest */

/* Status register. ATA/ATAPI-6, 7.15. */
#define IDE_STATUS_ERR 0x01 /* packet drives: CHK */
#define IDE_STATUS_DRQ 0x08
#define IDE_STATUS_DSC 0x10
#define IDE_STATUS_DRDY 0x40
#define IDE_STATUS_BSY 0x80
#define IDE_STATUS_READY (IDE_STATUS_DRDY | IDE_STATUS_DSC)

/* Error register. ATA/ATAPI-6, 7.9. */
#define IDE_ERROR_ABRT 0x04
#define IDE_ERROR_IDNF 0x10
#define IDE_ERROR_UNC 0x40

#define IDE_DEVICE_LBA 0x40
#define IDE_DEVICE_DEV 0x10

/* Commands that ATA and packet drives both know. */
enum {
    IDE_DEVICE_RESET = 0x08,
    IDE_EXECUTE_DEVICE_DIAGNOSTIC = 0x90,
    IDE_STANDBY_IMMEDIATE = 0xe0,
    IDE_IDLE_IMMEDIATE = 0xe1,
    IDE_CHECK_POWER_MODE = 0xe5,
    IDE_SLEEP = 0xe6,
    IDE_IDENTIFY_DEVICE = 0xec,
    IDE_SET_FEATURES = 0xef,
};

/* The registers of a drive. [1]: the value before the last one written, for 48-bit commands. */
struct ide_registers {
    uint8_t feature[2], count[2], lba_low[2], lba_mid[2], lba_high[2];
    uint8_t device, error, status;
    bool interrupt;        /* pending */
    uint8_t transfer_mode; /* of DMA, as for SET FEATURES */
};

struct ide_channel;
struct ide_drive;

/* How a transfer has ended. */
enum ide_end {
    IDE_OK,
    IDE_MEDIUM,
    IDE_READ_ONLY,
    IDE_NO_MEDIUM,
    IDE_DMA_FAILED,
};

/* What makes a drive one of its kind. */
struct ide_drive_ops {
    bool packet;          /* a packet drive */
    uint32_t sector_size; /* what a disk must have */
    uint8_t after_reset;  /* the status then */
    uint8_t signature[2]; /* LBA mid and high after a reset */
    /* Executes @code: status is READY, error 0; ends with ide_transfer(), ide_complete() or
     * ide_abort(). */
    void (*command)(struct ide_drive *drive, uint8_t code);
    /* The transfer is over; ends with ide_complete() or ide_abort(), or goes on with another. */
    void (*ended)(struct ide_drive *drive, enum ide_end end);
    /* @size bytes are about to be asked for with DRQ; may be NULL. */
    void (*block)(struct ide_drive *drive, uint32_t size);
    /* Back to what it is when switched on. */
    void (*power_on)(struct ide_drive *drive);
};

/* First member of a drive. */
struct ide_drive {
    const struct ide_drive_ops *ops;
    struct disk *disk;
    struct ide_channel *channel; /* set by ide_attach() */
    struct ide_registers registers;
};

enum ide_operation {
    IDE_READ,     /* @sectors from @sector on, to the guest */
    IDE_WRITE,    /* the other way; @flush: until it is on the medium */
    IDE_VERIFY,   /* reads, and keeps the data for itself */
    IDE_FLUSH,    /* all that has been written, to the medium */
    IDE_DATA_IN,  /* @filled bytes of the channel's buffer, to the guest */
    IDE_DATA_OUT, /* so many from the guest to the buffer; only without @dma */
};

enum ide_phase {
    IDE_IDLE,
    IDE_DISK,     /* busy with a request to the disk */
    IDE_WAIT_DMA, /* busy until the bus master is ready */
    IDE_DRQ,      /* the guest moves data */
};

struct ide_transfer {
    enum ide_operation operation;
    bool dma, flush;
    bool quiet;       /* there is no interrupt before the first block */
    uint64_t sector;  /* in the end: the first one that failed */
    uint32_t sectors; /* that the disk has not moved yet */
    uint32_t block;   /* most bytes at a DRQ; whole sectors, or less than one; 0: any */
    uint32_t filled;  /* bytes of data, or of room, in the buffer */
    /* The channel's: */
    enum ide_phase phase;
    uint32_t chunk;            /* bytes of a request to the disk from the buffer: whole blocks */
    uint32_t position;         /* in the buffer */
    uint32_t block_end;        /* likewise */
    enum ide_dma_result table; /* what the bus master's has been like so far */
};

struct ide_state {
    uint8_t control;   /* device control register */
    uint8_t selected;  /* drive */
    uint8_t resetting; /* bit n: drive n, when SRST is 0 and no request is under way */
    uint8_t drive;     /* whose transfer it is */
    bool irq;          /* as the line is */
    struct ide_transfer transfer;
    uint8_t buffer[IDE_BUFFER_SIZE];
};

struct ide_channel {
    const struct device_host *host;
    struct device_line irq;
    struct device_ports command_ports; /* 8, as 1F0h to 1F7h; for the machine to register */
    struct device_ports control_port;  /* 3F6h; likewise */
    struct ide_dma dma;
    struct ide_drive *drives[IDE_DRIVES]; /* NULL: none */
    struct disk_request request;
    bool in_flight; /* @request is the disk's */
    struct disk_segment segments[DISK_MAX_SEGMENTS + 1];
    uint32_t segments_first, segments_end; /* those that the next request begins with */
    struct ide_state state;
};

/* Makes @channel without drives, with ports at @command and @control, such as 1F0h and 3F6h.
 * @irq: 14 or 15, edges. */
void ide_init(struct ide_channel *channel, const struct device_host *host, struct device_line irq,
              uint16_t command, uint16_t control);

/* Puts @drive, made by ata_init() or atapi_init(), onto @channel as @number (0 or 1), before the
 * guest runs. */
void ide_attach(struct ide_channel *channel, uint32_t number, struct ide_drive *drive);

/* As if switched off and on. The drives are busy until a request that is under way has ended; until
 * then it may still read and write guest memory. */
void ide_reset(struct ide_channel *channel);

/* For drives: */

/* Begins @transfer. For IDE_DATA_IN the data are in @state.buffer. The drive's ended() is called
 * later, or at once. */
void ide_transfer(struct ide_drive *drive, const struct ide_transfer *transfer);

/* The command has ended; with an interrupt unless @quiet. */
void ide_complete(struct ide_drive *drive, bool quiet);

/* The command has ended with @error, and an interrupt. */
void ide_abort(struct ide_drive *drive, uint8_t error);

/* For ide_transfer.c: sets the status of the drive whose transfer it is; raises its interrupt. */
void ide_set_status(struct ide_channel *channel, uint8_t status);
void ide_interrupt(struct ide_channel *channel);
/* A request has ended that nobody waits for any longer. */
void ide_request_ended(struct ide_channel *channel);

/* For ide.c: data port. @total bytes, a multiple of @size, in accesses of @size. */
void ide_read_data(struct ide_channel *channel, uint32_t size, uint8_t *data, uint32_t total);
void ide_write_data(struct ide_channel *channel, uint32_t size, const uint8_t *data,
                    uint32_t total);
/* Likewise: the bus master is ready. */
void ide_dma_started(void *channel, bool anew);

#endif
