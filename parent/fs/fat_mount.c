/* From a device to a volume and back. */
#include "lib/string.h"
#include "parent/fs/fat_internal.h"

size_t fat_volume_size(void)
{
    return sizeof(struct fat_volume);
}

/* --- The description of the volume in its first sector --- */

static bool is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* What is needed of the boot sector, in its own sectors. */
struct layout {
    uint32_t sector_size;
    uint64_t sectors, table_sectors, root_sectors, data_start, clusters;
};

/* Returns NULL, or why this is no FAT volume at all. */
static const char *check_kind(const uint8_t *sector)
{
    const struct fat_boot_sector *boot = (const struct fat_boot_sector *)sector;
    uint16_t signature;

    memcpy(&signature, sector + FAT_BOOT_SIGNATURE_OFFSET, sizeof(signature));
    if (signature != FAT_BOOT_SIGNATURE)
        return "the first sector has no boot signature";
    if (boot->jump[0] != 0xeb && boot->jump[0] != 0xe9)
        return "the first sector does not begin with a jump";
    if (boot->bytes_per_sector < 512 || boot->bytes_per_sector > FAT_BLOCK_SIZE ||
        !is_power_of_two(boot->bytes_per_sector))
        return "there is no FAT volume (bytes per sector)";
    if (boot->media != 0xf0 && boot->media < 0xf8)
        return "there is no FAT volume (media type)";
    return NULL;
}

/* Returns NULL, or what in the numbers cannot be. */
static const char *check_numbers(const struct fat_volume *volume,
                                 const struct fat_boot_sector *boot, const struct layout *layout)
{
    if (layout->sector_size < volume->io.sector_size)
        return "its sectors are smaller than those of the device";
    if (!is_power_of_two(boot->sectors_per_cluster) ||
        boot->sectors_per_cluster > FAT_SECTORS_PER_CLUSTER_MAX)
        return "the number of sectors per cluster is none";
    if (boot->reserved_sectors == 0)
        return "it has no reserved sectors";
    if (boot->fat_count == 0 || boot->fat_count > 4)
        return "the number of FATs is not 1 to 4";
    if (layout->table_sectors == 0)
        return "its FAT has no sectors";
    if (volume->is_fat32
            ? boot->root_entries != 0
            : boot->root_entries == 0 ||
                  boot->root_entries * sizeof(struct fat_entry) % layout->sector_size != 0)
        return "the number of root directory entries does not fit";
    if (layout->sectors * layout->sector_size > volume->io.sector_count * volume->io.sector_size)
        return "it is larger than the device or partition that it is on";
    if (layout->sectors * layout->sector_size / volume->io.sector_size > UINT32_MAX)
        return "it has too many sectors";
    if (layout->data_start >= layout->sectors)
        return "it has no room for data";
    return NULL;
}

/* Returns NULL, or what in the numbers of clusters cannot be. */
static const char *check_clusters(const struct fat_volume *volume,
                                  const struct fat_boot_sector *boot, const struct layout *layout)
{
    uint64_t entries = layout->table_sectors * layout->sector_size / (volume->is_fat32 ? 4 : 2);

    if (layout->clusters == 0)
        return "it has no clusters";
    if (!volume->is_fat32 && layout->clusters < FAT16_CLUSTERS_MIN)
        return "it is FAT12, which is not supported (format it as FAT16 or FAT32)";
    if (layout->clusters > (volume->is_fat32 ? FAT32_CLUSTERS_MAX : FAT16_CLUSTERS_MAX))
        return "it has more clusters than its kind can have";
    if (entries < layout->clusters + FAT_CLUSTER_FIRST)
        return "its FAT is too small for its clusters";
    if (!volume->is_fat32)
        return NULL;
    if (boot->fat32.version != 0)
        return "its FAT32 version is unknown";
    if (boot->fat32.root_cluster < FAT_CLUSTER_FIRST ||
        boot->fat32.root_cluster - FAT_CLUSTER_FIRST >= layout->clusters)
        return "its root directory is at no cluster";
    if ((boot->fat32.flags & FAT32_FLAG_NOT_MIRRORED) != 0 &&
        (boot->fat32.flags & FAT32_FLAG_ACTIVE) >= boot->fat_count)
        return "its active FAT does not exist";
    return NULL;
}

