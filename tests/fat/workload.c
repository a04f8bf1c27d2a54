#include "tests/fat/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NODES_MAX 60
#define DEPTH_MAX 4
#define PATH_SIZE 2048
#define WRITE_SIZE_MAX 9000

/* No two differ by the case of letters outside of ASCII only. */
static const char *const names[] = {
    "A",
    "b.txt",
    "B.TXT",
    "ReadMe.md",
    "disk.vhd",
    "config",
    ".hidden",
    "two words.txt",
    "A rather long name that needs several pieces of thirteen characters each.conf",
    "A rather long name that needs several pieces of thirteen characters, too.conf",
    "A rather long name that needs several pieces of thirteen characters.conf",
    "exactly13char",
    "exactly twenty-six chars.x",
    "Grüße aus Köln.txt",
    "δίσκος",
    "虚拟磁盘.vhdx",
    "smile \xf0\x9f\x98\x80.bin",
    "a+b=c;d,e[f].x",
    "many.dots.in.a.name",
    "LONGNA~1.TXT",
    "UPPER.low",
    "lower.UP",
    "12345678.123",
    "123456789.123",
    "x~1",
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

uint64_t workload_random(uint64_t *state, uint64_t limit)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % limit;
}

static uint64_t pick(struct workload *workload, uint64_t limit)
{
    return workload_random(&workload->random, limit);
}

/* --- The model --- */

char *workload_path(const struct node *node)
{
    char *path = calloc(1, PATH_SIZE);

    for (; node->parent != NULL; node = node->parent) {
        size_t length = strlen(node->name);

        memmove(path + length + 1, path, strlen(path) + 1);
        path[0] = '/';
        memcpy(path + 1, node->name, length);
    }
    if (path[0] == '\0')
        strcpy(path, "/");
    return path;
}

struct node *workload_next(struct workload *workload, struct node *node)
{
    if (node == NULL)
        return workload->root.children;
    if (node->children != NULL)
        return node->children;
    while (node->next == NULL) {
        node = node->parent;
        if (node == &workload->root)
            return NULL;
    }
    return node->next;
}

static unsigned node_count(struct workload *workload)
{
    unsigned count = 0;

    for (struct node *node = workload_next(workload, NULL); node != NULL;
         node = workload_next(workload, node))
        count++;
    return count;
}

/* Any node; with @directory, one that is a directory or the root. */
static struct node *pick_node(struct workload *workload, bool directory)
{
    struct node *found = directory ? &workload->root : NULL;
    unsigned seen = 1;

    for (struct node *node = workload_next(workload, NULL); node != NULL;
         node = workload_next(workload, node)) {
        if (directory && !node->is_directory)
            continue;
        seen++;
        if (found == NULL || pick(workload, seen) == 0)
            found = node;
    }
    return found;
}

static struct node *find_child(const struct node *directory, const char *name)
{
    for (struct node *node = directory->children; node != NULL; node = node->next)
        if (strcasecmp(node->name, name) == 0)
            return node;
    return NULL;
}

static unsigned depth_of(const struct node *node)
{
    unsigned depth = 0;

    for (; node->parent != NULL; node = node->parent)
        depth++;
    return depth;
}

static bool is_inside(const struct node *node, const struct node *directory)
{
    for (; node != NULL; node = node->parent)
        if (node == directory)
            return true;
    return false;
}

static void attach(struct node *node, struct node *parent)
{
    node->parent = parent;
    node->next = parent->children;
    parent->children = node;
}

static void detach(struct node *node)
{
    struct node **link = &node->parent->children;

    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
}

static struct node *add_node(struct workload *workload, struct node *parent, const char *name,
                             bool is_directory)
{
    struct node *node = calloc(1, sizeof(*node));

    node->id = ++workload->next_id;
    node->name = strdup(name);
    node->is_directory = is_directory;
    attach(node, parent);
    return node;
}

static void free_node(struct node *node)
{
    free(node->name);
    free(node->data);
    free(node);
}

