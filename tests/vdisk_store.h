/* A store for tests of virtual disks: the real file system on a disk in memory, which can record
 * what is written, and doubles of what the parent's kernel offers. Requests to the block device end
 * in random order, and the worker runs, while a test waits. For one source of a
 * program. */
#ifndef VENEER_TESTS_VDISK_STORE_H
#define VENEER_TESTS_VDISK_STORE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/time.h"
#include "parent/include/vdisk.h"
#include "parent/services/store.h"
#include "parent/vdisk/vhd_image.h"
#include "parent/vdisk/worker.h"
#include "tests/fat/format.h"

#define STORE_PENDING_MAX 1024u

static struct disk store_disk;
static struct fat_volume *store_volume;
static struct block_device store_block;
static struct block_request *store_pending[STORE_PENDING_MAX];
static unsigned store_pending_count;
static struct vdisk_worker *store_workers[4];
static uint64_t store_time = 123456; /* microseconds */
static char store_log[200];          /* the last line */

/* --- Doubles --- */

void *heap_allocate(size_t size)
{
    return size > 64u << 20 ? NULL : calloc(1, size);
}

void heap_free(void *pointer)
{
    free(pointer);
}

uint64_t virtual_to_physical(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

void *physical_to_virtual(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

uint64_t spin_lock(struct spinlock *lock)
{
    return lock->next++ == lock->serving ? 0 : (abort(), 0);
}

void spin_unlock(struct spinlock *lock, uint64_t flags)
{
    (void)flags;
    lock->serving++;
}

void mutex_init(struct mutex *mutex)
{
    (void)mutex;
}

void mutex_lock(struct mutex *mutex)
{
    (void)mutex;
}

void mutex_unlock(struct mutex *mutex)
{
    (void)mutex;
}

void log_print(enum log_level level, const char *format, ...)
{
    va_list arguments;

    (void)level;
    va_start(arguments, format);
    vsnprintf(store_log, sizeof(store_log), format, arguments);
    va_end(arguments);
}

struct fat_volume *store_take(void)
{
    return store_volume;
}

void store_release(void)
{
}

struct block_device *store_device(void)
{
    return store_volume ? &store_block : NULL;
}

struct block_device *block_find(const char *name)
{
    (void)name;
    return NULL;
}

const char *block_status_text(enum block_status status)
{
    return status == BLOCK_OK ? "done" : "an error";
}

static enum block_status store_status(int error)
{
    return error == FS_OK ? BLOCK_OK : BLOCK_ERROR_MEDIUM;
}

enum block_status block_read(struct block_device *device, uint64_t sector, uint32_t count,
                             void *buffer)
{
    (void)device;
    return store_status(disk_io(&store_disk).read(&store_disk, sector, count, buffer));
}

enum block_status block_write(struct block_device *device, uint64_t sector, uint32_t count,
                              const void *buffer)
{
    (void)device;
    return store_status(disk_io(&store_disk).write(&store_disk, sector, count, buffer));
}

enum block_status block_flush(struct block_device *device)
{
    (void)device;
    return store_status(disk_io(&store_disk).flush(&store_disk));
}

void block_submit(struct block_device *device, struct block_request *request)
{
    if (device != &store_block || store_pending_count == STORE_PENDING_MAX)
        abort();
    store_pending[store_pending_count++] = request;
}

static struct vdisk_worker **store_worker_place(struct vdisk_worker *worker)
{
    for (unsigned i = 0; i < sizeof(store_workers) / sizeof(store_workers[0]); i++)
        if (store_workers[i] == worker)
            return &store_workers[i];
    abort();
}

bool vdisk_worker_start(struct vdisk_worker *worker, void (*process)(struct vdisk_request *request))
{
    worker->process = process;
    list_init(&worker->requests);
    *store_worker_place(NULL) = worker;
    return true;
}

void vdisk_worker_add(struct vdisk_worker *worker, struct vdisk_request *request)
{
    list_add_last(&(*store_worker_place(worker))->requests, &request->link);
}

void vdisk_worker_stop(struct vdisk_worker *worker)
{
    if (!list_empty(&worker->requests))
        abort();
    *store_worker_place(worker) = NULL;
}

uint64_t pages_allocate(uint64_t count, uint64_t alignment)
{
    (void)alignment;
    return virtual_to_physical(calloc(count, 4096));
}

void pages_free(uint64_t address, uint64_t count)
{
    (void)count;
    free(physical_to_virtual(address));
}

uint64_t time_now(void)
{
    return store_time;
}

uint64_t time_wall_clock(void)
{
    return 1700000000;
}

/* --- The device --- */

static enum block_status store_transfer(const struct block_request *request)
{
    static uint8_t sectors[1u << 20];
    uint32_t size = 0;
    enum block_status status;

    for (uint32_t i = 0; i < request->segment_count; i++) {
        if (request->segments[i].length > sizeof(sectors) - size)
            abort();
        if (request->operation == BLOCK_WRITE)
            memcpy(sectors + size, physical_to_virtual(request->segments[i].address),
                   request->segments[i].length);
        size += request->segments[i].length;
    }
    if (size % store_disk.sector_size != 0)
        abort();
    if (request->operation == BLOCK_WRITE) {
        size_t event = store_disk.event_count;

        status = block_write(&store_block, request->sector, size / store_disk.sector_size, sectors);
        for (; request->force_unit_access && event < store_disk.event_count; event++)
            store_disk.events[event].is_forced = true;
        return status;
    }
    status = block_read(&store_block, request->sector, size / store_disk.sector_size, sectors);
    size = 0;
    for (uint32_t i = 0; i < request->segment_count; i++) {
        memcpy(physical_to_virtual(request->segments[i].address), sectors + size,
               request->segments[i].length);
        size += request->segments[i].length;
    }
    return status;
}

/* A worker with something to do; NULL: none has. */
static struct vdisk_worker *store_busy_worker(void)
{
    for (unsigned i = 0; i < sizeof(store_workers) / sizeof(store_workers[0]); i++)
        if (store_workers[i] != NULL && !list_empty(&store_workers[i]->requests))
            return store_workers[i];
    return NULL;
}

/* One request of the device or of a worker, chosen at random. False: there is none. */
static bool store_step(void)
{
    struct vdisk_worker *worker = store_busy_worker();

    if (worker != NULL && (store_pending_count == 0 || rand() % 4 == 0)) {
        worker->process(
            CONTAINER_OF(list_take_first(&worker->requests), struct vdisk_request, link));
        return true;
    }
    if (store_pending_count == 0)
        return false;

    unsigned i = (unsigned)rand() % store_pending_count;
    struct block_request *request = store_pending[i];

    store_pending[i] = store_pending[--store_pending_count];
    request->status =
        request->operation == BLOCK_FLUSH ? block_flush(&store_block) : store_transfer(request);
    request->done(request);
    return true;
}

void thread_sleep(uint64_t microseconds)
{
    (void)microseconds;
    if (!store_step())
        abort(); /* it would wait for ever */
}

void completion_init(struct completion *completion)
{
    completion->done = false;
}

void completion_signal(struct completion *completion)
{
    completion->done = true;
}

bool completion_wait(struct completion *completion, uint64_t deadline)
{
    (void)deadline;
    while (!completion->done)
        if (!store_step())
            abort(); /* it never ends */
    return true;
}

/* --- For tests --- */

/* Makes what is on the disk the store, as after a start of the machine. */
static void store_mount_disk(void)
{
    struct fat_check_result result;
    struct fat_info info;
    int error;

    store_volume = disk_mount(&store_disk, &error);
    if (store_volume == NULL) {
        fprintf(stderr, "mount: %s\n", store_disk.last_report);
        abort();
    }
    store_block = (struct block_device){.name = "disk0",
                                        .sector_size = store_disk.sector_size,
                                        .sector_count = store_disk.sector_count};
    fat_get_info(store_volume, &info);
    if (!info.was_dirty)
        return;

    void *memory = malloc(fat_check_memory(store_volume));

    if (fat_check(store_volume, memory, &result) != FS_OK) {
        fprintf(stderr, "check: %s\n", store_disk.last_report);
        abort();
    }
    free(memory);
}

/* Ends the store, which has to be clean; the disk stays. */
static inline void store_end(void)
{
    if (fat_unmount(store_volume) != FS_OK)
        abort();
    free(store_volume);
    store_volume = NULL;
}

static inline void store_write_file(const char *path, const void *data, size_t size)
{
    struct fat_file *file;
    size_t done;

    if (fat_open(store_volume, path, FAT_OPEN_CREATE | FAT_OPEN_TRUNCATE, &file) != FS_OK ||
        fat_write(file, 0, data, size, &done) != FS_OK || fat_close(file) != FS_OK)
        abort();
}

/* Begins with an empty store, in whose free clusters is something old that no guest may see. */
static inline void store_start(const struct format *format)
{
    struct fat_info info;

    format_disk(&store_disk, format);
    store_mount_disk();
    fat_get_info(store_volume, &info);

    size_t size = (size_t)info.free_clusters * info.cluster_size;
    uint8_t *old = malloc(size);

    memset(old, 0xee, size);
    store_write_file("/old", old, size);
    if (fat_remove(store_volume, "/old") != FS_OK || fat_sync(store_volume) != FS_OK)
        abort();
    free(old);
}

/* The file's bytes, to be freed. */
static inline uint8_t *store_read_file(const char *path, size_t *size)
{
    struct fat_file *file;
    size_t done;

    if (fat_open(store_volume, path, 0, &file) != FS_OK)
        abort();
    *size = fat_file_size(file);

    uint8_t *data = malloc(*size + 1);

    if (fat_read(file, 0, data, *size, &done) != FS_OK || fat_close(file) != FS_OK)
        abort();
    return data;
}

/* The bytes of an empty dynamic VHD, to be freed. */
static inline uint8_t *store_make_vhd(uint64_t disk_size, uint32_t block_size, size_t *size)
{
    struct vhd_footer footer = {VHD_DYNAMIC, VHD_FOOTER_SIZE, disk_size, 1, {1, 2, 3}};
    struct vhd_header header = {VHD_FOOTER_SIZE + VHD_HEADER_SIZE,
                                vhd_block_count(disk_size, block_size), block_size};
    size_t table = (size_t)vhd_table_size(header.table_entries);

    *size = header.table_offset + table + VHD_FOOTER_SIZE;

    uint8_t *bytes = malloc(*size);

    vhd_build_footer(&footer, bytes);
    vhd_build_header(&header, bytes + VHD_FOOTER_SIZE);
    memset(bytes + header.table_offset, 0xff, table);
    vhd_build_footer(&footer, bytes + *size - VHD_FOOTER_SIZE);
    return bytes;
}

static void store_done(struct vdisk_request *request)
{
    *(bool *)request->context = true;
}

/* One request from start to end, others with it. */
static inline enum vdisk_status store_request(struct vdisk *disk, struct vdisk_request *request)
{
    bool done = false;

    request->done = store_done;
    request->context = &done;
    vdisk_submit(disk, request);
    while (!done)
        if (!store_step())
            abort(); /* it never ends */
    return request->status;
}

/* Reads or writes @count sectors of 512 bytes, in two or three segments. */
static inline enum vdisk_status store_move(struct vdisk *disk, enum vdisk_operation operation,
                                           uint64_t sector, uint32_t count, uint8_t *buffer,
                                           bool force)
{
    uint32_t size = count * 512, first = 2 + (unsigned)rand() % (size / 2) / 2 * 2;
    struct block_segment segments[] = {{virtual_to_physical(buffer), first},
                                       {virtual_to_physical(buffer + first), size - first}};
    struct vdisk_request request = {.operation = operation,
                                    .force_unit_access = force,
                                    .sector = sector,
                                    .segments = segments,
                                    .segment_count = 2};

    return store_request(disk, &request);
}

static inline enum vdisk_status store_flush(struct vdisk *disk)
{
    return store_request(disk, &(struct vdisk_request){.operation = VDISK_FLUSH});
}

#endif
