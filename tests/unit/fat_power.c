/* Power cuts: every prefix of what a random workload wrote, with any choice of the sectors that
 * were not yet flushed, must be a volume without damage that still has what was synchronised
 * before. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fat/format.h"
#include "tests/fat/workload.h"
#include "tests/unit/unit.h"

#define STEPS 280
#define APPENDS 80
#define SYNC_PERCENT 15
#define CUTS_PER_EVENT 2
#define FSCK_EVERY 1500 /* cuts */

static const struct format formats[] = {
    {true, 512, 512, 1, 5000, 2, 0, true},   {true, 512, 512, 1, 500, 2, 0, false},
    {true, 512, 512, 4, 150, 2, 0, false},   {false, 512, 512, 1, 4085, 2, 128, false},
    {true, 1024, 2048, 1, 200, 2, 0, false},
};

/* --- What must survive --- */

struct kept_file {
    unsigned id, parent;
    char *name;
    char *path;
    bool is_directory;
    uint8_t *data;
    uint32_t size;
};

/* The model when fat_sync() had returned. */
struct snapshot {
    size_t event, operation; /* how many there were before */
    struct kept_file *files;
    size_t count;
};

static struct snapshot take_snapshot(struct workload *workload)
{
    struct snapshot snapshot = {workload->disk->event_count, workload->operation_count, NULL, 0};

    for (struct node *node = workload_next(workload, NULL); node != NULL;
         node = workload_next(workload, node)) {
        struct kept_file *file;

        snapshot.files = realloc(snapshot.files, (snapshot.count + 1) * sizeof(snapshot.files[0]));
        file = &snapshot.files[snapshot.count++];
        *file = (struct kept_file){
            .id = node->id,
            .parent = node->parent->id,
            .name = strdup(node->name),
            .path = workload_path(node),
            .is_directory = node->is_directory,
            .data = malloc(node->size + 1),
            .size = node->size,
        };
        if (node->size > 0)
            memcpy(file->data, node->data, node->size);
    }
    return snapshot;
}

static void free_snapshot(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        free(snapshot->files[i].name);
        free(snapshot->files[i].path);
        free(snapshot->files[i].data);
    }
    free(snapshot->files);
}

/* Whether @found is what the file was, unless something had begun to modify it. */
static bool is_intact(const struct kept_file *file, const struct checker_file *found,
                      bool may_be_modified)
{
    if (file->is_directory)
        return found->data == NULL;
    return may_be_modified || (found->data != NULL && found->size == file->size &&
                               memcmp(found->data, file->data, file->size) == 0);
}

/* --- Cuts --- */

struct cut {
    const struct workload *workload;
    const struct snapshot *snapshot;
    size_t event;   /* so many events had happened */
    uint8_t *bytes; /* for the disk then */
    struct disk disk;
    bool runs_fsck;
};

/* The next operation, from number *@index on, that had begun since the snapshot; NULL: no more. */
static const struct operation *next_operation(const struct cut *cut, size_t *index)
{
    const struct operation *operation = &cut->workload->operations[*index];

    if (*index >= cut->workload->operation_count || operation->event >= cut->event)
        return NULL;
    ++*index;
    return operation;
}

static bool could_be(const struct cut *cut, unsigned id, const char *path, size_t length);

/* Whether the path of @length bytes is that of @name in the directory @parent. */
static bool could_be_in(const struct cut *cut, unsigned parent, const char *name, const char *path,
                        size_t length)
{
    size_t name_length = strlen(name);

    return length > name_length && path[length - name_length - 1] == '/' &&
           memcmp(path + length - name_length, name, name_length) == 0 &&
           could_be(cut, parent, path, length - name_length - 1);
}

/* Whether node @id can be found there: each renaming since the snapshot may count or not. */
static bool could_be(const struct cut *cut, unsigned id, const char *path, size_t length)
{
    const struct operation *operation;
    size_t index = cut->snapshot->operation;

    if (id == 0)
        return length == 0;
    for (size_t i = 0; i < cut->snapshot->count; i++) {
        const struct kept_file *file = &cut->snapshot->files[i];

        if (file->id == id && could_be_in(cut, file->parent, file->name, path, length))
            return true;
    }
    while ((operation = next_operation(cut, &index)) != NULL)
        if (operation->id == id && operation->effect == EFFECT_MOVE &&
            could_be_in(cut, operation->parent, operation->name, path, length))
            return true;
    return false;
}

