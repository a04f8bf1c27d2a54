#include "parent/services/scsi_controller.h"

#include "parent/console/command.h"
#include "parent/include/channel_device.h"
#include "parent/include/memory.h"
#include "vsp/storvsp/storvsp.h"

struct scsi_controller {
    struct storvsp *storvsp;
    struct vdisk *disks[SCSI_CONTROLLER_DISKS]; /* by LUN; NULL: free. Atomic */
};

/* No channel is open: no request is under way. */
static void release(void *context)
{
    struct scsi_controller *controller = context;
    if (controller->storvsp)
        storvsp_destroy(controller->storvsp);
    for (unsigned i = 0; i < SCSI_CONTROLLER_DISKS; i++)
        if (controller->disks[i])
            vdisk_close(controller->disks[i]);
    heap_free(controller);
}

static struct vdisk *disk_of(const struct scsi_controller *controller, unsigned lun)
{
    return __atomic_load_n(&controller->disks[lun], __ATOMIC_ACQUIRE);
}

/* SCSI_CONTROLLER_DISKS: none. */
static unsigned free_lun(const struct scsi_controller *controller)
{
    unsigned lun = 0;
    while (lun < SCSI_CONTROLLER_DISKS && disk_of(controller, lun))
        lun++;
    return lun;
}

/* Makes @disk, which @name names, @lun; on failure, which is printed, it is closed. */
static bool add_disk(const char *command, struct scsi_controller *controller, struct vdisk *disk,
                     const char *name, unsigned lun)
{
    if (lun >= SCSI_CONTROLLER_DISKS) {
        vdisk_close(disk);
        return command_failed(command, NULL, "%s: the controller has all the disks it can have",
                              name);
    }
    controller->disks[lun] = disk;
    if (storvsp_add_lun(controller->storvsp, lun, disk, disk->removable))
        return true;
    controller->disks[lun] = NULL;
    vdisk_close(disk);
    return command_failed(command, NULL, "%s: it is not of a size that a disk can have", name);
}

static bool open_disk(const char *command, struct scsi_controller *controller, const char *path,
                      unsigned lun)
{
    const char *error;
    struct vdisk *disk = vdisk_open(path, 0, &error);
    if (!disk)
        return command_failed(command, NULL, "%s: %s", path, error);
    return add_disk(command, controller, disk, path, lun);
}

/* Without disks. NULL: printed why. */
static struct scsi_controller *create(const char *command)
{
    struct scsi_controller *controller = heap_allocate(sizeof(*controller));
    if (controller)
        controller->storvsp = storvsp_create();
    if (controller && controller->storvsp)
        return controller;
    command_failed(command, NULL, "no memory is left");
    heap_free(controller);
    return NULL;
}

/* The device that @controller, which is its from now on, is if it is @good. NULL: it is released.
 */
static struct channel_device *finish(const char *command, struct scsi_controller *controller,
                                     bool good)
{
    struct channel_device *device = NULL;
    if (good) {
        struct vmbus_offer offer = {0};
        /* One controller of its kind in a child: the same at each start. */
        const struct vmbus_guid instance = {.bytes = "scsi controller"};
        storvsp_offer(controller->storvsp, &instance, &offer);
        device = channel_device_create(&offer, "scsi 0", release, controller);
        if (!device)
            command_failed(command, NULL, "no memory is left");
    }
    if (!device)
        release(controller);
    return device;
}

struct channel_device *scsi_controller_create(const char *command,
                                              const char *const paths[SCSI_CONTROLLER_DISKS])
{
    struct scsi_controller *controller = create(command);
    bool good = true;
    if (!controller)
        return NULL;
    for (unsigned lun = 0; good && lun < SCSI_CONTROLLER_DISKS; lun++)
        good = !paths[lun] || open_disk(command, controller, paths[lun], lun);
    return finish(command, controller, good);
}

struct channel_device *scsi_controller_create_shared(const char *command,
                                                     struct vdisk *const *disks, unsigned count)
{
    struct scsi_controller *controller = create(command);
    bool good = controller != NULL;
    for (unsigned i = 0; i < count; i++) {
        if (good)
            good = add_disk(command, controller, disks[i], disks[i]->name, i);
        else
            vdisk_close(disks[i]);
    }
    return controller ? finish(command, controller, good) : NULL;
}

bool scsi_controller_add(const char *command, struct channel_device *device, const char *path,
                         unsigned *lun)
{
    struct scsi_controller *controller = channel_device_context(device);
    *lun = free_lun(controller);
    return open_disk(command, controller, path, *lun);
}

/* In any thread of the controller's. */
static void close_disk(void *context, struct vdisk *disk)
{
    struct scsi_controller *controller = context;
    if (!disk)
        return;
    vdisk_close(disk);
    for (unsigned i = 0; i < SCSI_CONTROLLER_DISKS; i++)
        if (disk_of(controller, i) == disk)
            __atomic_store_n(&controller->disks[i], NULL, __ATOMIC_RELEASE);
}

bool scsi_controller_remove(struct channel_device *device, unsigned lun)
{
    struct scsi_controller *controller = channel_device_context(device);
    return storvsp_remove_lun(controller->storvsp, lun, close_disk, controller);
}

bool scsi_controller_insert(const char *command, struct channel_device *device, unsigned lun,
                            const char *path)
{
    struct scsi_controller *controller = channel_device_context(device);
    const char *error;
    if (disk_of(controller, lun))
        return command_failed(command, "vm eject takes it out",
                              "%s: LUN %u is no drive that is empty", path, lun);
    struct vdisk *disk = vdisk_open(path, VDISK_OPEN_READ_ONLY, &error);
    if (!disk)
        return command_failed(command, NULL, "%s: %s", path, error);
    controller->disks[lun] = disk;
    if (storvsp_insert(controller->storvsp, lun, disk))
        return true;
    controller->disks[lun] = NULL;
    vdisk_close(disk);
    return command_failed(command, NULL, "%s: LUN %u is no DVD drive, or it is no image for one",
                          path, lun);
}

bool scsi_controller_eject(const char *command, struct channel_device *device, unsigned lun)
{
    struct scsi_controller *controller = channel_device_context(device);
    switch (storvsp_eject(controller->storvsp, lun, close_disk, controller)) {
    case STORVSP_EJECTED:
        return true;
    case STORVSP_LOCKED:
        return command_failed(command, "Try again in a moment",
                              "the child's system has locked LUN %u: it was asked to give it free",
                              lun);
    default:
        return command_failed(command, NULL, "LUN %u is no DVD drive with a medium", lun);
    }
}
