/* LUNs and media that come and go. The controller's lock is held wherever a LUN is touched. */
#include "vsp/storvsp/internal.h"

/* The guest is told to look for LUNs again. */
static void announce(struct storvsp *controller)
{
    controller->announce = true;
    if (controller->channel != NULL)
        vmbus_channel_schedule(controller->channel);
}

struct storvsp_lun *storvsp_find_lun(struct storvsp *controller, uint32_t number)
{
    bool usable = number < STORVSP_LUN_COUNT && controller->usable >> number & 1;

    return usable ? &controller->luns[number] : NULL;
}

void storvsp_lun_idle(struct storvsp_lun *lun)
{
    storvsp_released *released = lun->released;

    if (released == NULL || lun->active > 0)
        return;
    lun->released = NULL;
    if (lun->removing) {
        lun->present = lun->removing = false;
        lun->unit.disk = NULL;
    }
    released(lun->released_context, lun->leaving);
}

static bool disk_fits(const struct vdisk *disk)
{
    return disk->sector_count > 0 && disk->sector_size >= 512 && disk->sector_size <= 4096 &&
           disk->physical_sector_size >= disk->sector_size;
}

static bool add(struct storvsp *controller, uint32_t number, struct vdisk *disk, bool removable)
{
    if (number >= STORVSP_LUN_COUNT || controller->luns[number].present)
        return false;
    if (disk == NULL ? !removable : !disk_fits(disk))
        return false;
    controller->luns[number] =
        (struct storvsp_lun){.present = true, .unit = {.disk = disk, .removable = removable}};
    controller->usable |= 1ull << number;
    announce(controller);
    return true;
}

bool storvsp_add_lun(struct storvsp *controller, uint32_t lun, struct vdisk *disk, bool removable)
{
    mutex_lock(&controller->lock);
    bool added = add(controller, lun, disk, removable);
    mutex_unlock(&controller->lock);
    return added;
}

/* The disk is not used any more when the requests at it have ended. */
static void release(struct storvsp_lun *lun, storvsp_released *released, void *context)
{
    lun->released = released;
    lun->released_context = context;
    storvsp_lun_idle(lun);
}

bool storvsp_remove_lun(struct storvsp *controller, uint32_t number, storvsp_released *released,
                        void *context)
{
    mutex_lock(&controller->lock);
    struct storvsp_lun *lun = storvsp_find_lun(controller, number);
    bool found = lun != NULL && lun->released == NULL;
    if (found) {
        lun->removing = true;
        controller->usable &= ~(1ull << number);
        lun->leaving = lun->unit.disk;
        release(lun, released, context);
        announce(controller);
    }
    mutex_unlock(&controller->lock);
    return found;
}

static enum storvsp_eject eject(struct storvsp_lun *lun, storvsp_released *released, void *context)
{
    if (lun == NULL || lun->unit.disk == NULL || !lun->unit.removable || lun->released != NULL)
        return STORVSP_NO_MEDIUM;
    if (lun->unit.prevented) {
        lun->unit.event = SCSI_EVENT_EJECT_REQUEST;
        return STORVSP_LOCKED;
    }
    lun->leaving = lun->unit.disk;
    lun->unit.disk = NULL;
    lun->unit.event = SCSI_EVENT_MEDIUM_REMOVED;
    release(lun, released, context);
    return STORVSP_EJECTED;
}

enum storvsp_eject storvsp_eject(struct storvsp *controller, uint32_t lun,
                                 storvsp_released *released, void *context)
{
    mutex_lock(&controller->lock);
    enum storvsp_eject result = eject(storvsp_find_lun(controller, lun), released, context);
    mutex_unlock(&controller->lock);
    return result;
}

bool storvsp_insert(struct storvsp *controller, uint32_t number, struct vdisk *disk)
{
    mutex_lock(&controller->lock);
    struct storvsp_lun *lun = storvsp_find_lun(controller, number);
    bool fits = lun != NULL && lun->unit.removable && lun->unit.disk == NULL &&
                lun->released == NULL && disk_fits(disk);
    if (fits) {
        lun->unit.disk = disk;
        lun->unit.ejected = false;
        lun->unit.unit_attention = SCSI_SENSE_MEDIUM_CHANGED;
        lun->unit.event = SCSI_EVENT_NEW_MEDIUM;
        lun->logged = 0;
    }
    mutex_unlock(&controller->lock);
    return fits;
}

bool storvsp_statistics(struct storvsp *controller, uint32_t number,
                        struct storvsp_statistics *statistics)
{
    mutex_lock(&controller->lock);
    const struct storvsp_lun *lun = storvsp_find_lun(controller, number);
    if (lun != NULL)
        *statistics = lun->statistics;
    mutex_unlock(&controller->lock);
    return lun != NULL;
}
