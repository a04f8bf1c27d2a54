/* Queues of block devices. A disk and its partitions share one; so do disks that take turns. */
#ifndef VENEER_PARENT_BLOCK_QUEUE_H
#define VENEER_PARENT_BLOCK_QUEUE_H

#include "parent/include/block.h"

/* A queue for @disk, with its thread for resets; NULL: no memory, or none that the device reaches.
 * Thread. */
struct block_queue *block_queue_create(struct block_device *disk);

#endif
