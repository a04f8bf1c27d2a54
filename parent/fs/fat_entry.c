/* The fields of a short directory entry. */
#include "lib/string.h"
#include "lib/unicode.h"
#include "parent/fs/fat_internal.h"

#define FIRST_YEAR 1980
#define LAST_YEAR (FIRST_YEAR + 127)

uint32_t fat_entry_cluster(const struct fat_volume *volume, const struct fat_entry *entry)
{
    return volume->is_fat32 ? (uint32_t)entry->cluster_high << 16 | entry->cluster_low
                            : entry->cluster_low;
}

void fat_entry_set_cluster(struct fat_entry *entry, uint32_t cluster)
{
    entry->cluster_high = (uint16_t)(cluster >> 16);
    entry->cluster_low = (uint16_t)cluster;
}

static uint16_t encode_date(const struct fs_time *time)
{
    uint16_t year = time->year < FIRST_YEAR  ? FIRST_YEAR
                    : time->year > LAST_YEAR ? LAST_YEAR
                                             : time->year;

    return (uint16_t)((year - FIRST_YEAR) << 9 | (time->month & 15) << 5 | (time->day & 31));
}

static uint16_t encode_time(const struct fs_time *time)
{
    return (uint16_t)((time->hour & 31) << 11 | (time->minute & 63) << 5 |
                      ((time->second / 2) & 31));
}

static struct fs_time decode(uint16_t date, uint16_t time)
{
    if (date == 0)
        return (struct fs_time){0};
    return (struct fs_time){
        .year = (uint16_t)(FIRST_YEAR + (date >> 9)),
        .month = date >> 5 & 15,
        .day = date & 31,
        .hour = (uint8_t)(time >> 11),
        .minute = time >> 5 & 63,
        .second = (uint8_t)((time & 31) * 2),
    };
}

void fat_entry_create(struct fat_volume *volume, struct fat_entry *entry, uint8_t attributes)
{
    struct fs_time now = volume->host.now(volume->host.context);

    memset(entry, 0, sizeof(*entry));
    entry->attributes = attributes;
    entry->created_date = entry->modified_date = entry->accessed_date = encode_date(&now);
    entry->created_time = entry->modified_time = encode_time(&now);
    entry->created_10ms = now.second % 2 * 100;
}

void fat_entry_modify(struct fat_volume *volume, struct fat_entry *entry)
{
    struct fs_time now = volume->host.now(volume->host.context);

    entry->attributes |= FAT_ARCHIVE;
    entry->modified_date = entry->accessed_date = encode_date(&now);
    entry->modified_time = encode_time(&now);
}

void fat_item_status(const struct fat_item *item, struct fat_status *status)
{
    const struct fat_entry *entry = &item->entry;
    uint16_t units[FAT_SHORT_UNITS];
    unsigned length = fat_short_name(entry, units);

    if (item->long_length > 0)
        utf16_to_utf8(item->long_name, item->long_length, status->name, sizeof(status->name));
    else
        utf16_to_utf8(units, length, status->name, sizeof(status->name));
    status->attributes =
        entry->attributes & (FAT_READ_ONLY | FAT_HIDDEN | FAT_SYSTEM | FAT_DIRECTORY | FAT_ARCHIVE);
    status->size = (entry->attributes & FAT_DIRECTORY) != 0 ? 0 : entry->size;
    status->created = decode(entry->created_date, entry->created_time);
    status->modified = decode(entry->modified_date, entry->modified_time);
}
