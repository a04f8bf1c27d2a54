/* Making images, empty or with what another one has. */
#include "lib/string.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/include/vdisk.h"
#include "parent/services/store.h"
#include "parent/vdisk/image_tools.h"
#include "parent/vdisk/mapped.h"
#include "parent/vdisk/vhd_image.h"

#define PIECE_PAGES 64u
#define PIECE (PIECE_PAGES * 4096u) /* bytes that are copied at once */
#define SPARSE_PIECE 0x10000u       /* bytes that are left out if they are zeros */
#define VHD_EPOCH 946684800u        /* 2000-01-01, in seconds since 1970 */

/* A new disk's identity: by name and time, marked as a random UUID. */
static void make_identity(const char *path, uint8_t identity[16])
{
    uint64_t values[2] = {time_now() ^ (uint64_t)(uintptr_t)path, time_wall_clock()};
    for (int i = 0; i < 2; i++)
        for (const char *c = path; *c; c++)
            values[i] = (values[i] ^ (uint8_t)*c) * 0x100000001b3u + values[1 - i];
    memcpy(identity, values, sizeof(values));
    identity[6] = (uint8_t)((identity[6] & 0x0f) | 0x40);
    identity[8] = (uint8_t)((identity[8] & 0x3f) | 0x80);
}

static struct vhd_footer new_footer(const char *path, uint64_t size)
{
    struct vhd_footer footer = {.type = VHD_FIXED, .size = size};
    uint64_t now = time_wall_clock();
    footer.timestamp = now > VHD_EPOCH ? (uint32_t)(now - VHD_EPOCH) : 0;
    make_identity(path, footer.identity);
    return footer;
}

static const char *check_request(const char *path, enum image_kind kind, uint64_t size)
{
    if (path[0] != '/')
        return "the path of a file begins with /";
    if (vdisk_is_vhd_name(path) != (kind != IMAGE_RAW))
        return kind == IMAGE_RAW ? "a name that ends in .vhd is that of a VHD: say fixed or dynamic"
                                 : "the name of a VHD ends in .vhd";
    if (size == 0 || size % VHD_SECTOR_SIZE != 0)
        return "the size of a disk is a multiple of 512 bytes";
    if (size > VHD_DISK_SIZE_MAX)
        return "a disk has at most 2040 GiB";
    if (kind != IMAGE_DYNAMIC && size > FAT_FILE_SIZE_MAX - VHD_FOOTER_SIZE)
        return "a file of the store has at most 4 GiB: make a dynamic VHD, which may describe a "
               "larger disk as long as less of it is used";
    return NULL;
}

/* --- Where the data goes --- */

/* An image that is being made, from its start to its end. */
struct target {
    const char *path;
    enum image_kind kind;
    struct vhd_footer footer;
    struct image_file *file; /* raw, fixed */
    struct vdisk *disk;      /* dynamic, when there is data */
    uint64_t offset;         /* bytes so far */
    bool made;               /* the file is ours, to be removed after an error */
};

/* Gives the error's text, and NULL for none. */
static const char *text_of(enum vdisk_status status)
{
    return status == VDISK_OK ? NULL : vdisk_status_text(status);
}

static const char *target_open(struct target *target, const char *path, enum image_kind kind,
                               uint64_t size)
{
    const char *error = check_request(path, kind, size);
    *target = (struct target){.path = path, .kind = kind};
    if (error)
        return error;
    target->footer = new_footer(path, size);
    target->file = image_file_create(path, &error);
    if (!target->file)
        return error;
    target->made = true;
    if (kind == IMAGE_DYNAMIC)
        return text_of(vhd_image_create(target->file, &target->footer, VHD_BLOCK_SIZE_DEFAULT));
    return text_of(
        image_file_reserve(target->file, size + (kind == IMAGE_FIXED ? VHD_FOOTER_SIZE : 0)));
}

/* A request that is waited for. */
struct job {
    struct vdisk_request request;
    struct completion completion;
};

static void job_done(struct vdisk_request *request)
{
    completion_signal(&CONTAINER_OF(request, struct job, request)->completion);
}

static enum vdisk_status run(struct vdisk *disk, struct job *job)
{
    completion_init(&job->completion);
    job->request.done = job_done;
    vdisk_submit(disk, &job->request);
    completion_wait(&job->completion, WAIT_FOREVER);
    return job->request.status;
}