static struct layout compute_layout(const struct fat_volume *volume,
                                    const struct fat_boot_sector *boot)
{
    struct layout layout = {
        .sector_size = boot->bytes_per_sector,
        .sectors = boot->sectors_16 != 0 ? boot->sectors_16 : boot->sectors_32,
        .table_sectors = volume->is_fat32 ? boot->fat32.fat_sectors : boot->fat_sectors_16,
    };

    layout.root_sectors =
        (uint64_t)boot->root_entries * sizeof(struct fat_entry) / layout.sector_size;
    layout.data_start =
        boot->reserved_sectors + boot->fat_count * layout.table_sectors + layout.root_sectors;
    if (layout.sectors > layout.data_start && boot->sectors_per_cluster != 0)
        layout.clusters = (layout.sectors - layout.data_start) / boot->sectors_per_cluster;
    return layout;
}

/* Takes over the checked numbers, in sectors of the device. */
static void set_geometry(struct fat_volume *volume, const struct fat_boot_sector *boot,
                         const struct layout *layout)
{
    uint32_t ratio = layout->sector_size / volume->io.sector_size;
    uint32_t copies = boot->fat_count, active = 0;

    if (volume->is_fat32 && (boot->fat32.flags & FAT32_FLAG_NOT_MIRRORED) != 0) {
        copies = 1;
        active = boot->fat32.flags & FAT32_FLAG_ACTIVE;
    }
    volume->sector_size = volume->io.sector_size;
    volume->sectors_end = (uint32_t)layout->sectors * ratio;
    volume->cluster_size = layout->sector_size * boot->sectors_per_cluster;
    volume->cluster_sectors = volume->cluster_size / volume->sector_size;
    volume->cluster_count = (uint32_t)layout->clusters;
    volume->table_sectors = (uint32_t)layout->table_sectors * ratio;
    volume->table_start = boot->reserved_sectors * ratio + active * volume->table_sectors;
    volume->table_copies = copies;
    volume->data_start = (uint32_t)layout->data_start * ratio;
    volume->root_sectors = (uint32_t)layout->root_sectors * ratio;
    volume->root_start = volume->data_start - volume->root_sectors;
    if (!volume->is_fat32)
        return;
    volume->root_cluster = boot->fat32.root_cluster;
    if (boot->fat32.info_sector != 0 && boot->fat32.info_sector < boot->reserved_sectors)
        volume->info_sector = boot->fat32.info_sector * ratio;
}

static void read_label(struct fat_volume *volume, const struct fat_boot_sector *boot)
{
    uint8_t signature = volume->is_fat32 ? boot->fat32.signature : boot->fat16.signature;
    const char *label = volume->is_fat32 ? boot->fat32.label : boot->fat16.label;

    if (signature != FAT_EXTENDED_SIGNATURE)
        return;
    volume->serial = volume->is_fat32 ? boot->fat32.serial : boot->fat16.serial;
    if (memcmp(label, "NO NAME    ", 11) != 0)
        fat_oem_to_utf8((const uint8_t *)label, 11, volume->label, sizeof(volume->label));
}

static int read_boot_sector(struct fat_volume *volume)
{
    const struct fat_boot_sector *boot = (const struct fat_boot_sector *)volume->sector_buffer;
    const char *problem;

    /* What fat_device_read() may read until the size is known. */
    volume->sectors_end = 1;

    int error = fat_device_read(volume, 0, 1, volume->sector_buffer);

    if (error != FS_OK)
        return error;
    problem = check_kind(volume->sector_buffer);
    if (problem != NULL) {
        fat_report(volume, "not a FAT volume: %s", problem);
        return FS_UNSUPPORTED;
    }
    volume->is_fat32 = boot->fat_sectors_16 == 0;

    struct layout layout = compute_layout(volume, boot);

    problem = check_numbers(volume, boot, &layout);
    if (problem == NULL)
        problem = check_clusters(volume, boot, &layout);
    if (problem != NULL) {
        fat_report(volume, "the FAT volume cannot be used: %s", problem);
        return layout.clusters > 0 && layout.clusters < FAT16_CLUSTERS_MIN && !volume->is_fat32
                   ? FS_UNSUPPORTED
                   : FS_DAMAGED;
    }
    set_geometry(volume, boot, &layout);
    read_label(volume, boot);
    volume->was_dirty =
        ((volume->is_fat32 ? boot->fat32.state : boot->fat16.state) & FAT_STATE_DIRTY) != 0;
    return FS_OK;
}

/* --- The rest of a mount --- */

static int read_table_state(struct fat_volume *volume)
{
    uint32_t value;
    int error = fat_table_get(volume, 1, &value);

    if (error == FS_OK && (value & (volume->is_fat32 ? FAT32_CLEAN : FAT16_CLEAN)) == 0)
        volume->was_dirty = true;
    return error;
}

