/* Paths, and what is done with them other than opening files. */
#include "lib/string.h"
#include "parent/fs/fat_internal.h"

static bool is_directory(const struct fat_item *item)
{
    return (item->entry.attributes & FAT_DIRECTORY) != 0;
}

/* A directory begins with entries for itself and its parent. What does not is something else, or so
 * damaged that it would seem to be empty. */
static int check_dot_entries(struct fat_volume *volume, uint32_t cluster)
{
    struct fat_position position = {.sector = fat_cluster_sector(volume, cluster)};
    struct fat_entry own, parent;
    int error = fat_entry_read(volume, &position, &own);

    position.offset = sizeof(own);
    if (error == FS_OK)
        error = fat_entry_read(volume, &position, &parent);
    if (error == FS_OK && (memcmp(own.name, FAT_DOT_NAME, sizeof(own.name)) != 0 ||
                           memcmp(parent.name, FAT_DOTS_NAME, sizeof(parent.name)) != 0 ||
                           fat_entry_cluster(volume, &own) != cluster))
        return fat_damage(volume, "there is no directory at cluster %u", cluster);
    return error;
}

int fat_item_cluster(struct fat_volume *volume, const struct fat_item *item, uint32_t *cluster)
{
    bool may_be_empty = !is_directory(item) && item->entry.size == 0;
    uint32_t value;

    *cluster = fat_entry_cluster(volume, &item->entry);
    if (*cluster == 0 && may_be_empty)
        return FS_OK;
    if (!fat_is_cluster(volume, *cluster) || *cluster == volume->root_cluster)
        return fat_damage(volume, "an entry in sector %u points to cluster %u",
                          item->position.sector, *cluster);

    int error = fat_table_get(volume, *cluster, &value);

    if (error == FS_OK && value == FAT_CLUSTER_FREE)
        return fat_damage(volume, "an entry in sector %u points to the free cluster %u",
                          item->position.sector, *cluster);
    return error == FS_OK && is_directory(item) ? check_dot_entries(volume, *cluster) : error;
}

/* Looks for the name of @size bytes at @text in target->directory. That there is none is no error.
 */
static int find_name(struct fat_volume *volume, const char *text, size_t size,
                     struct fat_target *target)
{
    int error = fat_name_parse(text, size, target->name, &target->name_length);

    if (error != FS_OK)
        return error;
    error =
        fat_find_item(volume, target->directory, target->name, target->name_length, &target->item);
    target->found = error == FS_OK;
    return error == FS_NOT_FOUND ? FS_OK : error;
}

/* Goes on to the directory that the target is. */
static int enter_directory(struct fat_volume *volume, uint32_t avoid, struct fat_target *target)
{
    if (!target->found)
        return FS_NOT_FOUND;
    if (!is_directory(&target->item))
        return FS_NOT_DIRECTORY;

    int error = fat_item_cluster(volume, &target->item, &target->directory);

    return error == FS_OK && target->directory == avoid ? FS_INVALID : error;
}

uint32_t fat_parent_cluster(const struct fat_volume *volume, uint32_t directory)
{
    return directory == volume->root_cluster ? 0 : directory;
}

int fat_resolve(struct fat_volume *volume, const char *path, uint32_t avoid,
                struct fat_target *target)
{
    target->directory = volume->root_cluster;
    target->is_root = true;
    target->found = false;
    while (true) {
        size_t size = 0;
        int error = FS_OK;

        while (*path == '/')
            path++;
        if (*path == '\0')
            return FS_OK;
        while (path[size] != '/' && path[size] != '\0')
            size++;
        if (!target->is_root)
            error = enter_directory(volume, avoid, target);
        if (error == FS_OK)
            error = find_name(volume, path, size, target);
        if (error != FS_OK)
            return error;
        target->is_root = false;
        path += size;
    }
}

