/* The storage provider: a virtual SCSI controller behind a channel, with virtual disks as LUNs.
 *
 * Functions of one controller are called in its channel's thread, or while the channel is neither
 * offered nor open. */
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

/* Makes @disk LUN @lun and tells the guest. @disk must stay until removed(); it may be NULL for a
 * @removable unit (a DVD drive without medium). False: the number is too large or in use, the disk
 * has no sectors or odd sizes. */
bool storvsp_add_lun(struct storvsp *controller, uint32_t lun, struct vdisk *disk, bool removable);

/* New requests to @lun are refused from now on, and the guest is told. Calls removed() when the
 * last request has ended, perhaps before it returns; from then on the disk is not used. False:
 * there is no such LUN. */
bool storvsp_remove_lun(struct storvsp *controller, uint32_t lun,
                        void (*removed)(void *context, uint32_t lun), void *context);

/* False: there is no such LUN. */
bool storvsp_statistics(const struct storvsp *controller, uint32_t lun,
                        struct storvsp_statistics *statistics);

#endif