/* Counts the free clusters, unless a clean volume has a number that can be right. */
static int read_free_clusters(struct fat_volume *volume)
{
    const struct fat_info_sector *info = (const struct fat_info_sector *)volume->sector_buffer;

    if (volume->info_sector != 0) {
        int error = fat_device_read(volume, volume->info_sector, 1, volume->sector_buffer);

        if (error != FS_OK)
            return error;
        if (info->lead_signature != FAT_INFO_LEAD ||
            info->structure_signature != FAT_INFO_STRUCTURE ||
            info->trail_signature != FAT_INFO_TRAIL)
            volume->info_sector = 0;
    }
    if (volume->info_sector == 0 || volume->was_dirty ||
        info->free_clusters > volume->cluster_count)
        return fat_table_count_free(volume);
    volume->free_clusters = info->free_clusters;
    volume->next_free =
        fat_is_cluster(volume, info->next_free) ? info->next_free : FAT_CLUSTER_FIRST;
    return FS_OK;
}

/* A label in the root directory counts more than that of the boot sector. */
static int find_label(struct fat_volume *volume)
{
    struct fat_cursor cursor;
    int error = fat_cursor_open(volume, volume->root_cluster, &cursor);

    while (error == FS_OK) {
        struct fat_entry entry;
        struct fat_position position;

        error = fat_cursor_read(volume, &cursor, &entry, &position);
        if (error == FS_OK && entry.name[0] == FAT_ENTRY_END)
            error = FS_NOT_FOUND;
        if (error != FS_OK)
            break;
        if (entry.name[0] != FAT_ENTRY_DELETED &&
            (entry.attributes & FAT_ATTRIBUTE_MASK) != FAT_ATTRIBUTE_LONG &&
            (entry.attributes & FAT_ATTRIBUTE_VOLUME) != 0) {
            fat_oem_to_utf8(entry.name, sizeof(entry.name), volume->label, sizeof(volume->label));
            break;
        }
        error = fat_cursor_advance(volume, &cursor);
    }
    return error == FS_NOT_FOUND ? FS_OK : error;
}

int fat_mount(struct fat_volume *volume, const struct fs_io *io, const struct fat_host *host)
{
    memset(volume, 0, sizeof(*volume));
    volume->io = *io;
    volume->host = *host;
    volume->read_only = io->read_only;
    volume->epoch = 1;
    volume->sector_size = io->sector_size;
    if (io->sector_size < 512 || io->sector_size > FAT_BLOCK_SIZE ||
        !is_power_of_two(io->sector_size) || io->sector_count == 0 ||
        io->sector_count > UINT64_MAX / FAT_BLOCK_SIZE) {
        fat_report(volume, "a device with %u-byte sectors, or without any, cannot be used",
                   io->sector_size);
        return FS_UNSUPPORTED;
    }

    int error = read_boot_sector(volume);

    if (error != FS_OK)
        return error;
    error = read_table_state(volume);
    if (error == FS_OK)
        error = read_free_clusters(volume);
    if (error == FS_OK)
        error = find_label(volume);
    if (error == FS_OK && volume->was_dirty) {
        fat_report(volume, "the volume was not cleanly unmounted");
        error = fat_complete_renaming(volume);
    }
    /* What can be read of a damaged volume is to be read. */
    return error == FS_DAMAGED ? FS_OK : error;
}

int fat_unmount(struct fat_volume *volume)
{
    for (unsigned i = 0; i < FAT_OPEN_MAX; i++)
        if (volume->files[i].users > 0)
            return FS_BUSY;

    int error = fat_sync(volume);

    if (error == FS_OK && volume->marked_dirty && !volume->was_dirty && !volume->damaged) {
        error = fat_write_state(volume, true);
        if (error == FS_OK)
            volume->marked_dirty = false;
    }
    return error;
}

void fat_get_info(const struct fat_volume *volume, struct fat_info *info)
{
    memcpy(info->label, volume->label, sizeof(info->label));
    info->serial = volume->serial;
    info->fat_bits = volume->is_fat32 ? 32 : 16;
    info->cluster_size = volume->cluster_size;
    info->cluster_count = volume->cluster_count;
    info->free_clusters = volume->free_clusters;
    info->read_only = volume->read_only;
    info->damaged = volume->damaged;
    info->was_dirty = volume->was_dirty;
}
