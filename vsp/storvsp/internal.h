/* What the files of the storage provider share. */
#ifndef VENEER_VSP_STORVSP_INTERNAL_H
#define VENEER_VSP_STORVSP_INTERNAL_H

#include "include/vmbus/storvsc.h"
#include "parent/include/thread.h"
#include "vsp/storvsp/scsi.h"
#include "vsp/storvsp/storvsp.h"

/* Pages of the largest transfer, which need not start at a page's start. */
#define STORVSP_SEGMENT_COUNT (SCSI_MAX_TRANSFER / 4096 + 1)
#define STORVSP_PACKET_SIZE (16 + 8 * STORVSP_SEGMENT_COUNT + 64)

struct storvsp_lun {
    bool present, removing;
    uint32_t active; /* requests at the disk */
    uint32_t logged; /* bit n: enum vdisk_status n has been said */
    struct scsi_unit unit;
    struct storvsp_statistics statistics;
    storvsp_released *released; /* NULL: no disk is about to go */
    void *released_context;
    struct vdisk *leaving;
};

/* A packet of the guest's, from its arrival until its answer is in the ring. */
struct storvsp_request {
    struct vdisk_request disk;
    struct storvsp *controller;
    struct storvsp_lun *lun;
    struct vdisk *target;         /* the LUN's disk may be ejected meanwhile */
    struct storvsp_request *next; /* in one of the lists of the controller */
    uint64_t transaction_id;
    bool answer_wanted;
    uint32_t data_size;
    struct vstor_packet packet; /* the guest's, then the answer */
    struct block_segment segments[STORVSP_SEGMENT_COUNT];
};

/* bounce.c. */
struct storvsp_bounce {
    uint64_t address;                /* physical; 0: not there yet */
    struct storvsp_request *user;    /* NULL: it is free */
    struct storvsp_request *waiting; /* for it; its command is still the one in work */
    uint32_t waiting_count;          /* of controller->segments */
    uint32_t count;
    struct vmbus_segment segments[STORVSP_SEGMENT_COUNT]; /* the user's memory */
};

struct storvsp {
    struct mutex lock;             /* all below but what is atomic */
    struct vmbus_channel *channel; /* NULL: not open */
    bool version_accepted, initialized;
    /* The guest has sent an SRB. Before its first one, Linux is not ready for ENUMERATE_BUS. */
    bool asked;
    bool announce;   /* ENUMERATE_BUS is to be sent */
    uint32_t active; /* requests at disks */
    struct storvsp_request *free;
    struct storvsp_request *answers, **last_answer; /* that wait for the ring */
    struct storvsp_request *reset;                  /* is answered when nothing is active */
    struct storvsp_request *completed;              /* atomic: pushed by done() in any context */
    uint32_t notifying;                             /* atomic: done() that still use the channel */
    uint64_t usable;                                /* bit n: LUN n is there and not about to go */
    struct storvsp_lun luns[STORVSP_LUN_COUNT];
    struct storvsp_bounce bounce;

    /* For the packet in work. */
    struct scsi_command command;
    struct vmbus_segment segments[STORVSP_SEGMENT_COUNT];
    uint8_t parameters[4096];
    _Alignas(8) uint8_t buffer[STORVSP_PACKET_SIZE];
    struct storvsp_request requests[STORVSP_QUEUE_DEPTH];
};

/* Where the data of an SRB are: @range of a packet; NULL: nowhere. */
struct storvsp_data {
    const uint8_t *range;
    size_t size;
};

/* Executes the SRB in @request->packet: queues its answer, or gives it to the disk. */
void storvsp_execute(struct storvsp *controller, struct storvsp_request *request,
                     const struct storvsp_data *data);

/* Ends @request, which a disk has completed, or which does not get there. */
void storvsp_disk_done(struct storvsp *controller, struct storvsp_request *request);

/* Queues the answer. */
void storvsp_answer(struct storvsp *controller, struct storvsp_request *request, uint32_t status);

/* NULL: there is no LUN @number, or it is about to go. */
struct storvsp_lun *storvsp_find_lun(struct storvsp *controller, uint32_t number);

/* Tells who waits for it that no request is at the disk of @lun any more, if so. */
void storvsp_lun_idle(struct storvsp_lun *lun);

/* Submits a READ or WRITE, which counts as active, by way of the bounce buffer, now or later. The
 * guest's memory: the first @count of controller->segments. */
void storvsp_bounce(struct storvsp *controller, struct storvsp_request *request, uint32_t count);

/* @request has ended at the disk; it need not have used the buffer. */
void storvsp_bounce_end(struct storvsp *controller, struct storvsp_request *request);

/* Goes on with what waits for the buffer, if that is free. */
void storvsp_bounce_resume(struct storvsp *controller);

/* Nobody uses it. */
void storvsp_bounce_free(struct storvsp *controller);

#endif
