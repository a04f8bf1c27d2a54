#include "tests/fat/format.h"

#include <string.h>

#include "parent/fs/fat_format.h"

#define FAT32_RESERVED 8
#define BACKUP_SECTOR 6
#define ROOT_CLUSTER 2
#define USABLE_AT_ENDS 4 /* clusters of a scattered volume, per end of a sector of the FAT */

static void put_boot_sector(uint8_t *sector, const struct format *format, uint32_t reserved,
                            uint32_t fat_sectors, uint32_t sectors)
{
    struct fat_boot_sector boot = {
        .jump = {0xeb, 0x58, 0x90},
        .oem_name = {'t', 'e', 's', 't', 's', ' ', ' ', ' '},
        .bytes_per_sector = (uint16_t)format->sector_size,
        .sectors_per_cluster = (uint8_t)format->sectors_per_cluster,
        .reserved_sectors = (uint16_t)reserved,
        .fat_count = (uint8_t)format->fat_count,
        .root_entries = format->is_fat32 ? 0 : (uint16_t)format->root_entries,
        .media = 0xf8,
        .fat_sectors_16 = format->is_fat32 ? 0 : (uint16_t)fat_sectors,
        .sectors_per_track = 32,
        .heads = 2,
        .sectors_32 = sectors,
    };

    if (format->is_fat32) {
        boot.fat32.fat_sectors = fat_sectors;
        boot.fat32.root_cluster = ROOT_CLUSTER;
        boot.fat32.info_sector = 1;
        boot.fat32.backup_sector = BACKUP_SECTOR;
        boot.fat32.drive = 0x80;
        boot.fat32.signature = FAT_EXTENDED_SIGNATURE;
        boot.fat32.serial = 0x12345678;
        memcpy(boot.fat32.label, "TEST       ", 11);
        memcpy(boot.fat32.type, "FAT32   ", 8);
    } else {
        boot.fat16.drive = 0x80;
        boot.fat16.signature = FAT_EXTENDED_SIGNATURE;
        boot.fat16.serial = 0x12345678;
        memcpy(boot.fat16.label, "TEST       ", 11);
        memcpy(boot.fat16.type, "FAT16   ", 8);
    }
    memcpy(sector, &boot, sizeof(boot));
    sector[FAT_BOOT_SIGNATURE_OFFSET] = FAT_BOOT_SIGNATURE & 0xff;
    sector[FAT_BOOT_SIGNATURE_OFFSET + 1] = FAT_BOOT_SIGNATURE >> 8;
}

static void put_info_sector(uint8_t *sector, uint32_t free_clusters)
{
    struct fat_info_sector info = {
        .lead_signature = FAT_INFO_LEAD,
        .structure_signature = FAT_INFO_STRUCTURE,
        .free_clusters = free_clusters,
        .next_free = ROOT_CLUSTER + 1,
        .trail_signature = FAT_INFO_TRAIL,
    };

    memcpy(sector, &info, sizeof(info));
}

static void put_fat(uint8_t *fat, bool is_fat32)
{
    static const uint32_t wide[] = {0x0ffffff8, 0x0fffffff, 0x0fffffff};
    static const uint16_t narrow[] = {0xfff8, 0xffff};

    memcpy(fat, is_fat32 ? (const void *)wide : narrow, is_fat32 ? sizeof(wide) : sizeof(narrow));
}

static void mark_bad(uint8_t *fat, const struct format *format)
{
    uint32_t per_sector = format->sector_size / 4;

    for (uint32_t cluster = ROOT_CLUSTER + 1; cluster < format->clusters + 2; cluster++) {
        uint32_t index = cluster % per_sector, bad = FAT_CLUSTER_BAD;

        if (index >= USABLE_AT_ENDS && index < per_sector - USABLE_AT_ENDS)
            memcpy(fat + cluster * 4, &bad, sizeof(bad));
    }
}

void format_disk(struct disk *disk, const struct format *format)
{
    uint32_t size = format->sector_size;
    uint32_t reserved = format->is_fat32 ? FAT32_RESERVED : 1;
    uint32_t fat_bytes = (format->clusters + 2) * (format->is_fat32 ? 4 : 2);
    uint32_t fat_sectors = (fat_bytes + size - 1) / size;
    uint32_t root_sectors = format->is_fat32 ? 0 : format->root_entries * 32 / size;
    uint32_t sectors = reserved + format->fat_count * fat_sectors + root_sectors +
                       format->clusters * format->sectors_per_cluster;
    uint32_t root = reserved + format->fat_count * fat_sectors;
    struct fat_entry label = {.name = "TEST       ", .attributes = FAT_ATTRIBUTE_VOLUME};

    disk_create(disk, format->device_sector_size,
                (uint32_t)((uint64_t)sectors * size / format->device_sector_size));
    put_boot_sector(disk->bytes, format, reserved, fat_sectors, sectors);
    if (format->is_fat32) {
        put_info_sector(disk->bytes + size,
                        format->is_scattered ? FAT_INFO_UNKNOWN : format->clusters - 1);
        memcpy(disk->bytes + (size_t)BACKUP_SECTOR * size, disk->bytes, 2 * (size_t)size);
    }
    for (uint32_t i = 0; i < format->fat_count; i++) {
        uint8_t *fat = disk->bytes + (size_t)(reserved + i * fat_sectors) * size;

        put_fat(fat, format->is_fat32);
        if (format->is_scattered)
            mark_bad(fat, format);
    }
    memcpy(disk->bytes + (size_t)root * size, &label, sizeof(label));
}
