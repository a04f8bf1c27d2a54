/* The partitions of disks as block devices. */
#ifndef VENEER_PARENT_BLOCK_DISK_PARTITIONS_H
#define VENEER_PARENT_BLOCK_DISK_PARTITIONS_H

#include "parent/include/block.h"

/* Reads the partition table of @disk and gives each partition to block_add(). Thread. */
void disk_partitions_read(struct block_device *disk);

#endif
