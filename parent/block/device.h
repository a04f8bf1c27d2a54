/* The list of block devices, for the block layer's own files. */
#ifndef VENEER_PARENT_BLOCK_DEVICE_H
#define VENEER_PARENT_BLOCK_DEVICE_H

#include "parent/include/block.h"

/* Adds @device to the list for ever; numbers its name unless it is a partition. Thread. */
void block_add_device(struct block_device *device);

#endif
