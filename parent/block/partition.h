/* Finding the partitions of a disk: GPT (UEFI specification 2.10, chapter 5) and MBR with logical
 * partitions. Pure logic; what is on the disk is never trusted. */
#ifndef VENEER_PARENT_BLOCK_PARTITION_H
#define VENEER_PARENT_BLOCK_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

#define PARTITIONS_MAX 64
#define PARTITION_SECTOR_SIZE_MAX 4096
#define PARTITION_NAME_SIZE (36 * 3 + 1) /* bytes of UTF-8 with the NUL */

struct partition_guid {
    uint8_t bytes[16]; /* as on the disk: the first three fields are little-endian */
};

/* "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7": where FAT volumes are in a GPT. */
extern const struct partition_guid partition_guid_basic_data;
/* "C12A7328-F81F-11D2-BA4B-00A0C93EC93B": the EFI system partition, also FAT. */
extern const struct partition_guid partition_guid_efi_system;

struct partition {
    uint64_t start, count; /* sectors of the disk; count > 0 */
    unsigned number;       /* from 1; logical ones of an MBR from 5 */
    bool bootable;
    uint8_t mbr_type;           /* MBR only */
    struct partition_guid type; /* GPT only, like what follows */
    struct partition_guid id;
    char name[PARTITION_NAME_SIZE]; /* UTF-8 */
};

enum partition_scheme {
    PARTITION_SCHEME_NONE, /* no table: the whole disk may be a volume */
    PARTITION_SCHEME_MBR,
    PARTITION_SCHEME_GPT,
};

struct partition_table {
    enum partition_scheme scheme;
    unsigned count;
    struct partition partitions[PARTITIONS_MAX]; /* in the order of their numbers */
    /* NULL, or what a person should know: a sentence without full stop. */
    const char *warning;
};

struct partition_disk {
    /* Reads @count sectors; 0 or a negative error, which is handed on. */
    int (*read)(void *context, uint64_t sector, uint32_t count, void *buffer);
    void *context;
    uint32_t sector_size; /* bytes: 512, 1024, 2048 or 4096 */
    uint64_t sector_count;
};

/* Reads the table of @disk with the help of @buffer, which takes one sector. Returns 0, or the
 * error of the device. The partitions are on the disk and do not overlap: an MBR's partitions that
 * do not keep to that are left out, with a warning; a GPT of which both copies are damaged or
 * contradict themselves has no partitions, and a warning that says why. A GPT counts, not the MBR
 * beside it, which protects it. */
int partition_table_read(const struct partition_disk *disk, void *buffer,
                         struct partition_table *table);

#endif