static void remove_node(struct node *node)
{
    detach(node);
    free_node(node);
}

static void set_node_size(struct node *node, uint32_t size)
{
    node->data = realloc(node->data, size + 1);
    if (size > node->size)
        memset(node->data + node->size, 0, size - node->size);
    node->size = size;
}

/* --- Operations --- */

static void expect(struct workload *workload, const char *what, const char *path, int actual,
                   int expected)
{
    if (actual == expected)
        return;
    fprintf(stderr, "%s %s: \"%s\" instead of \"%s\" (%s)\n", what, path, fs_error_text(actual),
            fs_error_text(expected), workload->disk->last_report);
    workload->failures++;
}

/* True if the operation was done; there may be no space for those that need it. */
static bool expect_done(struct workload *workload, const char *what, const char *path, int actual)
{
    if (actual == FS_NO_SPACE || actual == FS_DIRECTORY_FULL) {
        workload->full++;
        return false;
    }
    expect(workload, what, path, actual, FS_OK);
    return actual == FS_OK;
}

static void note(struct workload *workload, enum effect effect, unsigned id,
                 const struct node *parent, const char *name)
{
    if (workload->operation_count == workload->operation_limit) {
        workload->operation_limit = workload->operation_limit * 2 + 64;
        workload->operations = realloc(workload->operations,
                                       workload->operation_limit * sizeof(workload->operations[0]));
    }
    workload->operations[workload->operation_count++] = (struct operation){
        .event = workload->disk->event_count,
        .effect = effect,
        .id = id,
        .parent = parent != NULL ? parent->id : 0,
        .name = name != NULL ? strdup(name) : NULL,
    };
}

/* The path of @name in @directory; to be freed. */
static char *child_path(const struct node *directory, const char *name)
{
    char *parent = workload_path(directory), *path = malloc(PATH_SIZE);

    snprintf(path, PATH_SIZE, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name);
    free(parent);
    return path;
}

static void close_slot(struct workload *workload, unsigned slot)
{
    struct node *node = workload->open[slot];

    if (node == NULL)
        return;
    expect(workload, "close", node->name, fat_close(node->file), FS_OK);
    node->file = NULL;
    workload->open[slot] = NULL;
}

/* Opens a file, and keeps it open in a random place, whose old file is closed. */
static struct fat_file *open_node(struct workload *workload, struct node *node, unsigned flags)
{
    unsigned slot = (unsigned)pick(workload, WORKLOAD_OPEN_MAX);
    char *path = workload_path(node);
    struct fat_file *file;

    if (node->file == NULL) {
        close_slot(workload, slot);

        int error = fat_open(workload->volume, path, flags, &file);

        expect(workload, "open", path, error, FS_OK);
        if (error == FS_OK) {
            node->file = file;
            workload->open[slot] = node;
        }
    }
    free(path);
    return node->file;
}

static const char *pick_name(struct workload *workload)
{
    return names[pick(workload, NAME_COUNT)];
}

static void step_create(struct workload *workload)
{
    struct node *directory = pick_node(workload, true);
    const char *name = pick_name(workload);
    struct node *existing = find_child(directory, name);
    char *path = child_path(directory, name);
    struct fat_file *file;

    note(workload, EFFECT_MOVE, workload->next_id + 1, directory, name);

    int error = fat_open(workload->volume, path, FAT_OPEN_CREATE | FAT_OPEN_EXCLUSIVE, &file);

    if (existing != NULL) {
        expect(workload, "create", path, error, FS_EXISTS);
    } else if (expect_done(workload, "create", path, error)) {
        add_node(workload, directory, name, false);
        expect(workload, "close", path, fat_close(file), FS_OK);
    }
    free(path);
}

