#include "tests/fat/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parent/fs/fat_format.h"

#define DEPTH_MAX 100

struct image {
    const uint8_t *bytes;
    size_t size;
    bool is_fat32;
    uint32_t fat_count, fat_bytes, fat_offset;
    uint32_t root_offset, root_bytes; /* FAT16 */
    uint32_t root_cluster;
    uint32_t data_offset, cluster_size, clusters;
    uint8_t *used;    /* by cluster: how many files need it */
    uint8_t *surplus; /* how many chains reach it that are longer than their files */
    struct checker *checker;
};

static void note(struct image *image, unsigned *counter, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct image *image, unsigned *counter, const char *format, ...)
{
    va_list arguments;

    ++*counter;
    if (image->checker->first_error[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(image->checker->first_error, sizeof(image->checker->first_error), format, arguments);
    va_end(arguments);
}

static uint32_t fat_value(const struct image *image, uint32_t cluster)
{
    const uint8_t *fat = image->bytes + image->fat_offset;
    uint32_t wide = 0;
    uint16_t narrow;

    if (image->is_fat32) {
        memcpy(&wide, fat + cluster * 4, 4);
        return wide & 0x0fffffff;
    }
    memcpy(&narrow, fat + cluster * 2, 2);
    return narrow >= 0xfff7 ? narrow | 0x0fff0000u : narrow;
}

static bool is_cluster(const struct image *image, uint32_t cluster)
{
    return cluster >= 2 && cluster - 2 < image->clusters;
}

/* What follows the clusters that a file needs does no harm as long as it is nobody else's. */
static void follow_surplus(struct image *image, uint32_t cluster, const char *path)
{
    note(image, &image->checker->long_chains, "%s: chain longer than the file", path);
    while (cluster < 0x0ffffff8) {
        if (!is_cluster(image, cluster) || fat_value(image, cluster) == 0) {
            note(image, &image->checker->errors, "%s: surplus cluster %u is free or nowhere", path,
                 cluster);
            return;
        }
        if (image->surplus[cluster]++ != 0)
            return;
        cluster = fat_value(image, cluster);
    }
}

/* Collects the clusters of a chain, for a file as many as its size needs; NULL after an error. */
static uint8_t *read_chain(struct image *image, uint32_t first, bool is_directory,
                           uint32_t file_size, const char *path, uint32_t *size)
{
    uint8_t *data = NULL;
    uint32_t cluster = first, needed = (uint32_t)(((uint64_t)file_size + image->cluster_size - 1) /
                                                  image->cluster_size);

    *size = 0;
    for (uint32_t i = 0; is_directory || i < needed; i++) {
        if (!is_cluster(image, cluster) || fat_value(image, cluster) == 0) {
            note(image, &image->checker->errors, "%s: cluster %u is free or nowhere", path,
                 cluster);
            free(data);
            return NULL;
        }
        if (image->used[cluster]++ != 0) {
            note(image, &image->checker->errors, "%s: cluster %u is in two files", path, cluster);
            free(data);
            return NULL;
        }
        data = realloc(data, (size_t)(i + 1) * image->cluster_size);
        memcpy(data + (size_t)i * image->cluster_size,
               image->bytes + image->data_offset + (size_t)(cluster - 2) * image->cluster_size,
               image->cluster_size);
        *size += image->cluster_size;
        cluster = fat_value(image, cluster);
        if (cluster >= 0x0ffffff8) {
            cluster = 0;
            if (is_directory)
                break;
        }
    }
    if (!is_directory && cluster != 0)
        follow_surplus(image, cluster, path);
    return data != NULL ? data : calloc(1, 1);
}

static size_t put_utf8(char *text, const uint16_t *units, unsigned count)
{
    size_t length = 0;

    for (unsigned i = 0; i < count; i++) {
        uint32_t c = units[i];

        if (c >= 0xd800 && c < 0xdc00 && i + 1 < count)
            c = 0x10000 + ((c & 0x3ff) << 10 | (units[++i] & 0x3ff));
        if (c < 0x80) {
            text[length++] = (char)c;
        } else if (c < 0x800) {
            text[length++] = (char)(0xc0 | c >> 6);
            text[length++] = (char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            text[length++] = (char)(0xe0 | c >> 12);
            text[length++] = (char)(0x80 | (c >> 6 & 0x3f));
            text[length++] = (char)(0x80 | (c & 0x3f));
        } else {
            text[length++] = (char)(0xf0 | c >> 18);
            text[length++] = (char)(0x80 | (c >> 12 & 0x3f));
            text[length++] = (char)(0x80 | (c >> 6 & 0x3f));
            text[length++] = (char)(0x80 | (c & 0x3f));
        }
    }
    text[length] = '\0';
    return length;
}

static void put_short(char *text, const struct fat_entry *entry)
{
    size_t length = 0;

    for (unsigned i = 0; i < 11; i++) {
        bool is_lower = (entry->case_flags & (i < 8 ? 0x08 : 0x10)) != 0;
        char c = (char)entry->name[i];

        if (i == 8 && c != ' ')
            text[length++] = '.';
        if (c == ' ')
            continue;
        text[length++] = is_lower && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    text[length] = '\0';
}

static uint8_t checksum(const uint8_t name[11])
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < 11; i++)
        sum = (uint8_t)(((sum & 1) ? 0x80 : 0) + (sum >> 1) + name[i]);
    return sum;
}

static uint32_t first_cluster(const struct image *image, const struct fat_entry *entry)
{
    return (image->is_fat32 ? (uint32_t)entry->cluster_high << 16 : 0) | entry->cluster_low;
}

static struct checker_file *add_file(struct image *image, const char *path)
{
    struct checker *checker = image->checker;

    if (checker->count == checker->limit) {
        checker->limit = checker->limit * 2 + 16;
        checker->files = realloc(checker->files, checker->limit * sizeof(checker->files[0]));
    }
    checker->files[checker->count] = (struct checker_file){.path = strdup(path)};
    return &checker->files[checker->count++];
}

static void walk(struct image *image, const uint8_t *entries, uint32_t size, const char *path,
                 uint32_t own, uint32_t parent, unsigned depth);

static void visit(struct image *image, const struct fat_entry *entry, const char *path,
                  uint32_t parent, unsigned depth)
{
    uint32_t first = first_cluster(image, entry);
    bool is_directory = (entry->attributes & 0x10) != 0;
    struct checker_file *file = add_file(image, path);
    size_t index = image->checker->count - 1;
    uint32_t size;
    uint8_t *data;

    if (!is_directory && entry->size == 0) {
        if (first != 0)
            note(image, &image->checker->long_chains, "%s: empty file with a cluster", path);
        file->data = calloc(1, 1);
        return;
    }
    data = read_chain(image, first, is_directory, entry->size, path, &size);
    if (data == NULL)
        return;
    if (is_directory) {
        walk(image, data, size, path, first, parent, depth + 1);
        free(data);
        return;
    }
    image->checker->files[index].data = data;
    image->checker->files[index].size = entry->size;
}

/* Checks the first two entries of a directory other than the root. */
static void check_dots(struct image *image, const struct fat_entry *entries, const char *path,
                       uint32_t own, uint32_t parent)
{
    uint32_t dot = first_cluster(image, &entries[0]);
    uint32_t dots = first_cluster(image, &entries[1]);

    if (memcmp(entries[0].name, ".          ", 11) != 0 ||
        memcmp(entries[1].name, "..         ", 11) != 0 || dot != own || dots != parent)
        note(image, &image->checker->differences, "%s: wrong . or .. entry", path);
}

static void walk(struct image *image, const uint8_t *bytes, uint32_t size, const char *path,
                 uint32_t own, uint32_t parent, unsigned depth)
{
    const struct fat_entry *entries = (const struct fat_entry *)bytes;
    uint16_t units[20 * 13];
    unsigned pieces = 0, expected = 0;
    uint8_t sum = 0;

    if (depth > DEPTH_MAX) {
        note(image, &image->checker->errors, "%s: too deep", path);
        return;
    }
    if (own != 0)
        check_dots(image, entries, path, own, parent);
    for (uint32_t i = own != 0 ? 2 : 0; i < size / 32 && entries[i].name[0] != 0; i++) {
        const struct fat_entry *entry = &entries[i];
        const struct fat_long_entry *piece = (const struct fat_long_entry *)entry;
        char child[CHECKER_PATH_SIZE];
        size_t length = strlen(path);

        if (entry->name[0] == 0xe5) {
            if (pieces != 0)
                note(image, &image->checker->orphans, "%s: piece of a long name", path);
            pieces = 0;
            continue;
        }
        if ((entry->attributes & 0x3f) == 0x0f) {
            unsigned order = piece->order & 0x3f;

            if ((piece->order & 0x40) != 0) {
                if (pieces != 0)
                    note(image, &image->checker->orphans, "%s: piece of a long name", path);
                pieces = order;
                sum = piece->checksum;
                expected = order;
            }
            if (order == 0 || order > 20 || pieces == 0 || order != expected ||
                piece->checksum != sum) {
                note(image, &image->checker->orphans, "%s: piece of a long name", path);
                pieces = 0;
                continue;
            }
            memcpy(units + (order - 1) * 13, piece->units1, 10);
            memcpy(units + (order - 1) * 13 + 5, piece->units2, 12);
            memcpy(units + (order - 1) * 13 + 11, piece->units3, 4);
            expected = order - 1;
            continue;
        }
        if ((entry->attributes & 0x08) != 0 || memcmp(entry->name, ".          ", 11) == 0 ||
            memcmp(entry->name, "..         ", 11) == 0) {
            pieces = 0;
            continue;
        }
        if (length + FAT_LONG_PIECES_MAX * FAT_LONG_UNITS * 3 + 2 > sizeof(child)) {
            note(image, &image->checker->errors, "%s: path too long", path);
            return;
        }
        memcpy(child, path, length);
        child[length++] = '/';
        if (pieces != 0 && expected == 0 && checksum(entry->name) == sum) {
            unsigned count = 0;

            while (count < pieces * 13 && units[count] != 0)
                count++;
            put_utf8(child + length, units, count);
        } else {
            if (pieces != 0)
                note(image, &image->checker->orphans, "%s: piece of a long name", path);
            put_short(child + length, entry);
        }
        pieces = 0;
        visit(image, entry, child, own, depth);
    }
}

static bool open_image(struct image *image)
{
    struct fat_boot_sector boot;
    uint32_t sector, fat_sectors, data_sector;

    memcpy(&boot, image->bytes, sizeof(boot));
    sector = boot.bytes_per_sector;
    image->is_fat32 = boot.fat_sectors_16 == 0;
    fat_sectors = image->is_fat32 ? boot.fat32.fat_sectors : boot.fat_sectors_16;
    image->fat_count = boot.fat_count;
    image->fat_bytes = fat_sectors * sector;
    image->fat_offset = boot.reserved_sectors * sector;
    image->root_offset = image->fat_offset + image->fat_count * image->fat_bytes;
    image->root_bytes = boot.root_entries * 32u;
    image->root_cluster = image->is_fat32 ? boot.fat32.root_cluster : 0;
    image->data_offset = image->root_offset + image->root_bytes;
    image->cluster_size = boot.sectors_per_cluster * sector;
    data_sector = image->data_offset / sector;
    image->clusters = ((boot.sectors_16 != 0 ? boot.sectors_16 : boot.sectors_32) - data_sector) /
                      boot.sectors_per_cluster;
    image->checker->is_dirty = ((image->is_fat32 ? boot.fat32.state : boot.fat16.state) & 1) != 0 ||
                               (fat_value(image, 1) & (image->is_fat32 ? 0x08000000 : 0x8000)) == 0;
    return image->data_offset + (uint64_t)image->clusters * image->cluster_size <= image->size;
}

/* What is to be seen when everything has been walked. */
static void check_table(struct image *image)
{
    struct checker *checker = image->checker;
    struct fat_info_sector info;
    uint32_t free_clusters = 0;

    for (uint32_t cluster = 2; cluster < image->clusters + 2; cluster++) {
        uint32_t value = fat_value(image, cluster);

        if (image->surplus[cluster] + image->used[cluster] > 1)
            note(image, &checker->errors, "cluster %u is in two chains", cluster);
        if (value == 0)
            free_clusters++;
        else if (value != 0x0ffffff7 && image->used[cluster] == 0)
            note(image, &checker->lost_clusters, "cluster %u is lost", cluster);
    }
    for (uint32_t i = 1; i < image->fat_count; i++)
        if (memcmp(image->bytes + image->fat_offset,
                   image->bytes + image->fat_offset + (size_t)i * image->fat_bytes,
                   image->fat_bytes) != 0)
            note(image, &checker->differences, "the FATs differ");
    if (!image->is_fat32)
        return;

    struct fat_boot_sector boot;

    memcpy(&boot, image->bytes, sizeof(boot));
    memcpy(&info, image->bytes + (size_t)boot.fat32.info_sector * boot.bytes_per_sector,
           sizeof(info));
    if (info.free_clusters != free_clusters)
        note(image, &checker->differences, "%u clusters are free, not %u", free_clusters,
             info.free_clusters);
}

void checker_run(struct checker *checker, const uint8_t *bytes, size_t size)
{
    struct image image = {.bytes = bytes, .size = size, .checker = checker};

    memset(checker, 0, sizeof(*checker));
    if (!open_image(&image)) {
        note(&image, &checker->errors, "the volume is larger than the image");
        return;
    }
    image.used = calloc(image.clusters + 2, 1);
    image.surplus = calloc(image.clusters + 2, 1);
    if (image.is_fat32) {
        uint32_t root_size;
        uint8_t *root = read_chain(&image, image.root_cluster, true, 0, "/", &root_size);

        if (root != NULL)
            walk(&image, root, root_size, "", 0, 0, 0);
        free(root);
    } else {
        walk(&image, bytes + image.root_offset, image.root_bytes, "", 0, 0, 0);
    }
    check_table(&image);
    free(image.used);
    free(image.surplus);
}

void checker_free(struct checker *checker)
{
    for (size_t i = 0; i < checker->count; i++) {
        free(checker->files[i].path);
        free(checker->files[i].data);
    }
    free(checker->files);
}

const struct checker_file *checker_find(const struct checker *checker, const char *path)
{
    for (size_t i = 0; i < checker->count; i++)
        if (strcmp(checker->files[i].path, path) == 0)
            return &checker->files[i];
    return NULL;
}
