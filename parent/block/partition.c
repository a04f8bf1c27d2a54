/* Partition tables. */
#include "parent/block/partition.h"

#include "lib/crc32.h"
#include "lib/string.h"
#include "lib/unicode.h"

const struct partition_guid partition_guid_basic_data = {{0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33,
                                                          0x44, 0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26,
                                                          0x99, 0xc7}};
const struct partition_guid partition_guid_efi_system = {{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2,
                                                          0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e,
                                                          0xc9, 0x3b}};

static int read_sector(const struct partition_disk *disk, uint64_t sector, void *buffer)
{
    return disk->read(disk->context, sector, 1, buffer);
}

/* Whether the partitions found so far leave [@start, @start + @count) alone. */
static bool is_unused(const struct partition_table *table, uint64_t start, uint64_t count)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct partition *other = &table->partitions[i];

        if (start < other->start + other->count && other->start < start + count)
            return false;
    }
    return true;
}

/* A new, empty entry of the table; NULL, with a warning, if there is no room for more. */
static struct partition *add_partition(struct partition_table *table)
{
    struct partition *partition;

    if (table->count == PARTITIONS_MAX) {
        table->warning = "the disk has more partitions than can be used";
        return NULL;
    }
    partition = &table->partitions[table->count++];
    memset(partition, 0, sizeof(*partition));
    return partition;
}

/* --- MBR --- */

struct mbr_entry {
    uint8_t status;
    uint8_t first_chs[3];
    uint8_t type;
    uint8_t last_chs[3];
    uint32_t start, count;
} __attribute__((packed));

_Static_assert(sizeof(struct mbr_entry) == 16, "UEFI 5.2.1");

#define MBR_ENTRIES 4
#define MBR_ENTRIES_OFFSET 446
#define MBR_SIGNATURE_OFFSET 510
#define MBR_SIGNATURE 0xaa55
#define MBR_BOOTABLE 0x80
#define MBR_TYPE_PROTECTIVE 0xee
#define LOGICAL_FIRST_NUMBER 5

static bool is_extended(const struct mbr_entry *entry)
{
    return entry->type == 0x05 || entry->type == 0x0f || entry->type == 0x85;
}

static bool is_used(const struct mbr_entry *entry)
{
    return entry->type != 0 && entry->count != 0;
}

/* Copies the four entries of a boot sector; false if it has no signature. */
static bool get_entries(const uint8_t *sector, struct mbr_entry entries[MBR_ENTRIES])
{
    uint16_t signature;

    memcpy(&signature, sector + MBR_SIGNATURE_OFFSET, sizeof(signature));
    memcpy(entries, sector + MBR_ENTRIES_OFFSET, MBR_ENTRIES * sizeof(entries[0]));
    return signature == MBR_SIGNATURE;
}

/* Whether the entries can be a partition table: what is there instead in the first sector of a
 * volume without one, program code, cannot. */
static bool is_table(const struct mbr_entry entries[MBR_ENTRIES])
{
    for (unsigned i = 0; i < MBR_ENTRIES; i++)
        if ((entries[i].status & ~MBR_BOOTABLE) != 0 ||
            (is_used(&entries[i]) && entries[i].start == 0))
            return false;
    return true;
}

static void add_mbr_partition(const struct partition_disk *disk, struct partition_table *table,
                              const struct mbr_entry *entry, uint64_t start, unsigned number)
{
    struct partition *partition;

    if (start >= disk->sector_count || entry->count > disk->sector_count - start) {
        table->warning = "a partition is not inside of the disk; it is left out";
        return;
    }
    if (!is_unused(table, start, entry->count)) {
        table->warning = "a partition overlaps another one; it is left out";
        return;
    }
    partition = add_partition(table);
    if (partition == NULL)
        return;
    partition->start = start;
    partition->count = entry->count;
    partition->number = number;
    partition->bootable = entry->status == MBR_BOOTABLE;
    partition->mbr_type = entry->type;
}

/* Follows the chain of boot sectors in an extended partition: each has the entry of one logical
 * partition, relative to itself, and that of the next sector, relative to the extended partition.
 */