static void step_make_directory(struct workload *workload)
{
    struct node *directory = pick_node(workload, true);
    const char *name = pick_name(workload);
    struct node *existing = find_child(directory, name);
    char *path = child_path(directory, name);

    if (depth_of(directory) < DEPTH_MAX) {
        note(workload, EFFECT_MOVE, workload->next_id + 1, directory, name);

        int error = fat_make_directory(workload->volume, path);

        if (existing != NULL)
            expect(workload, "mkdir", path, error, FS_EXISTS);
        else if (expect_done(workload, "mkdir", path, error))
            add_node(workload, directory, name, true);
    }
    free(path);
}

/* Writes random bytes other than 0, which gaps have. */
static void write_node(struct workload *workload, struct node *node, uint32_t offset, size_t size)
{
    uint8_t buffer[WRITE_SIZE_MAX];
    struct fat_file *file = open_node(workload, node, 0);
    size_t done;

    if (file == NULL || offset + size > workload->file_size_max)
        return;
    for (size_t i = 0; i < size; i++)
        buffer[i] = (uint8_t)(pick(workload, 255) + 1);
    note(workload, EFFECT_MODIFY, node->id, NULL, NULL);
    if (!expect_done(workload, "write", node->name, fat_write(file, offset, buffer, size, &done)))
        return;
    expect(workload, "bytes written to", node->name, (int)done, (int)size);
    if (offset + size > node->size)
        set_node_size(node, (uint32_t)(offset + size));
    memcpy(node->data + offset, buffer, size);
}

static void step_write(struct workload *workload)
{
    struct node *node = pick_node(workload, false);
    size_t size = 1 + pick(workload, pick(workload, 4) == 0 ? WRITE_SIZE_MAX : 700);

    if (node == NULL || node->is_directory)
        return;

    uint32_t offset = (uint32_t)pick(workload, node->size + 1);

    if (pick(workload, 3) == 0)
        offset = node->size;
    else if (pick(workload, 6) == 0)
        offset = node->size + (uint32_t)pick(workload, 5000);
    write_node(workload, node, offset, size);
}

static void step_set_size(struct workload *workload)
{
    struct node *node = pick_node(workload, false);
    uint32_t size = (uint32_t)pick(workload, workload->file_size_max);
    struct fat_file *file;

    if (node == NULL || node->is_directory || (file = open_node(workload, node, 0)) == NULL)
        return;
    if (pick(workload, 3) == 0)
        size = 0;
    else if (pick(workload, 2) == 0)
        size = (uint32_t)pick(workload, node->size + 1);
    note(workload, EFFECT_MODIFY, node->id, NULL, NULL);
    if (expect_done(workload, "set size of", node->name, fat_set_size(file, size)))
        set_node_size(node, size);
}

static void step_truncate(struct workload *workload)
{
    struct node *node = pick_node(workload, false);

    if (node == NULL || node->is_directory || node->file != NULL)
        return;
    note(workload, EFFECT_MODIFY, node->id, NULL, NULL);
    if (open_node(workload, node, FAT_OPEN_CREATE | FAT_OPEN_TRUNCATE) != NULL)
        set_node_size(node, 0);
}

static void step_preallocate(struct workload *workload)
{
    struct node *node = pick_node(workload, false);
    struct fat_file *file;

    if (node == NULL || node->is_directory || (file = open_node(workload, node, 0)) == NULL)
        return;
    expect_done(
        workload, "preallocate", node->name,
        fat_preallocate(file, pick(workload, 2 * workload->file_size_max), pick(workload, 2) == 0));
}

static void step_read(struct workload *workload)
{
    struct node *node = pick_node(workload, false);
    uint8_t buffer[5000];
    size_t size = pick(workload, sizeof(buffer)), done;
    struct fat_file *file;

    if (node == NULL || node->is_directory || (file = open_node(workload, node, 0)) == NULL)
        return;

    uint32_t offset = (uint32_t)pick(workload, node->size + 100);
    size_t expected = offset >= node->size         ? 0
                      : size < node->size - offset ? size
                                                   : node->size - offset;

    expect(workload, "read", node->name, fat_read(file, offset, buffer, size, &done), FS_OK);
    expect(workload, "size of", node->name, (int)fat_file_size(file), (int)node->size);
    expect(workload, "bytes read from", node->name, (int)done, (int)expected);
    if (done == expected && done > 0)
        expect(workload, "contents of", node->name, memcmp(buffer, node->data + offset, done) != 0,
               0);
}

