/* Opens virtual disks by name, and sees to it that nobody else writes what one reads. */
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/services/store.h"
#include "parent/vdisk/raw.h"
#include "parent/vdisk/vhd_dynamic.h"

#define SECTOR_SIZE 512u
#define CD_SECTOR_SIZE 2048u
#define CLOSE_POLL 1000 /* microseconds */

static struct mutex lock; /* the list */
static struct list open_disks = {&open_disks, &open_disks};

void vdisk_init(void)
{
    mutex_init(&lock);
}

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    if (length <= tail)
        return false;
    for (size_t i = 0; i < tail; i++) {
        char c = path[length - tail + i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != ending[i])
            return false;
    }
    return true;
}

bool vdisk_is_vhd_name(const char *path)
{
    return ends_with(path, ".vhd");
}

/* FNV-1a, twice: the same for the same path. */
static void identity_of(const char *path, uint8_t identity[16])
{
    for (int half = 0; half < 2; half++) {
        uint64_t hash = 0xcbf29ce484222325u + (unsigned)half;
        for (const char *c = path; *c; c++)
            hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
        memcpy(identity + 8 * half, &hash, sizeof(hash));
    }
}

static void close_file(void *context)
{
    image_file_close(context);
}

/* The first @size bytes of the file as they are. */
static struct vdisk *open_plain(struct image_file *file, uint64_t size, uint32_t sector_size,
                                const char **error)
{
    struct block_device *device = file->device;
    if (sector_size < device->sector_size)
        sector_size = device->sector_size;
    *error = "no memory is left, or the file holds no whole sector";
    return raw_create(device, sector_size, &file->map, size / device->sector_size, close_file,
                      file);
}

static struct vdisk *open_dynamic(struct image_file *file, struct vhd_image *image,
                                  const char *path, bool read_only, const char **error)
{
    if (image->footer_damaged)
        log_print(
            LOG_WARNING,
            "%s: the footer at the end of the file is damaged: its copy at the start is used%s",
            path, read_only ? "" : ", and written there again");
    return vhd_dynamic_create(file, image, read_only, error);
}

static struct vdisk *open_vhd(struct image_file *file, const char *path, bool read_only,
                              const char **error)
{
    struct vhd_image image;
    struct vdisk *disk;
    *error = vhd_image_read(file, &image);
    if (*error)
        return NULL;
    if (image.footer.type == VHD_DYNAMIC)
        disk = open_dynamic(file, &image, path, read_only, error);
    else
        disk = open_plain(file, image.footer.size, SECTOR_SIZE, error);
    if (disk)
        memcpy(disk->identity, image.footer.identity, sizeof(disk->identity));
    else
        vhd_image_free(&image);
    return disk;
}

static struct vdisk *open_image(const char *path, unsigned flags, const char **error)
{
    bool is_cd = ends_with(path, ".iso");
    bool read_only = is_cd || (flags & VDISK_OPEN_READ_ONLY);
    struct vdisk *disk = NULL;
    struct image_file *file = image_file_open(path, !read_only, error);
    if (!file)
        return NULL;
    read_only = read_only || file->read_only;
    if (file->size < SECTOR_SIZE)
        *error = "it is too small for a disk";
    else if (vdisk_is_vhd_name(path))
        disk = open_vhd(file, path, read_only, error);
    else
        disk = open_plain(file, file->size, is_cd ? CD_SECTOR_SIZE : SECTOR_SIZE, error);
    if (!disk) {
        image_file_close(file);
        return NULL;
    }
    disk->read_only = read_only;
    disk->removable = is_cd;
    if (!vdisk_is_vhd_name(path))
        identity_of(path, disk->identity);
    return disk;
}

/* Whether two devices share sectors. */
static bool overlap(const struct block_device *a, const struct block_device *b)
{
    const struct block_device *disk_a = a->parent ? a->parent : a;
    const struct block_device *disk_b = b->parent ? b->parent : b;
    if (disk_a != disk_b)
        return false;
    return !a->parent || !b->parent ||
           (a->first_sector < b->first_sector + b->sector_count &&
            b->first_sector < a->first_sector + a->sector_count);
}

static void free_map(void *context)
{
    disk_map_free(context);
    heap_free(context);
}

static struct vdisk *create_on_device(struct block_device *device)
{
    struct disk_map *map = heap_allocate(sizeof(*map));
    struct vdisk *disk = NULL;
    if (!map)
        return NULL;
    if (device->sector_count > 0 && disk_map_add(map, 0, device->sector_count))
        disk = raw_create(device, device->sector_size, map, device->sector_count, free_map, map);
    if (!disk)
        free_map(map);
    return disk;
}

static struct vdisk *open_device(struct block_device *device, unsigned flags, const char **error)
{
    *error = "the store is on it";
    if (store_device() && overlap(device, store_device()))
        return NULL;
    *error = "there is no medium, or no memory is left";
    struct vdisk *disk = create_on_device(device);
    if (!disk)
        return NULL;
    disk->read_only = device->read_only || (flags & VDISK_OPEN_READ_ONLY);
    disk->removable = device->removable;
    identity_of(device->model, disk->identity);
    return disk;
}

/* Whether the device may be used beside all that are open; the file system sees to files. The lock
 * is held. */
static bool is_free(const struct vdisk *disk)
{
    LIST_FOR_EACH (link, &open_disks) {
        const struct vdisk *other = CONTAINER_OF(link, struct vdisk, link);
        if (other->name[0] != '/' && overlap(raw_device(disk), raw_device(other)) &&
            !(disk->read_only && other->read_only))
            return false;
    }
    return true;
}

struct vdisk *vdisk_open(const char *path, unsigned flags, const char **error)
{
    struct block_device *device = path[0] == '/' ? NULL : block_find(path);
    *error = "the name is too long";
    if (strlen(path) >= sizeof(((struct vdisk *)0)->name))
        return NULL;
    *error = "there is no such device: disks shows those that there are, and the path of a file "
             "begins with /";
    if (!device && path[0] != '/')
        return NULL;
    struct vdisk *disk =
        device ? open_device(device, flags, error) : open_image(path, flags, error);
    if (!disk)
        return NULL;
    snprintf(disk->name, sizeof(disk->name), "%s", path);
    mutex_lock(&lock);
    bool ours = !device || is_free(disk);
    disk->users = 1;
    if (ours)
        list_add_last(&open_disks, &disk->link);
    mutex_unlock(&lock);
    if (ours)
        return disk;
    *error = "it is in use";
    disk->operations->stop(disk);
    disk->operations->release(disk);
    return NULL;
}

/* Who completes a request last does nothing with the disk afterwards, not even wake somebody. The
 * lock is held. */
static void stop(struct vdisk *disk)
{
    if (disk->stopped)
        return;
    __atomic_store_n(&disk->stopped, true, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&disk->active, __ATOMIC_SEQ_CST) != 0)
        thread_sleep(CLOSE_POLL);
    disk->operations->stop(disk);
}

void vdisk_share(struct vdisk *disk)
{
    __atomic_fetch_add(&disk->users, 1, __ATOMIC_RELAXED);
}

void vdisk_close(struct vdisk *disk)
{
    if (__atomic_sub_fetch(&disk->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    mutex_lock(&lock);
    stop(disk);
    list_remove(&disk->link);
    mutex_unlock(&lock);
    disk->operations->release(disk);
}

void vdisk_stop_all(void)
{
    mutex_lock(&lock);
    LIST_FOR_EACH (link, &open_disks)
        stop(CONTAINER_OF(link, struct vdisk, link));
    mutex_unlock(&lock);
}
