/* The VM store: the first FAT volume labelled VENEER, which is the root of all paths. Thread
 * context. */
#ifndef VENEER_PARENT_SERVICES_STORE_H
#define VENEER_PARENT_SERVICES_STORE_H

#include <stdbool.h>

#include "parent/fs/fat.h"
#include "parent/include/block.h"

/* Looks for the store on all block devices that are known, and mounts it. Says in the log what it
 * found, and what a person can do if there is none. Once. */
void store_mount(void);

/* The store's volume, for this thread alone until store_release(); NULL, and nothing to release, if
 * there is none. To be held for single operations, so that others get their turn. */
struct fat_volume *store_take(void);
void store_release(void);

/* The device that the store is on; NULL without a store. */
struct block_device *store_device(void);

/* Writes everything and marks the volume clean, before power-off or reset. Afterwards there is no
 * store. */
void store_unmount(void);

#endif