/* Whether something in the tree from @node on is open. */
static int remove_result(const struct node *node, bool as_directory)
{
    if (node->is_directory != as_directory)
        return as_directory ? FS_NOT_DIRECTORY : FS_IS_DIRECTORY;
    if (node->file != NULL)
        return FS_BUSY;
    return node->children != NULL ? FS_NOT_EMPTY : FS_OK;
}

static void step_remove(struct workload *workload)
{
    struct node *node = pick_node(workload, false);

    if (node == NULL)
        return;

    bool as_directory = pick(workload, 8) == 0 ? !node->is_directory : node->is_directory;
    char *path = workload_path(node);
    int expected = remove_result(node, as_directory);

    if (expected == FS_OK)
        note(workload, EFFECT_REMOVE, node->id, NULL, NULL);
    expect(workload, "remove", path,
           as_directory ? fat_remove_directory(workload->volume, path)
                        : fat_remove(workload->volume, path),
           expected);
    if (expected == FS_OK)
        remove_node(node);
    free(path);
}

static int rename_result(const struct node *node, const struct node *directory,
                         const struct node *existing)
{
    if (node->file != NULL)
        return FS_BUSY;
    if (is_inside(directory, node))
        return FS_INVALID;
    if (existing == NULL || existing == node)
        return FS_OK;
    if (existing->is_directory)
        return FS_EXISTS;
    if (node->is_directory)
        return FS_NOT_DIRECTORY;
    return existing->file != NULL ? FS_BUSY : FS_OK;
}

static void step_rename(struct workload *workload)
{
    struct node *node = pick_node(workload, false);
    struct node *directory = pick_node(workload, true);
    const char *name = pick_name(workload);

    if (node == NULL || depth_of(directory) >= DEPTH_MAX)
        return;
    if (pick(workload, 2) == 0)
        directory = node->parent;

    struct node *existing = find_child(directory, name);
    char *from = workload_path(node);
    char *to = child_path(directory, name);
    int expected = rename_result(node, directory, existing);

    if (expected == FS_OK) {
        bool replaces = existing != NULL && existing != node;

        note(workload, EFFECT_MOVE, node->id, directory, replaces ? existing->name : name);
        if (replaces)
            note(workload, EFFECT_REMOVE, existing->id, NULL, NULL);
    }

    int error = fat_rename(workload->volume, from, to);

    if (expected != FS_OK) {
        expect(workload, "rename", to, error, expected);
    } else if (expect_done(workload, "rename", to, error)) {
        if (existing != NULL && existing != node) {
            free(node->name);
            node->name = strdup(existing->name);
            remove_node(existing);
        } else {
            free(node->name);
            node->name = strdup(name);
        }
        detach(node);
        attach(node, directory);
    }
    free(from);
    free(to);
}

static void step_list(struct workload *workload)
{
    struct node *directory = pick_node(workload, true);
    char *path = workload_path(directory);
    struct fat_file *file;
    struct fat_status status;
    uint32_t position = 0;
    unsigned count = 0, expected = 0;

    for (struct node *node = directory->children; node != NULL; node = node->next)
        expected++;
    expect(workload, "open", path, fat_open(workload->volume, path, FAT_OPEN_DIRECTORY, &file),
           FS_OK);
    while (fat_read_directory(file, &position, &status) == FS_OK) {
        struct node *node = find_child(directory, status.name);

        count++;
        if (node == NULL || strcmp(node->name, status.name) != 0 ||
            ((status.attributes & FAT_DIRECTORY) != 0) != node->is_directory ||
            (!node->is_directory && node->size != status.size))
            expect(workload, "list", status.name, FS_NOT_FOUND, FS_OK);
    }
    expect(workload, "entries in", path, (int)count, (int)expected);
    expect(workload, "close", path, fat_close(file), FS_OK);
    free(path);
}