int fat_get_status(struct fat_volume *volume, const char *path, struct fat_status *status)
{
    struct fat_target *target = &volume->target;
    int error = fat_resolve(volume, path, 0, target);

    if (error != FS_OK)
        return error;
    if (target->is_root) {
        *status = (struct fat_status){.name = "/", .attributes = FAT_DIRECTORY};
        return FS_OK;
    }
    if (!target->found)
        return FS_NOT_FOUND;
    fat_item_status(&target->item, status);
    return FS_OK;
}

int fat_resolve_item(struct fat_volume *volume, const char *path, int root_error,
                     struct fat_target *target)
{
    int error = fat_resolve(volume, path, 0, target);

    if (error != FS_OK)
        return error;
    if (target->is_root)
        return root_error;
    return target->found ? FS_OK : FS_NOT_FOUND;
}

int fat_remove(struct fat_volume *volume, const char *path)
{
    struct fat_target *target = &volume->target;
    uint32_t cluster;
    int error = fat_resolve_item(volume, path, FS_IS_DIRECTORY, target);

    if (error != FS_OK)
        return error;
    if (is_directory(&target->item))
        return FS_IS_DIRECTORY;
    if (fat_is_open(volume, &target->item.position))
        return FS_BUSY;
    error = fat_item_cluster(volume, &target->item, &cluster);
    if (error == FS_OK)
        error = fat_begin_change(volume);
    if (error == FS_OK)
        error = fat_delete_item(volume, target->directory, &target->item);
    return error == FS_OK && cluster != 0 ? fat_release_chain(volume, 0, cluster) : error;
}

int fat_remove_directory(struct fat_volume *volume, const char *path)
{
    struct fat_target *target = &volume->target;
    uint32_t cluster;
    int error = fat_resolve_item(volume, path, FS_INVALID, target);

    if (error != FS_OK)
        return error;
    if (!is_directory(&target->item))
        return FS_NOT_DIRECTORY;
    if (fat_is_open(volume, &target->item.position))
        return FS_BUSY;
    error = fat_item_cluster(volume, &target->item, &cluster);
    if (error == FS_OK)
        error = fat_directory_is_empty(volume, cluster);
    if (error == FS_OK)
        error = fat_begin_change(volume);
    if (error == FS_OK)
        error = fat_delete_item(volume, target->directory, &target->item);
    return error == FS_OK ? fat_release_chain(volume, 0, cluster) : error;
}

/* Fills a new directory's cluster: with the entries for itself and for its parent. */
static int write_dot_entries(struct fat_volume *volume, uint32_t cluster, uint32_t parent,
                             const struct fat_entry *entry)
{
    struct fat_entry *dots = (struct fat_entry *)volume->sector_buffer;
    int error = fat_clear_cluster(volume, cluster);

    if (error != FS_OK)
        return error;
    memset(dots, 0, volume->sector_size);
    dots[0] = dots[1] = *entry;
    memcpy(dots[0].name, FAT_DOT_NAME, sizeof(dots[0].name));
    memcpy(dots[1].name, FAT_DOTS_NAME, sizeof(dots[1].name));
    fat_entry_set_cluster(&dots[0], cluster);
    fat_entry_set_cluster(&dots[1], fat_parent_cluster(volume, parent));
    return fat_device_write(volume, fat_cluster_sector(volume, cluster), 1, dots);
}

int fat_make_directory(struct fat_volume *volume, const char *path)
{
    struct fat_target *target = &volume->target;
    struct fat_position position;
    struct fat_entry entry;
    uint32_t cluster, count;
    int error = fat_resolve(volume, path, 0, target);

    if (error != FS_OK)
        return error;
    if (target->is_root || target->found)
        return FS_EXISTS;
    error = fat_begin_change(volume);
    if (error != FS_OK)
        return error;
    error = fat_table_allocate(volume, 0, 1, &cluster, &count);
    if (error != FS_OK)
        return error;
    fat_entry_create(volume, &entry, FAT_DIRECTORY);
    fat_entry_set_cluster(&entry, cluster);
    error = write_dot_entries(volume, cluster, target->directory, &entry);
    if (error == FS_OK)
        error = fat_add_item(volume, target, &entry, &position);
    if (error != FS_OK)
        fat_release_chain(volume, 0, cluster);
    return error;
}
