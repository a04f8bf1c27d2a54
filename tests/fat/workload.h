/* Random operations on a FAT volume, each compared with a plain model of what must result. */
#ifndef VENEER_TESTS_FAT_WORKLOAD_H
#define VENEER_TESTS_FAT_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/fat/checker.h"
#include "tests/fat/disk.h"

#define WORKLOAD_OPEN_MAX 4

/* A file or directory of the model. */
struct node {
    unsigned id;
    char *name;
    bool is_directory;
    uint8_t *data;
    uint32_t size;
    struct node *parent, *children, *next;
    struct fat_file *file; /* while it is open */
};

/* What an operation does to a node, or not, if a power cut follows. Creating one is a move. */
enum effect { EFFECT_MOVE, EFFECT_MODIFY, EFFECT_REMOVE };

struct operation {
    size_t event; /* the number of recorded events when it began */
    enum effect effect;
    unsigned id;
    unsigned parent; /* EFFECT_MOVE: the directory that the node may be in, too, */
    char *name;      /* and its name there */
};

struct workload {
    struct disk *disk;
    struct fat_volume *volume;
    uint64_t random; /* state of the generator */
    uint32_t file_size_max;
    struct node root;
    struct node *open[WORKLOAD_OPEN_MAX];
    unsigned next_id;
    struct operation *operations;
    size_t operation_count, operation_limit;
    unsigned full; /* operations for which there was no space */
    unsigned failures;
};

/* Starts with an empty volume on @disk. */
void workload_start(struct workload *workload, struct disk *disk, uint64_t seed);

/* One operation; counts a failure, with a message, if its result is not that of the model. */
void workload_step(struct workload *workload);

/* While there are no directories: appends to some file, which may already be open. */
void workload_append(struct workload *workload);

void workload_sync(struct workload *workload);

/* Closes all files, unmounts, and mounts again. */
void workload_remount(struct workload *workload);

/* Closes all files, unmounts and compares the disk with the model by the checker, which must find
 * nothing to complain of. The model stays. */
void workload_finish(struct workload *workload);

void workload_free(struct workload *workload);

/* The path of a node; to be freed. */
char *workload_path(const struct node *node);

/* The next node of the tree in some order, the root excluded; NULL at the end, and first for NULL.
 */
struct node *workload_next(struct workload *workload, struct node *node);

uint64_t workload_random(uint64_t *state, uint64_t limit);

#endif
