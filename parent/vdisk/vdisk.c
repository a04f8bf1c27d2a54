#include "parent/include/vdisk.h"

static const char *const status_texts[] = {
    [VDISK_OK] = "done",
    [VDISK_ERROR_MEDIUM] = "the medium cannot be read or written there",
    [VDISK_ERROR_RANGE] = "there are no such sectors",
    [VDISK_ERROR_READ_ONLY] = "it is read-only",
    [VDISK_ERROR_NO_SPACE] = "the store is full, or the image as large as a file can be",
    [VDISK_ERROR_NO_MEDIUM] = "there is no medium",
    [VDISK_ERROR_DAMAGED] = "the image is damaged",
    [VDISK_ERROR_INVALID] = "the memory does not make whole sectors",
    [VDISK_ERROR_MEMORY] = "no memory is left",
};

const char *vdisk_status_text(enum vdisk_status status)
{
    return status_texts[status];
}

enum vdisk_status vdisk_status_of(enum block_status status)
{
    switch (status) {
    case BLOCK_OK:
        return VDISK_OK;
    case BLOCK_ERROR_RANGE:
        return VDISK_ERROR_RANGE;
    case BLOCK_ERROR_READ_ONLY:
        return VDISK_ERROR_READ_ONLY;
    case BLOCK_ERROR_NO_MEDIUM:
        return VDISK_ERROR_NO_MEDIUM;
    case BLOCK_ERROR_INVALID:
        return VDISK_ERROR_INVALID;
    default:
        return VDISK_ERROR_MEDIUM;
    }
}

void vdisk_complete(struct vdisk_request *request, enum vdisk_status status)
{
    struct vdisk *disk = request->disk;
    request->status = status;
    request->done(request); /* from now on it may be gone */
    __atomic_sub_fetch(&disk->active, 1, __ATOMIC_ACQ_REL);
}

/* Sets sector_count of a request with segments. */
static enum vdisk_status measure(const struct vdisk *disk, struct vdisk_request *request)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < request->segment_count; i++) {
        const struct block_segment *segment = &request->segments[i];
        if (segment->length == 0 || (segment->address | segment->length) % 2 != 0)
            return VDISK_ERROR_INVALID;
        bytes += segment->length; /* 2^32 lengths of 32 bits fit */
    }
    if (bytes == 0 || bytes % disk->sector_size != 0)
        return VDISK_ERROR_INVALID;
    request->sector_count = bytes / disk->sector_size;
    return VDISK_OK;
}

static enum vdisk_status check(const struct vdisk *disk, struct vdisk_request *request)
{
    bool moves_data = request->operation == VDISK_READ || request->operation == VDISK_WRITE;
    enum vdisk_status status = VDISK_OK;
    if (request->operation == VDISK_FLUSH)
        return VDISK_OK;
    if (moves_data)
        status = measure(disk, request);
    if (status != VDISK_OK)
        return status;
    if (request->sector > disk->sector_count ||
        request->sector_count > disk->sector_count - request->sector)
        return VDISK_ERROR_RANGE;
    return disk->read_only && request->operation != VDISK_READ ? VDISK_ERROR_READ_ONLY : VDISK_OK;
}

void vdisk_submit(struct vdisk *disk, struct vdisk_request *request)
{
    enum vdisk_status status = check(disk, request);
    /* Who stops the disk sets the flag first and then waits for the count. */
    __atomic_add_fetch(&disk->active, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&disk->stopped, __ATOMIC_SEQ_CST))
        status = VDISK_ERROR_NO_MEDIUM;
    request->disk = disk;
    if (status != VDISK_OK)
        vdisk_complete(request, status);
    else
        disk->operations->submit(disk, request);
}
