/* Disks of the parent as drives of the machine: requests of controllers are transfers by system
 * calls, in a thread per drive, one after the other.
 *
 * All functions: machine's lock held, or no VP runs yet. */
#ifndef VENEER_WORKER_DISK_HOST_H
#define VENEER_WORKER_DISK_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/devices/disk.h"

/* A drive for disks of @sector_size bytes, with the one that @handle refers to, which is the
 * drive's from now on; 0: it is @removable, and the drive empty. Ends the process with a message if
 * the handle is none of such a disk. The drive stays as long as the process. */
struct disk *disk_host_open(uint32_t handle, uint32_t sector_size, bool removable);

/* Whether a medium is in the drive, be the tray open or not. */
bool disk_host_is_loaded(const struct disk *disk);

/* Puts the disk that @handle refers to into the empty drive, closes its tray and tells the
 * controller; the handle is the drive's if that succeeds. False: it is not empty, or the handle is
 * none of a disk with such sectors. */
bool disk_host_insert(struct disk *disk, uint32_t handle);

/* Takes the medium out and tells the controller. Requests that wait end with DISK_ERROR_NO_MEDIUM;
 * the handle is closed when the one that is under way has ended. False: the drive is empty. */
bool disk_host_remove(struct disk *disk);

#endif
