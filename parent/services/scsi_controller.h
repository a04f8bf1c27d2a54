/* A synthetic SCSI controller with virtual disks, as a device for a child. */
#ifndef VENEER_PARENT_SERVICES_SCSI_CONTROLLER_H
#define VENEER_PARENT_SERVICES_SCSI_CONTROLLER_H

#include <stdbool.h>

struct channel_device;
struct vdisk;

#define SCSI_CONTROLLER_DISKS 8

/* Opens the disks at @paths (see vdisk_open()), by LUN; NULL: there is none. They are closed when
 * the last reference has gone, of which the caller has one. NULL: it has been printed why, for the
 * command called @command. Thread. */
struct channel_device *scsi_controller_create(const char *command,
                                              const char *const paths[SCSI_CONTROLLER_DISKS]);

/* The same with @disks, LUNs 0, 1, …, which are open: a user of each is the controller's from now
 * on, also if it fails. */
struct channel_device *scsi_controller_create_shared(const char *command,
                                                     struct vdisk *const *disks, unsigned count);

/* Opens one more disk, which becomes the lowest free LUN of @device, a controller; a guest that
 * runs is told. *@lun is its number. False: printed, as above. The console's thread. */
bool scsi_controller_add(const char *command, struct channel_device *device, const char *path,
                         unsigned *lun);

/* Puts the image at @path into the empty DVD drive @lun. False: printed, as above. The console's
 * thread. */
bool scsi_controller_insert(const char *command, struct channel_device *device, unsigned lun,
                            const char *path);

/* Takes the medium out of the DVD drive @lun; the image is closed when requests have ended. False:
 * printed, as above. The console's thread. */
bool scsi_controller_eject(const char *command, struct channel_device *device, unsigned lun);

/* Takes LUN @lun away from the guest; its disk is closed when its requests have ended. False: there
 * is none. The console's thread. */
bool scsi_controller_remove(struct channel_device *device, unsigned lun);

#endif
