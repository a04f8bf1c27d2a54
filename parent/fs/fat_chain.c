/* The chain of clusters of an open file. */
#include "parent/fs/fat_internal.h"

/* Goes along the chain towards number @index; *@at says how far it went: less if the chain ends.
 * The file has a first cluster. */
static int walk(struct fat_file *file, uint32_t index, uint32_t *cluster, uint32_t *at)
{
    if (file->seek_cluster == 0 || file->seek_index > index) {
        file->seek_index = 0;
        file->seek_cluster = file->first_cluster;
    }
    while (file->seek_index < index) {
        uint32_t next;
        int error = fat_table_next(file->volume, file->seek_cluster, &next);

        if (error != FS_OK)
            return error;
        if (next == 0)
            break;
        file->seek_cluster = next;
        file->seek_index++;
    }
    *cluster = file->seek_cluster;
    *at = file->seek_index;
    return FS_OK;
}

int fat_chain_find(struct fat_file *file, uint32_t index, uint32_t limit, uint32_t *cluster,
                   uint32_t *count)
{
    struct fat_volume *volume = file->volume;
    uint32_t at = 0;
    int error = FS_OK;

    if (file->first_cluster != 0)
        error = walk(file, index, cluster, &at);
    if (error != FS_OK)
        return error;
    if (file->first_cluster == 0 || at != index)
        return fat_damage(volume, "the chain from cluster %u is shorter than its file",
                          file->first_cluster);
    for (*count = 1; *count < limit; ++*count) {
        uint32_t next;

        error = fat_table_next(volume, *cluster + *count - 1, &next);
        if (error != FS_OK)
            return error;
        if (next != *cluster + *count)
            break;
    }
    return FS_OK;
}

static int append(struct fat_file *file, uint32_t tail, uint32_t missing, bool contiguous)
{
    struct fat_volume *volume = file->volume;

    while (missing > 0) {
        uint32_t hint = tail != 0 ? tail + 1 : 0;
        uint32_t first, count = missing;
        int error = contiguous ? fat_table_allocate_run(volume, hint, missing, &first)
                               : fat_table_allocate(volume, hint, missing, &first, &count);

        if (error != FS_OK)
            return error;
        file->surplus = true;
        if (tail == 0)
            file->first_cluster = first;
        else
            error = fat_link_chain(volume, tail, first, file->tail_epoch == volume->epoch);
        if (error != FS_OK)
            return error;
        file->tail_epoch = volume->epoch;
        tail = first + count - 1;
        missing -= count;
    }
    return FS_OK;
}

/* Makes the chain longer, from a place in it that is known now. */
static int extend(struct fat_file *file, uint32_t clusters, bool contiguous)
{
    uint32_t tail = 0, at, have = 0;
    int error = FS_OK;

    if (file->first_cluster != 0) {
        error = walk(file, clusters - 1, &tail, &at);
        if (error == FS_OK)
            have = at + 1;
    }
    if (error != FS_OK || have >= clusters)
        return error;
    error = append(file, tail, clusters - have, contiguous);
    if (error == FS_NO_SPACE) {
        int undo_error = fat_chain_cut(file, have);

        if (undo_error != FS_OK)
            error = undo_error;
    }
    return error;
}

int fat_chain_extend(struct fat_file *file, uint32_t clusters, bool contiguous)
{
    struct fat_volume *volume = file->volume;
    uint32_t index = file->seek_index, cluster = file->seek_cluster;
    int error = FS_OK;

    if (clusters == 0)
        return FS_OK;
    if (fat_has_pending_cut(volume))
        error = fat_commit(volume);
    if (error == FS_OK)
        error = extend(file, clusters, contiguous);
    /* Who appends to a file goes on where he was, not at the chain's new end: the way there from
     * the chain's start would be as long as the file, for each piece. */
    if (error == FS_OK && cluster != 0) {
        file->seek_index = index;
        file->seek_cluster = cluster;
    }
    return error;
}

int fat_chain_cut(struct fat_file *file, uint32_t clusters)
{
    struct fat_volume *volume = file->volume;
    uint32_t tail = 0, at, first = file->first_cluster;
    int error = FS_OK;

    if (first == 0)
        return FS_OK;
    if (clusters > 0) {
        error = walk(file, clusters - 1, &tail, &at);
        if (error == FS_OK && at != clusters - 1)
            return FS_OK;
        if (error == FS_OK)
            error = fat_table_next(volume, tail, &first);
    }
    if (error != FS_OK || first == 0)
        return error;
    if (clusters == 0)
        file->first_cluster = 0;
    file->seek_cluster = 0;
    file->tail_epoch = 0;
    error = fat_release_chain(volume, tail, first);
    /* The rest of the chain must be gone before the file can grow again. */
    return error == FS_OK && tail != 0 ? fat_commit(volume) : error;
}