static bool has_survived(const struct cut *cut, const struct checker *checker,
                         const struct kept_file *file)
{
    const struct checker_file *found = checker_find(checker, file->path);
    const struct operation *operation;
    size_t index = cut->snapshot->operation;
    bool may_be_modified = false;

    while ((operation = next_operation(cut, &index)) != NULL) {
        if (operation->id == file->id && operation->effect == EFFECT_REMOVE)
            return true;
        if (operation->id == file->id && operation->effect == EFFECT_MODIFY)
            may_be_modified = true;
    }
    if (found != NULL && is_intact(file, found, may_be_modified))
        return true;
    for (size_t i = 0; i < checker->count; i++)
        if (could_be(cut, file->id, checker->files[i].path, strlen(checker->files[i].path)) &&
            is_intact(file, &checker->files[i], may_be_modified))
            return true;
    return false;
}

static void complain(const struct cut *cut, const char *what, const char *detail)
{
    fprintf(stderr, "power cut after %zu events: %s: %s (%s)\n", cut->event, what, detail,
            cut->disk.last_report);
    unit_failures++;
}

/* Runs fsck.fat, which only looks; returns its exit status, and what it said in @output. */
static int run_fsck(const struct cut *cut, char *output, size_t size)
{
    char path[] = "/tmp/fat-power-XXXXXX", command[100];
    int file = mkstemp(path);

    CHECK(file >= 0);
    close(file);
    disk_save(&cut->disk, path);
    snprintf(command, sizeof(command), "/usr/sbin/fsck.fat -n %s 2>&1", path);

    FILE *pipe = popen(command, "r");

    output[fread(output, 1, size - 1, pipe)] = '\0';
    unlink(path);
    return pclose(pipe);
}

/* What fsck.fat says of cross links, and of entries that lead to free clusters or nowhere. */
static const char *const forbidden[] = {
    "share clusters", "Contains a", "Bad start cluster", "Start cluster beyond", "Circular",
    "out of range",   "Start does", "Bad FAT32 root",    "Bad short file name",
};

