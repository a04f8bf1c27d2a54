/* A virtual SCSI controller as its guest sees it: requests to LUNs, several at a time.
 *
 * Calls on one controller do not overlap, see vsc/bus.h. Memory for data is of whole pages that the
 * host reaches; it and the request stay until the request is done. */
#ifndef VENEER_VSC_STORVSC_H
#define VENEER_VSC_STORVSC_H

#include <stdbool.h>
#include <stdint.h>

#include "include/vmbus/storvsc.h"
#include "vsc/bus.h"

#define VSC_STORAGE_DEPTH 64u /* requests under way */
#define VSC_STORAGE_MAX_PAGES 128u

struct vsc_storage_request {
    uint8_t lun;
    uint8_t direction; /* VSTOR_DATA_… */
    uint8_t cdb_length;
    uint8_t cdb[VSTOR_CDB_SIZE];
    uint8_t *data; /* at a page; contiguous for this kernel */
    uint32_t size; /* bytes; 0: no data */

    /* Filled in when it is done. */
    bool done;
    uint8_t srb_status, scsi_status; /* the former without SRB_STATUS_AUTOSENSE_VALID */
    uint8_t sense_length;
    uint8_t sense[VSTOR_SENSE_SIZE];
    uint32_t moved; /* bytes */
};

struct vsc_storage {
    struct vsc_channel *channel;
    uint16_t version; /* VSTOR_VERSION() */
    uint32_t max_transfer;
    bool failed;       /* the host has left the protocol */
    bool luns_changed; /* the host says so; cleared by who looks again */
    struct vsc_storage_request *pending[VSC_STORAGE_DEPTH];
};

struct vsc_storage_capacity {
    uint64_t sectors;
    uint32_t sector_size; /* bytes */
};

/* Opens @channel with rings in @pages (vsc_channel_open()) and negotiates. False: refused, the
 * channel is closed. */
bool vsc_storage_open(struct vsc_storage *storage, struct vsc_channel *channel,
                      uint8_t *const *pages, uint32_t page_count, uint32_t vp);

/* Requests that are under way are forgotten. */
void vsc_storage_close(struct vsc_storage *storage);

/* Fills in @request: bytes for INQUIRY, READ CAPACITY (16) (32 bytes), or @count sectors from
 * @sector on, of @sector_size bytes. */
void vsc_storage_inquiry(struct vsc_storage_request *request, uint8_t lun, void *data,
                         uint8_t size);
void vsc_storage_read_capacity(struct vsc_storage_request *request, uint8_t lun, void *data);
void vsc_storage_transfer(struct vsc_storage_request *request, uint8_t lun, bool write,
                          uint64_t sector, uint32_t count, uint32_t sector_size, void *data);
void vsc_storage_flush(struct vsc_storage_request *request, uint8_t lun);

/* Queues it, not yet seen by the host. False: no place is free now, or never (too large). */
bool vsc_storage_queue(struct vsc_storage *storage, struct vsc_storage_request *request);

/* Shows the host what is queued. */
void vsc_storage_submit(struct vsc_storage *storage);

/* Takes the answers that are there; how many. */
uint32_t vsc_storage_poll(struct vsc_storage *storage);

/* All of it for one request. True: it has succeeded. */
bool vsc_storage_run(struct vsc_storage *storage, struct vsc_storage_request *request);

/* @data: a page to use. False: no such LUN, or no medium. */
bool vsc_storage_capacity(struct vsc_storage *storage, uint8_t lun, void *data,
                          struct vsc_storage_capacity *capacity);

#endif
