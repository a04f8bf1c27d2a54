/* A CD and DVD drive on an IDE channel (ATA/ATAPI-6, packet commands of MMC-6 and SPC-4): packets
 * with data by programmed I/O or DMA, media that come and go.
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_ATAPI_H
#define VENEER_WORKER_DEVICES_ATAPI_H

#include "worker/devices/ide.h"

#define ATAPI_SECTOR_SIZE 2048u
#define ATAPI_PACKET_SIZE 12u

struct atapi_state {
    uint32_t sense;     /* of the last command, as SCSI_SENSE_… */
    uint32_t attention; /* sense to be reported once; 0: none */
    uint8_t event;      /* MMC_EVENT_…, to be reported once; 0: none */
    bool open;          /* the tray, by the guest */
    bool locked;        /* the guest forbids taking the medium out */
    bool dma;           /* of the packet command under way */
    uint32_t limit;     /* most bytes at a DRQ, even */
};

struct atapi {
    struct ide_drive drive; /* first; for ide_attach() */
    struct atapi_state state;
};

/* Makes @atapi over @disk, which must stay, and whose changed() it sets. A medium that has not
 * sectors of ATAPI_SECTOR_SIZE is none. */
void atapi_init(struct atapi *atapi, struct disk *disk);

/* For atapi.c: executes a packet command; ends with one of the three below it, or with a transfer
 * of the disk's. */
void atapi_execute(struct atapi *atapi, const uint8_t packet[ATAPI_PACKET_SIZE]);

/* For atapi_packet.c: the command has ended, without data, or with a sense; or with @size bytes of
 * answer in the channel's buffer, of which the guest wants @allocation at most. */
void atapi_good(struct atapi *atapi);
void atapi_fail(struct atapi *atapi, uint32_t sense);
void atapi_respond(struct atapi *atapi, uint32_t size, uint32_t allocation);
/* Reads sectors that the medium has; @count is not 0. */
void atapi_read(struct atapi *atapi, uint64_t sector, uint32_t count);

/* A medium can be read. */
bool atapi_medium(const struct atapi *atapi);

#endif
