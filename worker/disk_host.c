#include "worker/disk_host.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/user/program.h"
#include "parent/user/system.h"
#include "worker/machine.h"

_Static_assert(sizeof(struct disk_segment) == sizeof(struct system_disk_segment) &&
                   offsetof(struct disk_segment, size) ==
                       offsetof(struct system_disk_segment, size) &&
                   DISK_MAX_SEGMENTS <= SYSTEM_MAX_DISK_SEGMENTS,
               "segments are passed on as they are");

struct queue {
    struct disk_request *first, **end;
};

struct drive {
    struct disk disk; /* what the controller sees */
    uint32_t handle;  /* of the medium; 0: none */
    bool tray_open;
    uint32_t busy;          /* the handle of the transfer under way; 0: none */
    struct queue waiting;   /* for a transfer */
    struct queue cancelled; /* to be ended, because their medium has gone */
    bool asleep;            /* the thread waits for a message in the pipe: [0] is its end */
    uint32_t pipe[2];
};

static void queue_init(struct queue *queue)
{
    *queue = (struct queue){.first = NULL, .end = &queue->first};
}

static void queue_add(struct queue *queue, struct disk_request *request)
{
    request->next = NULL;
    *queue->end = request;
    queue->end = &request->next;
}

static struct disk_request *queue_take(struct queue *queue)
{
    struct disk_request *request = queue->first;
    if (!request)
        return NULL;
    queue->first = request->next;
    if (!queue->first)
        queue->end = &queue->first;
    return request;
}

/* --- The thread --- */

static void wake(struct drive *drive)
{
    if (drive->asleep)
        system_pipe_send(drive->pipe[1], &(char){0}, 1, NULL, 0, SYSTEM_FOREVER);
    drive->asleep = false;
}

/* Returns after wake(), with the lock. The pipe has at most one message: there is always room. */
static void sleep(struct drive *drive)
{
    char byte;
    struct system_message message = {.buffer = (uintptr_t)&byte, .size = sizeof(byte)};
    drive->asleep = true;
    lock_release(&machine.lock);
    machine_must(system_pipe_receive(drive->pipe[0], &message, SYSTEM_FOREVER), "a disk's thread");
    lock_take(&machine.lock);
}

static enum disk_status status_of(int64_t result)
{
    switch (-result) {
    case SYSTEM_OK:
        return DISK_OK;
    case SYSTEM_ERROR_READ_ONLY:
        return DISK_ERROR_READ_ONLY;
    case SYSTEM_ERROR_NO_MEDIUM:
    case SYSTEM_ERROR_HANDLE:
        return DISK_ERROR_NO_MEDIUM;
    default:
        return DISK_ERROR_MEDIUM;
    }
}

static int64_t transfer(uint32_t handle, const struct disk_request *request)
{
    static const enum system_disk_operation operations[] = {
        [DISK_READ] = SYSTEM_DISK_READ,
        [DISK_WRITE] = SYSTEM_DISK_WRITE,
        [DISK_FLUSH] = SYSTEM_DISK_FLUSH,
    };
    return system_disk_transfer(handle, operations[request->operation], request->sector,
                                (const struct system_disk_segment *)request->segments,
                                request->segment_count);
}

static void end_request(struct disk_request *request, enum disk_status status)
{
    __atomic_fetch_sub(&machine.disk_requests, 1, __ATOMIC_RELAXED);
    request->done(request, status);
}

/* Does @request on the medium that is in the drive now. With the lock, but for the transfer. */
static void serve(struct drive *drive, struct disk_request *request)
{
    enum disk_status status = DISK_ERROR_NO_MEDIUM;
    if (drive->handle != 0) {
        drive->busy = drive->handle;
        lock_release(&machine.lock);
        int64_t result = transfer(drive->busy, request);
        lock_take(&machine.lock);
        if (drive->busy != drive->handle) /* it was taken out meanwhile */
            system_handle_close(drive->busy);
        drive->busy = 0;
        status = status_of(result);
    }
    end_request(request, status);
}

