/* Partitions as block devices: windows on their disk, whose queue they share. */
#include <stddef.h>

#include "lib/printf.h"
#include "parent/block/device.h"
#include "parent/block/partition.h"
#include "parent/include/block.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"

static int read_sectors(void *context, uint64_t sector, uint32_t count, void *buffer)
{
    return block_read(context, sector, count, buffer) == BLOCK_OK ? 0 : -1;
}

static void add_partition(struct block_device *disk, const struct partition *partition)
{
    struct block_device *device = heap_allocate(sizeof(*device));

    if (device == NULL) {
        log_print(LOG_ERROR, "%s: no memory for partition %u", disk->name, partition->number);
        return;
    }
    *device = *disk;
    device->parent = disk;
    device->first_sector = partition->start;
    device->sector_count = partition->count;
    device->reads = device->writes = device->bytes_read = device->bytes_written = 0;
    device->errors = 0;
    if (snprintf(device->name, sizeof(device->name), "%sp%u", disk->name, partition->number) >=
        (int)sizeof(device->name)) {
        log_print(LOG_WARNING, "%s: partition %u has too long a name", disk->name,
                  partition->number);
        heap_free(device);
        return;
    }
    block_add_device(device);
    log_print(LOG_INFO, "%s: %lu sectors from %lu on", device->name, device->sector_count,
              device->first_sector);
}

static void read_table(struct block_device *disk, void *buffer, struct partition_table *table)
{
    struct partition_disk view = {read_sectors, disk, disk->sector_size, disk->sector_count};

    if (partition_table_read(&view, buffer, table) != 0) {
        log_print(LOG_WARNING, "%s: its partition table cannot be read", disk->name);
        return;
    }
    if (table->warning != NULL)
        log_print(LOG_WARNING, "%s: %s", disk->name, table->warning);
    for (unsigned i = 0; i < table->count; i++)
        add_partition(disk, &table->partitions[i]);
}

void block_add_partitions(void)
{
    struct partition_table *table = heap_allocate(sizeof(*table));
    void *buffer = heap_allocate(PARTITION_SECTOR_SIZE_MAX);

    if (table == NULL || buffer == NULL)
        log_print(LOG_ERROR, "no memory to look for partitions");
    else
        for (struct block_device *d = block_next(NULL); d != NULL; d = block_next(d))
            if (d->parent == NULL && d->sector_count > 0 && !d->removable)
                read_table(d, buffer, table);
    heap_free(table);
    heap_free(buffer);
}
