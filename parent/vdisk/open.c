/* Opens virtual disks by name, and sees to it that nobody else writes what one reads. */
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/services/store.h"
#include "parent/vdisk/raw.h"
#include "parent/vdisk/vhd.h"

#define SECTOR_SIZE 512u
#define CD_SECTOR_SIZE 2048u
#define MAX_RUNS 4096u
#define CLOSE_POLL 1000 /* microseconds */

static struct mutex lock; /* the list */
static struct list open_disks = {&open_disks, &open_disks};

void vdisk_init(void)
{
    mutex_init(&lock);
}

/* An image on the store, before it is a disk. */
struct image {
    struct fat_file *file;
    struct vhd_footer footer;
    bool is_vhd;
    uint64_t size; /* bytes of data */
};

static void close_file(void *context)
{
    struct fat_volume *volume = store_take();
    if (!volume)
        return;
    fat_close(context);
    store_release();
}

static bool is_cd(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".iso") == 0;
}

/* Looks for a VHD's footer at the end of the file. NULL, or what is wrong. */
static const char *read_footer(struct image *image)
{
    uint8_t bytes[VHD_FOOTER_SIZE];
    size_t done = 0;
    image->size = fat_file_size(image->file);
    if (image->size < VHD_FOOTER_SIZE)
        return image->size < SECTOR_SIZE ? "it is too small for a disk" : NULL;
    int error = fat_read(image->file, image->size - VHD_FOOTER_SIZE, bytes, sizeof(bytes), &done);
    if (error != FS_OK)
        return fs_error_text(error);
    enum vhd_error bad = vhd_parse_footer(bytes, &image->footer);
    if (bad == VHD_NO_COOKIE)
        return NULL;
    if (bad != VHD_OK)
        return vhd_error_text(bad);
    if (image->footer.type != VHD_FIXED)
        return "a dynamic VHD cannot be used yet: convert it to a fixed one";
    if (image->footer.size > image->size - VHD_FOOTER_SIZE)
        return "the file is shorter than the disk that its footer describes";
    image->is_vhd = true;
    image->size = image->footer.size;
    return NULL;
}

/* The file's extents as runs of its device, of @limit sectors in all; their number, 0 on errors. */
static uint32_t find_runs(const struct image *image, uint64_t sector_size, struct raw_run *runs,
                          const char **error)
{
    static struct fat_extent extents[64]; /* the store is taken */
    uint64_t left = image->size / sector_size;
    uint32_t found = 0, offset = 0;
    while (left > 0) {
        unsigned count = 0;
        int result = fat_get_extents(image->file, offset, extents, 64, &count);
        *error = result == FS_OK ? "the file is shorter than its size" : fs_error_text(result);
        if (result != FS_OK || count == 0)
            return 0;
        for (unsigned i = 0; i < count && left > 0; i++) {
            uint64_t sectors = extents[i].sector_count < left ? extents[i].sector_count : left;
            *error = "the file is in too many pieces: copy it to a store with more free space";
            if (found == MAX_RUNS)
                return 0;
            runs[found++] = (struct raw_run){extents[i].sector, sectors};
            left -= sectors;
            offset = extents[i].file_offset + (uint32_t)(sectors * sector_size);
        }
    }
    return found;
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

static struct vdisk *make_disk(const struct image *image, const char *path, const char **error)
{
    struct block_device *device = store_device();
    uint32_t sector_size = is_cd(path) ? CD_SECTOR_SIZE : SECTOR_SIZE;
    struct raw_run *runs = heap_allocate(MAX_RUNS * sizeof(*runs));
    struct vdisk *disk = NULL;
    if (sector_size < device->sector_size)
        sector_size = device->sector_size;
    uint32_t count = runs ? find_runs(image, device->sector_size, runs, error) : 0;
    if (count > 0)
        disk = raw_create(device, sector_size, runs, count, close_file, image->file);
    if (!runs || (count > 0 && !disk))
        *error = "no memory is left, or the file holds no whole sector";
    heap_free(runs);
    if (!disk)
        return NULL;
    disk->removable = is_cd(path);
    disk->read_only = is_cd(path) || device->read_only;
    if (image->is_vhd)
        memcpy(disk->identity, image->footer.identity, sizeof(disk->identity));
    else
        identity_of(path, disk->identity);
    return disk;
}

static struct vdisk *open_image(const char *path, const char **error)
{
    struct image image = {0};
    struct vdisk *disk = NULL;
    struct fat_volume *volume = store_take();
    *error = "there is no store";
    if (!volume)
        return NULL;
    int result = fat_open(volume, path, 0, &image.file);
    *error = result == FS_OK ? read_footer(&image) : fs_error_text(result);
    if (!*error)
        disk = make_disk(&image, path, error);
    if (!disk && image.file)
        fat_close(image.file);
    store_release();
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

static struct vdisk *open_device(struct block_device *device, const char **error)
{
    struct raw_run run = {0, device->sector_count};
    *error = "the store is on it";
    if (store_device() && overlap(device, store_device()))
        return NULL;
    *error = "there is no medium, or no memory is left";
    struct vdisk *disk =
        run.count > 0 ? raw_create(device, device->sector_size, &run, 1, NULL, NULL) : NULL;
    if (!disk)
        return NULL;
    disk->read_only = device->read_only;
    disk->removable = device->removable;
    identity_of(device->model, disk->identity);
    return disk;
}

/* Whether @disk may be used beside all that are open. The lock is held. */
static bool is_free(const struct vdisk *disk, bool is_device)
{
    LIST_FOR_EACH (link, &open_disks) {
        const struct vdisk *other = CONTAINER_OF(link, struct vdisk, link);
        bool same = strcmp(other->name, disk->name) == 0;
        if (is_device && other->name[0] != '/')
            same = overlap(raw_device(disk), raw_device(other));
        if (same && !(disk->read_only && other->read_only))
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
    struct vdisk *disk = device ? open_device(device, error) : open_image(path, error);
    if (!disk)
        return NULL;
    snprintf(disk->name, sizeof(disk->name), "%s", path);
    if (flags & VDISK_OPEN_READ_ONLY)
        disk->read_only = true;
    mutex_lock(&lock);
    bool ours = is_free(disk, device != NULL);
    if (ours)
        list_add_last(&open_disks, &disk->link);
    mutex_unlock(&lock);
    if (ours)
        return disk;
    *error = "it is in use";
    disk->operations->close(disk);
    return NULL;
}

/* Who completes a request last does nothing with the disk afterwards, not even wake somebody. */
void vdisk_close(struct vdisk *disk)
{
    while (__atomic_load_n(&disk->active, __ATOMIC_ACQUIRE) != 0)
        thread_sleep(CLOSE_POLL);
    mutex_lock(&lock);
    list_remove(&disk->link);
    mutex_unlock(&lock);
    disk->operations->close(disk);
}