static int read_logical(const struct partition_disk *disk, void *buffer,
                        const struct mbr_entry *extended, struct partition_table *table)
{
    uint64_t base = extended->start, at = base;

    for (unsigned number = LOGICAL_FIRST_NUMBER; number < LOGICAL_FIRST_NUMBER + PARTITIONS_MAX;
         number++) {
        struct mbr_entry entries[MBR_ENTRIES];

        if (at >= disk->sector_count) {
            table->warning = "the list of logical partitions leads out of the disk";
            return 0;
        }

        int error = read_sector(disk, at, buffer);

        if (error != 0)
            return error;
        if (!get_entries(buffer, entries)) {
            table->warning = "the list of logical partitions is damaged";
            return 0;
        }
        if (is_used(&entries[0]) && !is_extended(&entries[0])) {
            if (at - base + entries[0].start + entries[0].count > extended->count)
                table->warning = "a logical partition is not inside of its extended one; "
                                 "it is left out";
            else
                add_mbr_partition(disk, table, &entries[0], at + entries[0].start, number);
        }
        if (!is_used(&entries[1]) || !is_extended(&entries[1]))
            return 0;
        if (entries[1].start >= extended->count) {
            table->warning = "the list of logical partitions leads out of the extended one";
            return 0;
        }
        at = base + entries[1].start;
    }
    table->warning = "the list of logical partitions does not end";
    return 0;
}

static int read_mbr(const struct partition_disk *disk, void *buffer,
                    const struct mbr_entry entries[MBR_ENTRIES], struct partition_table *table)
{
    const struct mbr_entry *extended = NULL;

    table->scheme = PARTITION_SCHEME_MBR;
    for (unsigned i = 0; i < MBR_ENTRIES; i++) {
        if (!is_used(&entries[i]))
            continue;
        if (!is_extended(&entries[i]))
            add_mbr_partition(disk, table, &entries[i], entries[i].start, i + 1);
        else if (extended == NULL)
            extended = &entries[i];
        else
            table->warning = "there is more than one extended partition; the first counts";
    }
    return extended != NULL ? read_logical(disk, buffer, extended, table) : 0;
}

/* --- GPT --- */

struct gpt_header {
    char signature[8];
    uint32_t revision, header_size, header_crc, reserved;
    uint64_t own_sector, other_sector;
    uint64_t first_usable, last_usable;
    struct partition_guid disk_id;
    uint64_t entries_sector;
    uint32_t entry_count, entry_size, entries_crc;
} __attribute__((packed));

_Static_assert(sizeof(struct gpt_header) == 92, "UEFI 5.3.2");

struct gpt_entry {
    struct partition_guid type, id;
    uint64_t first, last; /* sectors, inclusive */
    uint64_t attributes;
    uint16_t name[36];
} __attribute__((packed));

_Static_assert(sizeof(struct gpt_entry) == 128, "UEFI 5.3.3");

#define GPT_SIGNATURE "EFI PART"
#define GPT_REVISION 0x00010000u
#define GPT_FIRST_SECTOR 1
#define GPT_ENTRIES_MAX 1024
#define GPT_LEGACY_BOOTABLE (1ull << 2)

/* Reads and checks the header at @sector. False, with *@error 0, if there is no good one. */
static bool read_header(const struct partition_disk *disk, void *buffer, uint64_t sector,
                        struct gpt_header *header, int *error)
{
    struct gpt_header *stored = buffer;

    *error = read_sector(disk, sector, buffer);
    if (*error != 0)
        return false;
    *header = *stored;
    if (memcmp(header->signature, GPT_SIGNATURE, sizeof(header->signature)) != 0 ||
        header->revision != GPT_REVISION || header->header_size < sizeof(*header) ||
        header->header_size > disk->sector_size)
        return false;
    /* The checksum is taken with its own field zero. */
    stored->header_crc = 0;
    return crc32(0, buffer, header->header_size) == header->header_crc;
}

static bool is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Whether what the header says can be; all that follows relies on it. */
static bool check_header(const struct partition_disk *disk, const struct gpt_header *header,
                         uint64_t sector)
{
    uint64_t entry_sectors;

    if (header->own_sector != sector || header->first_usable > header->last_usable ||
        header->last_usable >= disk->sector_count || header->first_usable <= GPT_FIRST_SECTOR ||
        header->entry_size < sizeof(struct gpt_entry) || header->entry_size > disk->sector_size ||
        !is_power_of_two(header->entry_size) || header->entry_count > GPT_ENTRIES_MAX)
        return false;
    entry_sectors = ((uint64_t)header->entry_count * header->entry_size + disk->sector_size - 1) /
                    disk->sector_size;
    if (header->entries_sector <= GPT_FIRST_SECTOR ||
        header->entries_sector >= disk->sector_count ||
        entry_sectors > disk->sector_count - header->entries_sector)
        return false;
    /* The usable sectors begin behind the table or end before it. */
    return header->entries_sector + entry_sectors <= header->first_usable ||
           header->entries_sector > header->last_usable;
}

