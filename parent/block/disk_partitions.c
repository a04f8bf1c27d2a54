#include "parent/block/disk_partitions.h"

#include <stddef.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/block/device.h"
#include "parent/block/partition.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"

static int read_sectors(void *context, uint64_t sector, uint32_t count, void *buffer)
{
    return block_read(context, sector, count, buffer) == BLOCK_OK ? 0 : -1;
}

/* A partition does all that its disk does. */
static void add_partition(struct block_device *disk, const struct partition *partition)
{
    struct block_device *device = heap_allocate(sizeof(*device));

    if (device == NULL) {
        log_print(LOG_ERROR, "%s: no memory for partition %u", disk->name, partition->number);
        return;
    }
    *device = *disk;
    snprintf(device->name, sizeof(device->name), "%sp%u", disk->name, partition->number);
    if (partition->name[0] != '\0')
        string_copy(device->model, partition->name, sizeof(device->model));
    else
        snprintf(device->model, sizeof(device->model), "partition of type %02x",
                 partition->mbr_type);
    device->parent = disk;
    device->first_sector = partition->start;
    device->sector_count = partition->count;
    device->reads = device->writes = device->errors = 0;
    device->bytes_read = device->bytes_written = 0;
    block_add(device);
    log_print(LOG_INFO, "%s: %s, %lu sectors from %lu on", device->name, device->model,
              device->sector_count, device->first_sector);
}

void disk_partitions_read(struct block_device *disk)
{
    struct partition_table *table = heap_allocate(sizeof(*table));
    void *buffer = heap_allocate(disk->sector_size);
    struct partition_disk source = {
        .read = read_sectors,
        .context = disk,
        .sector_size = disk->sector_size,
        .sector_count = disk->sector_count,
    };

    if (table == NULL || buffer == NULL)
        log_print(LOG_ERROR, "%s: no memory to read its partition table", disk->name);
    else if (partition_table_read(&source, buffer, table) != 0)
        log_print(LOG_ERROR, "%s: its partition table cannot be read", disk->name);
    else {
        if (table->warning != NULL)
            log_print(LOG_WARNING, "%s: %s", disk->name, table->warning);
        for (unsigned i = 0; i < table->count; i++)
            add_partition(disk, &table->partitions[i]);
    }
    heap_free(buffer);
    heap_free(table);
}
