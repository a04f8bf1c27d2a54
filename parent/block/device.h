/* The list of block devices. For users see parent/include/block.h. */
#ifndef VENEER_PARENT_BLOCK_DEVICE_H
#define VENEER_PARENT_BLOCK_DEVICE_H

#include "parent/include/block.h"

/* Makes @device, complete with its queue, known. Without parent, it gets a number behind its name.
 * Any. */
void block_add(struct block_device *device);

#endif
