/* Makes empty FAT volumes, small and of unusual shapes that mkfs.fat does not offer. */
#ifndef VENEER_TESTS_FAT_FORMAT_H
#define VENEER_TESTS_FAT_FORMAT_H

#include "tests/fat/disk.h"

struct format {
    bool is_fat32;
    uint32_t device_sector_size;
    uint32_t sector_size; /* of the volume */
    uint32_t sectors_per_cluster;
    uint32_t clusters;
    uint32_t fat_count;
    uint32_t root_entries; /* FAT16 */
    /* All clusters are marked as bad but those whose values are near the ends of the FAT's sectors,
     * so that chains often go from one sector to another. FAT32 only. */
    bool is_scattered;
};

/* Creates a disk that just holds such a volume, labelled TEST. */
void format_disk(struct disk *disk, const struct format *format);

#endif