void workload_sync(struct workload *workload)
{
    expect(workload, "sync", "", fat_sync(workload->volume), FS_OK);
}

void workload_append(struct workload *workload)
{
    struct node *node = pick_node(workload, false);

    if (node == NULL)
        step_create(workload);
    else
        write_node(workload, node, node->size, 1 + pick(workload, 700));
}

void workload_step(struct workload *workload)
{
    switch (pick(workload, 16)) {
    case 0:
    case 1:
        if (node_count(workload) < NODES_MAX)
            step_create(workload);
        break;
    case 2:
        if (node_count(workload) < NODES_MAX)
            step_make_directory(workload);
        break;
    case 3:
    case 4:
    case 5:
        step_write(workload);
        break;
    case 6:
        step_set_size(workload);
        break;
    case 7:
        step_truncate(workload);
        break;
    case 8:
        step_preallocate(workload);
        break;
    case 9:
        step_read(workload);
        break;
    case 10:
        step_remove(workload);
        break;
    case 11:
    case 12:
    case 13:
        step_rename(workload);
        break;
    case 14:
        step_list(workload);
        break;
    default:
        close_slot(workload, (unsigned)pick(workload, WORKLOAD_OPEN_MAX));
    }
}

/* --- From beginning to end --- */

static void mount(struct workload *workload)
{
    int error;

    workload->volume = disk_mount(workload->disk, &error);
    if (workload->volume == NULL) {
        fprintf(stderr, "mount: %s (%s)\n", fs_error_text(error), workload->disk->last_report);
        exit(1);
    }
}

void workload_start(struct workload *workload, struct disk *disk, uint64_t seed)
{
    *workload = (struct workload){
        .disk = disk,
        .random = seed * 0x9e3779b97f4a7c15ull + 1,
        .file_size_max = 30000,
    };
    workload->root.is_directory = true;
    mount(workload);
}

static void unmount(struct workload *workload)
{
    for (unsigned slot = 0; slot < WORKLOAD_OPEN_MAX; slot++)
        close_slot(workload, slot);
    expect(workload, "unmount", "", fat_unmount(workload->volume), FS_OK);
    free(workload->volume);
    workload->volume = NULL;
}

void workload_remount(struct workload *workload)
{
    unmount(workload);
    mount(workload);
}

void workload_finish(struct workload *workload)
{
    struct disk *disk = workload->disk;
    struct checker checker;

    unmount(workload);
    checker_run(&checker, disk->bytes, (size_t)disk->sector_count * disk->sector_size);
    if (checker.errors + checker.lost_clusters + checker.long_chains + checker.orphans +
            checker.differences !=
        0)
        expect(workload, "check", checker.first_error, FS_DAMAGED, FS_OK);
    expect(workload, "dirty mark of", "the volume", checker.is_dirty, false);
    expect(workload, "files on", "the volume", (int)checker.count, (int)node_count(workload));
    for (struct node *node = workload_next(workload, NULL); node != NULL;
         node = workload_next(workload, node)) {
        char *path = workload_path(node);
        const struct checker_file *file = checker_find(&checker, path);

        if (file == NULL)
            expect(workload, "find", path, FS_NOT_FOUND, FS_OK);
        else if (!node->is_directory &&
                 (file->size != node->size ||
                  (node->size > 0 && memcmp(file->data, node->data, node->size) != 0)))
            expect(workload, "contents of", path, FS_DAMAGED, FS_OK);
        free(path);
    }
    checker_free(&checker);
}

static void free_tree(struct node *node)
{
    while (node->children != NULL) {
        struct node *child = node->children;

        node->children = child->next;
        free_tree(child);
        free_node(child);
    }
}

void workload_free(struct workload *workload)
{
    free_tree(&workload->root);
    for (size_t i = 0; i < workload->operation_count; i++)
        free(workload->operations[i].name);
    free(workload->operations);
    free(workload->volume);
}
