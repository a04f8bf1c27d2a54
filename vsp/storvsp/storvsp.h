/* The storage provider: a virtual SCSI controller behind a channel, with virtual disks as LUNs.
 * Disks and media may come and go while the guest uses it. A lock of the controller is held by its
 * channel while that works, and by each function here but the first three. All in threads. */
#ifndef VENEER_VSP_STORVSP_STORVSP_H
#define VENEER_VSP_STORVSP_STORVSP_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/vdisk.h"
#include "vmbus/channel.h"

#define STORVSP_LUN_COUNT 32
#define STORVSP_QUEUE_DEPTH 128 /* packets of the guest that are worked on */

struct storvsp;

struct storvsp_statistics {
    uint64_t reads, writes, others; /* requests of the disk that have ended */
    uint64_t bytes_read, bytes_written;
    uint64_t errors;
};

/* A controller without LUNs; NULL: no memory. The caller's, until storvsp_destroy(). */
struct storvsp *storvsp_create(void);

/* Frees a controller whose channel is closed and not offered any more. Its disks stay the
 * caller's. */
void storvsp_destroy(struct storvsp *controller);

/* Fills in @offer; @instance is kept by the caller from one start of the guest to the next. */
void storvsp_offer(struct storvsp *controller, const struct vmbus_guid *instance,
                   struct vmbus_offer *offer);

/* Makes @disk LUN @lun and tells the guest. @disk must stay until released(); it may be NULL for a
 * @removable unit (a DVD drive without medium). False: the number is too large or in use, the disk
 * has no sectors or odd sizes. */
bool storvsp_add_lun(struct storvsp *controller, uint32_t lun, struct vdisk *disk, bool removable);

/* Called when the last request to @disk (NULL: the drive was empty) has ended: it is not used any
 * more. The lock is held: no function of the controller may be called. */
typedef void storvsp_released(void *context, struct vdisk *disk);

/* New requests to @lun are refused from now on, and the guest is told. Calls released(), perhaps
 * before it returns. False: there is no such LUN, or it goes already. */
bool storvsp_remove_lun(struct storvsp *controller, uint32_t lun, storvsp_released *released,
                        void *context);

enum storvsp_eject {
    STORVSP_EJECTED,   /* released() is called, perhaps before the return */
    STORVSP_NO_MEDIUM, /* no such drive, nothing in it, or the last one is not yet released */
    STORVSP_LOCKED,    /* by the guest, which has been asked to eject it */
};

/* Takes the medium out of a DVD drive. */
enum storvsp_eject storvsp_eject(struct storvsp *controller, uint32_t lun,
                                 storvsp_released *released, void *context);

/* Puts @disk, which must stay until it is released, into an empty DVD drive, and closes the tray.
 * False: there is no such drive, it is not empty, or the disk has no sectors or odd sizes. */
bool storvsp_insert(struct storvsp *controller, uint32_t lun, struct vdisk *disk);

/* False: there is no such LUN. */
bool storvsp_statistics(struct storvsp *controller, uint32_t lun,
                        struct storvsp_statistics *statistics);

#endif
