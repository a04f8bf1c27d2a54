/* FAT volumes as they are on disk (Microsoft FAT specification, August 2005). Little-endian. */
#ifndef VENEER_PARENT_FS_FAT_FORMAT_H
#define VENEER_PARENT_FS_FAT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* Sector 0, section 3. */
struct fat_boot_sector {
    uint8_t jump[3];
    char oem_name[8];
    uint16_t bytes_per_sector;
    uint8_t sectors_per_cluster;
    uint16_t reserved_sectors;
    uint8_t fat_count;
    uint16_t root_entries; /* FAT16 only */
    uint16_t sectors_16;
    uint8_t media;
    uint16_t fat_sectors_16; /* 0 on FAT32 */
    uint16_t sectors_per_track, heads;
    uint32_t hidden_sectors;
    uint32_t sectors_32;
    union {
        struct {
            uint8_t drive, state, signature;
            uint32_t serial;
            char label[11], type[8];
        } __attribute__((packed)) fat16;
        struct {
            uint32_t fat_sectors;
            uint16_t flags, version;
            uint32_t root_cluster;
            uint16_t info_sector, backup_sector;
            uint8_t reserved[12];
            uint8_t drive, state, signature;
            uint32_t serial;
            char label[11], type[8];
        } __attribute__((packed)) fat32;
    };
} __attribute__((packed));

_Static_assert(offsetof(struct fat_boot_sector, fat16.state) == 37, "FAT 3.2");
_Static_assert(offsetof(struct fat_boot_sector, fat32.state) == 65, "FAT 3.3");
_Static_assert(sizeof(struct fat_boot_sector) == 90, "FAT 3.3");

#define FAT_BOOT_SIGNATURE_OFFSET 510
#define FAT_BOOT_SIGNATURE 0xaa55
#define FAT_EXTENDED_SIGNATURE 0x29 /* serial and label are there */
#define FAT_STATE_DIRTY 0x01        /* in the state byte; by convention of Windows NT and Linux */
#define FAT32_FLAG_NOT_MIRRORED 0x0080
#define FAT32_FLAG_ACTIVE 0x000f /* which FAT counts if they are not mirrored */
#define FAT_SECTORS_PER_CLUSTER_MAX 128
#define FAT16_CLUSTERS_MIN 4085 /* fewer make it a FAT12 volume; section 3.5 */
#define FAT16_CLUSTERS_MAX 65524
#define FAT32_CLUSTERS_MAX 0x0ffffff5

/* Section 4. Values in memory are those of FAT32 for both kinds. */
#define FAT_CLUSTER_FREE 0
#define FAT_CLUSTER_FIRST 2
#define FAT_CLUSTER_BAD 0x0ffffff7u
#define FAT_CLUSTER_END_FIRST 0x0ffffff8u /* this and greater ones end a chain */
#define FAT_CLUSTER_END 0x0fffffffu       /* the one that we write */
#define FAT32_VALUE_MASK 0x0fffffffu      /* the other four bits are preserved */
#define FAT16_BAD 0xfff7u

/* In the second entry of the FAT, set: the volume is clean. */
#define FAT16_CLEAN 0x8000u
#define FAT32_CLEAN 0x08000000u

/* FSInfo, section 5. */
struct fat_info_sector {
    uint32_t lead_signature;
    uint8_t reserved1[480];
    uint32_t structure_signature;
    uint32_t free_clusters; /* a hint */
    uint32_t next_free;     /* a hint */
    uint8_t reserved2[12];
    uint32_t trail_signature;
} __attribute__((packed));

_Static_assert(sizeof(struct fat_info_sector) == 512, "FAT 5");

#define FAT_INFO_LEAD 0x41615252u
#define FAT_INFO_STRUCTURE 0x61417272u
#define FAT_INFO_TRAIL 0xaa550000u
#define FAT_INFO_UNKNOWN 0xffffffffu

/* A short directory entry, section 6. */
struct fat_entry {
    uint8_t name[11];
    uint8_t attributes;
    uint8_t case_flags; /* FAT_CASE_* */
    uint8_t created_10ms;
    uint16_t created_time, created_date;
    uint16_t accessed_date;
    uint16_t cluster_high; /* FAT32 only */
    uint16_t modified_time, modified_date;
    uint16_t cluster_low;
    uint32_t size;
} __attribute__((packed));

_Static_assert(sizeof(struct fat_entry) == 32, "FAT 6");

#define FAT_ENTRY_END 0x00     /* in name[0]: this entry and all behind it are free */
#define FAT_ENTRY_DELETED 0xe5 /* in name[0]: this entry is free */
#define FAT_ENTRY_E5 0x05      /* in name[0]: stands for the character E5h */
/* The first two names of a directory other than the root: for itself and for its parent. */
#define FAT_DOT_NAME ".          "
#define FAT_DOTS_NAME "..         "
#define FAT_ATTRIBUTE_VOLUME 0x08 /* the volume's label */
#define FAT_ATTRIBUTE_LONG 0x0f   /* a piece of a long name */
#define FAT_ATTRIBUTE_MASK 0x3f
#define FAT_CASE_LOWER_BASE 0x08 /* Windows NT: show these parts in small letters */
#define FAT_CASE_LOWER_EXTENSION 0x10

#define FAT_DIRECTORY_ENTRIES_MAX 65536 /* section 6: a directory has at most 2 MiB */

/* A piece of a long name, section 7; the pieces stand before the short entry, the last one first.
 */
struct fat_long_entry {
    uint8_t order; /* from 1; with FAT_LONG_LAST in the last piece */
    uint16_t units1[5];
    uint8_t attributes, type, checksum;
    uint16_t units2[6];
    uint16_t cluster; /* 0 */
    uint16_t units3[2];
} __attribute__((packed));

_Static_assert(sizeof(struct fat_long_entry) == sizeof(struct fat_entry), "FAT 7");

#define FAT_LONG_LAST 0x40
#define FAT_LONG_UNITS 13
#define FAT_LONG_PIECES_MAX 20

#endif