static void run(void *argument)
{
    struct drive *drive = argument;
    struct disk_request *request;
    lock_take(&machine.lock);
    for (;;) {
        while ((request = queue_take(&drive->cancelled)) != NULL)
            end_request(request, DISK_ERROR_NO_MEDIUM);
        request = queue_take(&drive->waiting);
        if (request)
            serve(drive, request);
        else if (!drive->cancelled.first)
            sleep(drive);
    }
}

/* --- The medium --- */

/* Makes the fields that the controller sees those of @information. */
static void show_medium(struct drive *drive, const struct system_disk_information *information)
{
    static const char digits[] = "0123456789ABCDEF";
    drive->disk.sector_count = information->sector_count;
    drive->disk.read_only = information->flags & SYSTEM_DISK_IS_READ_ONLY;
    memset(drive->disk.serial, ' ', sizeof(drive->disk.serial));
    for (unsigned i = 0; i < 8; i++) {
        drive->disk.serial[2 * i] = digits[information->identity[i] >> 4];
        drive->disk.serial[2 * i + 1] = digits[information->identity[i] & 15];
    }
}

static void tell_controller(struct drive *drive)
{
    if (drive->disk.changed)
        drive->disk.changed(drive->disk.device);
}

bool disk_host_is_loaded(const struct disk *disk)
{
    return ((const struct drive *)disk)->handle != 0;
}

bool disk_host_insert(struct disk *disk, uint32_t handle)
{
    struct drive *drive = (struct drive *)disk;
    struct system_disk_information information;
    if (drive->handle != 0 || system_disk_information(handle, &information) < 0 ||
        information.sector_size != disk->sector_size)
        return false;
    drive->handle = handle;
    drive->tray_open = false;
    show_medium(drive, &information);
    tell_controller(drive);
    return true;
}

/* What waits was meant for the medium that is gone. */
static void cancel_waiting(struct drive *drive)
{
    struct disk_request *request;
    while ((request = queue_take(&drive->waiting)) != NULL)
        queue_add(&drive->cancelled, request);
    wake(drive);
}

bool disk_host_remove(struct disk *disk)
{
    struct drive *drive = (struct drive *)disk;
    if (drive->handle == 0)
        return false;
    if (drive->busy != drive->handle)
        system_handle_close(drive->handle);
    drive->handle = 0;
    disk->sector_count = 0;
    cancel_waiting(drive);
    tell_controller(drive);
    return true;
}

/* --- For the controller --- */

static void submit(struct disk *disk, struct disk_request *request)
{
    struct drive *drive = (struct drive *)disk;
    __atomic_fetch_add(&machine.disk_requests, 1, __ATOMIC_RELAXED);
    queue_add(disk->sector_count > 0 ? &drive->waiting : &drive->cancelled, request);
    wake(drive);
}

/* A medium that the guest has ejected lies on the tray, until it closes it or somebody takes the
 * medium away. */
static void eject(struct disk *disk, bool open)
{
    struct drive *drive = (struct drive *)disk;
    struct system_disk_information information;
    if (open == drive->tray_open)
        return;
    drive->tray_open = open;
    if (open) {
        disk->sector_count = 0;
        cancel_waiting(drive);
    } else if (drive->handle != 0 && system_disk_information(drive->handle, &information) >= 0) {
        show_medium(drive, &information);
    }
}

struct disk *disk_host_open(uint32_t handle, uint32_t sector_size, bool removable)
{
    struct drive *drive = calloc(1, sizeof(*drive));
    if (!drive)
        machine_fail("no memory is left for a drive");
    queue_init(&drive->waiting);
    queue_init(&drive->cancelled);
    drive->disk.sector_size = sector_size;
    drive->disk.submit = submit;
    drive->disk.removable = removable;
    drive->disk.eject = removable ? eject : NULL;
    if (handle != 0 && !disk_host_insert(&drive->disk, handle))
        machine_fail("a disk does not fit into its drive: it needs sectors of %u bytes",
                     sector_size);
    machine_must(system_pipe_create(drive->pipe), "a disk's thread");
    machine_start_thread(run, drive);
    return &drive->disk;
}