/* Takes one entry; returns NULL, or what is wrong with it. */
static const char *add_gpt_partition(struct partition_table *table, const struct gpt_header *header,
                                     const struct gpt_entry *entry, unsigned number)
{
    static const struct partition_guid unused;
    struct partition *partition;
    uint16_t name[36];
    unsigned length = 0;

    if (memcmp(&entry->type, &unused, sizeof(unused)) == 0)
        return NULL;
    if (entry->first > entry->last || entry->first < header->first_usable ||
        entry->last > header->last_usable)
        return "a GPT partition is not inside of the usable part of the disk";
    if (!is_unused(table, entry->first, entry->last - entry->first + 1))
        return "two GPT partitions overlap";
    partition = add_partition(table);
    if (partition == NULL)
        return NULL;
    partition->start = entry->first;
    partition->count = entry->last - entry->first + 1;
    partition->number = number;
    partition->bootable = (entry->attributes & GPT_LEGACY_BOOTABLE) != 0;
    partition->type = entry->type;
    partition->id = entry->id;
    memcpy(name, entry->name, sizeof(name));
    while (length < 36 && name[length] != 0)
        length++;
    utf16_to_utf8(name, length, partition->name, sizeof(partition->name));
    return NULL;
}

/* Reads the entries that a good header describes. *@problem is NULL, or why the table cannot be
 * used. */
static int read_entries(const struct partition_disk *disk, void *buffer,
                        const struct gpt_header *header, struct partition_table *table,
                        const char **problem)
{
    uint32_t per_sector = disk->sector_size / header->entry_size;
    uint32_t crc = 0;

    table->count = 0;
    *problem = NULL;
    for (uint32_t first = 0; first < header->entry_count; first += per_sector) {
        uint32_t here = header->entry_count - first;
        int error = read_sector(disk, header->entries_sector + first / per_sector, buffer);

        if (error != 0)
            return error;
        if (here > per_sector)
            here = per_sector;
        crc = crc32(crc, buffer, (size_t)here * header->entry_size);
        for (uint32_t i = 0; i < here; i++) {
            struct gpt_entry entry;

            memcpy(&entry, (const uint8_t *)buffer + (size_t)i * header->entry_size, sizeof(entry));

            const char *wrong = add_gpt_partition(table, header, &entry, first + i + 1);

            if (*problem == NULL)
                *problem = wrong;
        }
    }
    if (crc != header->entries_crc)
        *problem = "the checksum of the GPT's partitions is wrong";
    return 0;
}

/* Reads one of the two copies. *@problem is NULL, or why it cannot be used. */
static int read_gpt_copy(const struct partition_disk *disk, void *buffer, uint64_t sector,
                         struct partition_table *table, const char **problem)
{
    struct gpt_header header;
    int error;

    *problem = "the GPT header is damaged";
    if (!read_header(disk, buffer, sector, &header, &error) || !check_header(disk, &header, sector))
        return error;
    return read_entries(disk, buffer, &header, table, problem);
}

/* The copy at the end of the disk counts if the first one is damaged or cannot be read. */
static int read_gpt(const struct partition_disk *disk, void *buffer, struct partition_table *table)
{
    const char *problem, *backup_problem;
    int error = read_gpt_copy(disk, buffer, GPT_FIRST_SECTOR, table, &problem);

    table->scheme = PARTITION_SCHEME_GPT;
    if (error == 0 && problem == NULL)
        return 0;
    error = read_gpt_copy(disk, buffer, disk->sector_count - 1, table, &backup_problem);
    if (error == 0 && backup_problem == NULL) {
        table->warning = "the GPT at the start of the disk is damaged; its copy at the end is used";
        return 0;
    }
    table->count = 0;
    table->warning = problem;
    return error;
}

int partition_table_read(const struct partition_disk *disk, void *buffer,
                         struct partition_table *table)
{
    struct mbr_entry entries[MBR_ENTRIES];
    int error;

    table->scheme = PARTITION_SCHEME_NONE;
    table->count = 0;
    table->warning = NULL;
    if (disk->sector_count <= GPT_FIRST_SECTOR)
        return 0;
    error = read_sector(disk, 0, buffer);
    if (error != 0)
        return error;
    if (!get_entries(buffer, entries) || !is_table(entries))
        return 0;
    for (unsigned i = 0; i < MBR_ENTRIES; i++)
        if (entries[i].type == MBR_TYPE_PROTECTIVE)
            return read_gpt(disk, buffer, table);
    return read_mbr(disk, buffer, entries, table);
}
