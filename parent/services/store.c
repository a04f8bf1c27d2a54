#include "parent/services/store.h"

#include "lib/calendar.h"
#include "lib/string.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define STORE_LABEL "VENEER"

static struct mutex lock;         /* all below */
static struct fat_volume *volume; /* NULL: no store */
static struct block_device *device;

static int result_of(enum block_status status)
{
    switch (status) {
    case BLOCK_OK:
        return FS_OK;
    case BLOCK_ERROR_READ_ONLY:
        return FS_READ_ONLY;
    default:
        return FS_IO;
    }
}

static int read_sectors(void *context, uint64_t sector, uint32_t count, void *buffer)
{
    return result_of(block_read(context, sector, count, buffer));
}

static int write_sectors(void *context, uint64_t sector, uint32_t count, const void *buffer)
{
    return result_of(block_write(context, sector, count, buffer));
}

static int flush_device(void *context)
{
    return result_of(block_flush(context));
}

static struct fs_time now(void *context)
{
    struct calendar date;

    (void)context;
    calendar_from_seconds(time_wall_clock(), &date);
    return (struct fs_time){(uint16_t)date.year, date.month,  date.day,
                            date.hour,           date.minute, date.second};
}

static void report(void *context, const char *text)
{
    const struct block_device *on = context;

    log_print(LOG_WARNING, "%s: %s", on->name, text);
}

static void ignore_report(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static int mount(struct fat_volume *memory, struct block_device *on, bool read_only, bool quiet)
{
    struct fs_io io = {
        .read = read_sectors,
        .write = write_sectors,
        .flush = flush_device,
        .context = on,
        .sector_size = on->sector_size,
        .sector_count = on->sector_count,
        .read_only = read_only || on->read_only,
    };
    struct fat_host host = {now, quiet ? ignore_report : report, on};

    return fat_mount(memory, &io, &host);
}

/* Looks without changing anything, and without complaints about what is no FAT volume. */
static bool is_store(struct fat_volume *memory, struct block_device *on)
{
    struct fat_info info;

    if (on->sector_count == 0 || mount(memory, on, true, true) != FS_OK)
        return false;
    fat_get_info(memory, &info);
    fat_unmount(memory);
    return strcmp(info.label, STORE_LABEL) == 0;
}

static struct block_device *find_store(struct fat_volume *memory)
{
    struct block_device *on = block_next(NULL);

    while (on != NULL && !is_store(memory, on))
        on = block_next(on);
    return on;
}

/* Frees what a power cut has left behind. */
static void check(struct fat_volume *memory)
{
    struct fat_check_result result;
    void *work = heap_allocate(fat_check_memory(memory));

    if (work == NULL)
        return;
    log_print(LOG_INFO, "store: was not unmounted, checking it");
    if (fat_check(memory, work, &result) == FS_OK)
        log_print(LOG_INFO, "store: %u files in %u directories are good, %u lost clusters freed",
                  result.files, result.directories, result.lost_clusters);
    heap_free(work);
}

void store_mount(void)
{
    struct fat_volume *memory = heap_allocate(fat_volume_size());
    struct fat_info info;

    mutex_init(&lock);
    if (memory == NULL)
        return;
    struct block_device *on = find_store(memory);
    if (on == NULL) {
        log_print(LOG_WARNING,
                  "store: no FAT volume labelled " STORE_LABEL
                  " on any disk; files cannot be used. Make one with mkfs.fat -n " STORE_LABEL);
        heap_free(memory);
        return;
    }
    int error = mount(memory, on, false, false);
    if (error != FS_OK) {
        log_print(LOG_ERROR, "store: %s cannot be used: %s", on->name, fs_error_text(error));
        heap_free(memory);
        return;
    }
    fat_get_info(memory, &info);
    if (info.was_dirty && !info.read_only)
        check(memory);
    fat_get_info(memory, &info);
    log_print(LOG_INFO, "store: FAT%u volume on %s%s", info.fat_bits, on->name,
              info.read_only ? ", read-only" : "");
    device = on;
    volume = memory;
}

struct fat_volume *store_take(void)
{
    mutex_lock(&lock);
    if (volume == NULL)
        mutex_unlock(&lock);
    return volume;
}

void store_release(void)
{
    mutex_unlock(&lock);
}

struct block_device *store_device(void)
{
    return device;
}

void store_unmount(void)
{
    struct fat_volume *memory = store_take();

    if (memory == NULL)
        return;
    int error = fat_unmount(memory);
    if (error == FS_OK) {
        heap_free(memory);
        volume = NULL;
        device = NULL;
    } else {
        /* Files that are open: at least what was written is safe. */
        fat_sync(memory);
        log_print(LOG_WARNING, "store: not unmounted: %s", fs_error_text(error));
    }
    store_release();
}
