#include "parent/services/scsi_controller.h"

#include "parent/console/command.h"
#include "parent/include/channel_device.h"
#include "parent/include/memory.h"
#include "vsp/storvsp/storvsp.h"

struct scsi_controller {
    struct storvsp *storvsp;
    struct vdisk *disks[SCSI_CONTROLLER_DISKS];
    unsigned count;
};

/* No channel is open: no request is under way. */
static void release(void *context)
{
    struct scsi_controller *controller = context;
    if (controller->storvsp)
        storvsp_destroy(controller->storvsp);
    for (unsigned i = 0; i < controller->count; i++)
        vdisk_close(controller->disks[i]);
    heap_free(controller);
}

static bool add_disk(const char *command, struct scsi_controller *controller, const char *path)
{
    const char *error;
    struct vdisk *disk = vdisk_open(path, 0, &error);
    if (!disk) {
        command_failed(command, NULL, "%s: %s", path, error);
        return false;
    }
    controller->disks[controller->count++] = disk;
    if (storvsp_add_lun(controller->storvsp, controller->count - 1, disk, disk->removable))
        return true;
    command_failed(command, NULL, "%s: it is not of a size that a disk can have", path);
    return false;
}

struct channel_device *scsi_controller_create(const char *command, const char *const *paths,
                                              unsigned count)
{
    struct scsi_controller *controller = heap_allocate(sizeof(*controller));
    struct channel_device *device = NULL;
    if (controller)
        controller->storvsp = storvsp_create();
    if (!controller || !controller->storvsp) {
        command_failed(command, NULL, "no memory is left");
        heap_free(controller);
        return NULL;
    }
    bool good = true;
    for (unsigned i = 0; good && i < count; i++)
        good = add_disk(command, controller, paths[i]);
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
