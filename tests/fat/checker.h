/* A second opinion on FAT volumes: written without the driver's code (but for the layouts), it
 * walks a whole image and lists its files. */
#ifndef VENEER_TESTS_FAT_CHECKER_H
#define VENEER_TESTS_FAT_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKER_PATH_SIZE 4096

struct checker_file {
    char *path;    /* from the root, beginning with "/" */
    uint8_t *data; /* NULL for a directory */
    uint32_t size;
};

struct checker {
    struct checker_file *files; /* in no particular order */
    size_t count, limit;
    /* Things that must never be: clusters in two files, entries that point to free clusters or
     * nowhere, chains that are too short or lead nowhere. */
    unsigned errors;
    /* Things that a power cut may leave. */
    unsigned lost_clusters, long_chains, orphans;
    /* FATs that differ, a wrong ".." entry, or a number of free clusters that is not right. */
    unsigned differences;
    bool is_dirty;
    char first_error[300];
};

/* Examines the @size bytes of the volume at @image. */
void checker_run(struct checker *checker, const uint8_t *image, size_t size);
void checker_free(struct checker *checker);

/* The file or directory of this path (exact case), or NULL. */
const struct checker_file *checker_find(const struct checker *checker, const char *path);

#endif
