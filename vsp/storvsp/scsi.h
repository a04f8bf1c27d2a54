/* A SCSI logical unit over a virtual disk: decodes commands. It answers what needs no data of the
 * disk, and says which request to the disk the others are. Knows nothing of VMBus.
 *
 * Functions of one unit are called by one thread at a time. */
#ifndef VENEER_VSP_STORVSP_SCSI_H
#define VENEER_VSP_STORVSP_SCSI_H

#include <stdbool.h>
#include <stdint.h>

#include "include/scsi.h"
#include "lib/mmc.h"
#include "parent/include/vdisk.h"

#define SCSI_RESPONSE_SIZE 512
#define SCSI_SENSE_SIZE 18         /* fixed format */
#define SCSI_MAX_TRANSFER 0x80000u /* bytes of one READ or WRITE, VPD page B0h */

struct scsi_unit {
    struct vdisk *disk;      /* NULL: no medium; only if @removable */
    uint32_t unit_attention; /* sense to be reported once; 0: none */
    bool removable;          /* a DVD drive */
    uint8_t event;           /* SCSI_EVENT_…, to be reported once; 0: none */
    bool prevented;          /* the guest forbids taking the medium out */
    bool ejected;            /* the tray is open */
};

/* Of media, as GET EVENT STATUS NOTIFICATION says them (MMC-6 6.7.4.5). */
#define SCSI_EVENT_EJECT_REQUEST 1
#define SCSI_EVENT_NEW_MEDIUM MMC_EVENT_NEW_MEDIUM
#define SCSI_EVENT_MEDIUM_REMOVED MMC_EVENT_MEDIUM_REMOVED

enum scsi_step {
    SCSI_DONE,       /* response or sense is there */
    SCSI_DISK,       /* operation, sector and sector_count are for the disk */
    SCSI_PARAMETERS, /* the data that the guest sends are needed: scsi_parameters() */
};

struct scsi_command {
    const uint8_t *cdb;       /* 16 bytes; a private copy */
    uint32_t transfer_length; /* bytes of the guest's buffer */
    uint64_t luns;            /* bit n: LUN n exists; for REPORT LUNS */

    uint32_t sense; /* 0: GOOD */
    uint32_t response_size;
    uint8_t response[SCSI_RESPONSE_SIZE];

    enum vdisk_operation operation;
    bool force_unit_access;
    bool repeated; /* VDISK_WRITE: of the first sector_size bytes of the parameters, again and again
                    */
    uint64_t sector, sector_count;
    uint32_t data_size; /* bytes that a READ or WRITE moves */
};

/* Makes the first step of @command. */
enum scsi_step scsi_decode(struct scsi_unit *unit, struct scsi_command *command);

/* What a target itself answers for a logical unit that it does not have: INQUIRY ("nothing here")
 * and REPORT LUNS. False: nothing else is answered there. */
bool scsi_decode_absent(struct scsi_command *command);

/* After SCSI_PARAMETERS: the @size bytes of @data, a private copy, are what the guest has sent.
 * SCSI_DISK or SCSI_DONE. */
enum scsi_step scsi_parameters(struct scsi_unit *unit, struct scsi_command *command,
                               const uint8_t *data, uint32_t size);

/* The sense for how a request to the disk has ended. */
uint32_t scsi_sense_of(enum vdisk_status status, enum vdisk_operation operation);

/* Fixed-format sense data. Any. */
void scsi_sense_data(uint32_t sense, uint8_t data[SCSI_SENSE_SIZE]);

/* For scsi_*.c: ends a command with @sense; with a response, cut to @allocation bytes. */
enum scsi_step scsi_fail(struct scsi_command *command, uint32_t sense);
enum scsi_step scsi_respond(struct scsi_command *command, uint32_t size, uint32_t allocation);

/* Parts of scsi_decode(), by subject. */
enum scsi_step scsi_inquiry(struct scsi_unit *unit, struct scsi_command *command);
enum scsi_step scsi_inquiry_absent(struct scsi_command *command);
enum scsi_step scsi_mode_sense(struct scsi_unit *unit, struct scsi_command *command);
enum scsi_step scsi_dvd(struct scsi_unit *unit, struct scsi_command *command);
/* Writes a DVD drive's mode page 2Ah over the MMC_CAPABILITIES_SIZE zeros of @page. */
void scsi_capabilities(const struct scsi_unit *unit, uint8_t *page);

#endif