/* Reads or writes memory in one piece. */
static enum vdisk_status move(struct vdisk *disk, enum vdisk_operation operation, uint64_t offset,
                              const uint8_t *buffer, uint32_t size)
{
    struct block_segment segment = {virtual_to_physical(buffer), size};
    struct job job = {.request = {.operation = operation,
                                  .sector = offset / disk->sector_size,
                                  .segments = &segment,
                                  .segment_count = 1}};
    return run(disk, &job);
}

static enum vdisk_status flush(struct vdisk *disk)
{
    struct job job = {.request = {.operation = VDISK_FLUSH}};
    return run(disk, &job);
}

static bool is_zero(const uint8_t *data, uint32_t size)
{
    return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

/* Writes what is not zero to the dynamic VHD, which is opened for it. */
static const char *write_sparse(struct target *target, const uint8_t *data, uint32_t size)
{
    const char *error = NULL;
    if (!target->disk) {
        image_file_close(target->file);
        target->file = NULL;
        target->disk = vdisk_open(target->path, 0, &error);
        if (!target->disk)
            return error;
        error = NULL;
    }
    for (uint32_t done = 0, now; done < size && !error; done += now) {
        now = size - done < SPARSE_PIECE ? size - done : SPARSE_PIECE;
        if (!is_zero(data + done, now))
            error =
                text_of(move(target->disk, VDISK_WRITE, target->offset + done, data + done, now));
    }
    return error;
}

/* The next bytes of the disk. */
static const char *target_write(struct target *target, const uint8_t *data, uint32_t size)
{
    const char *error = target->kind == IMAGE_DYNAMIC
                            ? write_sparse(target, data, size)
                            : text_of(image_file_append(target->file, data, size));
    target->offset += size;
    return error;
}

static void remove_file(const char *path)
{
    struct fat_volume *volume = store_take();
    if (!volume)
        return;
    fat_remove(volume, path);
    store_release();
}

/* Ends the file if @error, what went wrong before, is NULL. After an error, be it of this call, the
 * file is removed. */
static const char *target_close(struct target *target, const char *error)
{
    uint8_t footer[VHD_FOOTER_SIZE];
    if (!error && target->kind == IMAGE_FIXED) {
        vhd_build_footer(&target->footer, footer);
        error = text_of(image_file_append(target->file, footer, sizeof(footer)));
    }
    if (!error && target->file)
        error = text_of(image_file_sync());
    if (!error && target->disk)
        error = text_of(flush(target->disk));
    if (target->file)
        image_file_close(target->file);
    if (target->disk)
        vdisk_close(target->disk);
    if (error && target->made)
        remove_file(target->path);
    return error;
}

/* --- What an administrator asks for --- */

const char *image_create(const char *path, enum image_kind kind, uint64_t size,
                         const struct image_progress *progress)
{
    struct target target;
    const char *error = target_open(&target, path, kind, size);
    while (!error && kind != IMAGE_DYNAMIC && target.offset < size) {
        uint64_t left = size - target.offset;
        if (!progress->step(progress->context, target.offset, size))
            error = IMAGE_STOPPED;
        else
            error = target_write(&target, mapped_zeros,
                                 left < MAPPED_ZEROS_SIZE ? (uint32_t)left : MAPPED_ZEROS_SIZE);
    }
    return target_close(&target, error);
}

static const char *copy(struct vdisk *from, struct target *target, uint8_t *buffer, uint64_t size,
                        const struct image_progress *progress)
{
    const char *error = NULL;
    while (!error && target->offset < size) {
        uint64_t left = size - target->offset;
        uint32_t now = left < PIECE ? (uint32_t)left : PIECE;
        if (!progress->step(progress->context, target->offset, size))
            return IMAGE_STOPPED;
        error = text_of(move(from, VDISK_READ, target->offset, buffer, now));
        if (!error)
            error = target_write(target, buffer, now);
    }
    return error;
}

const char *image_convert(const char *from, const char *to, enum image_kind kind,
                          const struct image_progress *progress)
{
    const char *error;
    struct target target;
    struct vdisk *source = vdisk_open(from, VDISK_OPEN_READ_ONLY, &error);
    if (!source)
        return error;
    uint64_t size = source->sector_count * source->sector_size;
    uint64_t pages = pages_allocate(PIECE_PAGES, 1);
    error = vdisk_status_text(VDISK_ERROR_MEMORY);
    if (pages != 0) {
        error = target_open(&target, to, kind, size);
        if (!error)
            error = copy(source, &target, physical_to_virtual(pages), size, progress);
        error = target_close(&target, error);
        pages_free(pages, PIECE_PAGES);
    }
    vdisk_close(source);
    return error;
}