/* What the device holds, before anything has been repaired. */
static void check_raw(const struct cut *cut)
{
    struct checker checker;

    checker_run(&checker, cut->disk.bytes, (size_t)cut->disk.sector_count * cut->disk.sector_size);
    if (checker.errors > 0)
        complain(cut, "damage", checker.first_error);
    checker_free(&checker);
    if (!cut->runs_fsck)
        return;

    char output[20000];

    run_fsck(cut, output, sizeof(output));
    for (unsigned i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
        if (strstr(output, forbidden[i]) != NULL)
            complain(cut, "fsck.fat before the repair", output);
}

/* Mounts it, tidies up, unmounts it. */
static void repair(struct cut *cut)
{
    struct fat_check_result result;
    int error;
    struct fat_volume *volume = disk_mount(&cut->disk, &error);

    if (volume == NULL) {
        complain(cut, "mount", fs_error_text(error));
        return;
    }

    void *memory = malloc(fat_check_memory(volume));

    error = fat_check(volume, memory, &result);
    if (error != FS_OK)
        complain(cut, "fat_check", fs_error_text(error));
    error = fat_unmount(volume);
    if (error != FS_OK)
        complain(cut, "unmount", fs_error_text(error));
    free(memory);
    free(volume);
}

static void check_repaired(const struct cut *cut)
{
    struct checker checker;

    checker_run(&checker, cut->disk.bytes, (size_t)cut->disk.sector_count * cut->disk.sector_size);
    if (checker.errors + checker.lost_clusters + checker.long_chains + checker.orphans +
                checker.differences >
            0 ||
        checker.is_dirty)
        complain(cut, "not repaired", checker.first_error);
    for (size_t i = 0; i < cut->snapshot->count; i++)
        if (!has_survived(cut, &checker, &cut->snapshot->files[i]))
            complain(cut, "lost", cut->snapshot->files[i].path);
    checker_free(&checker);

    char output[20000];

    if (cut->runs_fsck && run_fsck(cut, output, sizeof(output)) != 0)
        complain(cut, "fsck.fat after the repair", output);
}

/* Cuts the power after @event events: of the sectors written after the last flush, of which @base
 * has none, those arrive that @choice says: all of them, or a random part. */
static void cut_power(struct cut *cut, const struct disk *source, const uint8_t *base,
                      size_t last_flush, bool all, uint64_t *random)
{
    size_t size = (size_t)source->sector_count * source->sector_size;
    uint64_t percent = workload_random(random, 101);

    cut->disk = (struct disk){
        .bytes = cut->bytes,
        .sector_size = source->sector_size,
        .sector_count = source->sector_count,
        .calls_until_failure = -1,
    };
    memcpy(cut->disk.bytes, base, size);
    for (size_t i = last_flush; i < cut->event; i++) {
        const struct disk_event *event = &source->events[i];

        if (!event->is_flush && (all || workload_random(random, 100) < percent))
            memcpy(cut->disk.bytes + (size_t)event->sector * source->sector_size, event->data,
                   source->sector_size);
    }
    check_raw(cut);
    repair(cut);
    check_repaired(cut);
}

static void apply(uint8_t *base, const struct disk *disk, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (!disk->events[i].is_flush)
            memcpy(base + (size_t)disk->events[i].sector * disk->sector_size, disk->events[i].data,
                   disk->sector_size);
}

/* Goes through all events; @base is the device before the first. */
static void cut_everywhere(const struct workload *workload, const struct snapshot *snapshots,
                           size_t snapshot_count, uint8_t *base, uint64_t seed)
{
    const struct disk *disk = workload->disk;
    uint8_t *bytes = malloc((size_t)disk->sector_count * disk->sector_size);
    size_t last_flush = 0, snapshot = 0;
    uint64_t random = seed * 977 + 1;
    unsigned cuts = 0;

    for (size_t event = 1; event <= disk->event_count && unit_failures == 0; event++) {
        if (disk->events[event - 1].is_flush) {
            apply(base, disk, last_flush, event);
            last_flush = event;
        }
        while (snapshot + 1 < snapshot_count && snapshots[snapshot + 1].event <= event)
            snapshot++;
        for (unsigned i = 0; i < CUTS_PER_EVENT; i++) {
            struct cut cut = {
                .workload = workload,
                .snapshot = &snapshots[snapshot],
                .event = event,
                .bytes = bytes,
                .runs_fsck = cuts++ % FSCK_EVERY == 0,
            };

            cut_power(&cut, disk, base, last_flush, i == 0, &random);
        }
    }
    free(bytes);
}

/* How many steps only append to files: what crosses sectors of the FAT most often. */
static unsigned format_appends(const struct format *format)
{
    return format->is_scattered ? APPENDS : 0;
}

static void run(const struct format *format, uint64_t seed)
{
    struct workload workload;
    struct snapshot *snapshots = malloc((STEPS + 1) * sizeof(*snapshots));
    size_t snapshot_count = 0;
    struct disk disk;

    format_disk(&disk, format);

    size_t size = (size_t)disk.sector_count * disk.sector_size;
    uint8_t *base = malloc(size);

    memcpy(base, disk.bytes, size);
    workload_start(&workload, &disk, seed);
    workload.file_size_max = 8000;
    disk_record(&disk);
    snapshots[snapshot_count++] = take_snapshot(&workload);
    for (unsigned step = 0; step < STEPS && workload.failures == 0; step++) {
        if (step < format_appends(format))
            workload_append(&workload);
        else
            workload_step(&workload);
        if (workload_random(&workload.random, 100) < SYNC_PERCENT) {
            workload_sync(&workload);
            snapshots[snapshot_count++] = take_snapshot(&workload);
        }
    }
    CHECK_EQUAL(workload.failures, 0);
    cut_everywhere(&workload, snapshots, snapshot_count, base, seed);
    for (size_t i = 0; i < snapshot_count; i++)
        free_snapshot(&snapshots[i]);
    free(snapshots);
    free(base);
    workload_free(&workload);
    disk_destroy(&disk);
}

int main(int argument_count, char **arguments)
{
    unsigned rounds = argument_count > 1 ? (unsigned)atoi(arguments[1]) : 1;

    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]) && unit_failures == 0; i++) {
            unsigned seed = 100 * (i + 1) + round;

            run(&formats[i], seed);
            if (unit_failures > 0)
                fprintf(stderr, "with format %u, seed %u\n", i, seed);
        }
    }
    return unit_result();
}
