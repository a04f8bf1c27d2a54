/* Self tests of the block layer and its drivers, on the disk that "disk=" on the command line names
 * and that the test harness has filled with a pattern: "disk"        reads all of it; many requests
 * of odd shapes at once; several threads; and if it can be written, writes its second half with the
 * complement, for the harness to check "disk-errors" reads around the sector that "bad=" says to be
 * unreadable "no-disk"     there is no such disk */
#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/block.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/selftest.h"

#define SETTLE_LIMIT_US 10000000
#define STALL_PAUSE_US 3000000
#define CHUNK_SIZE 65536u
#define CHUNK_PAGES (CHUNK_SIZE / PAGE_SIZE)
#define JOBS 48
#define JOB_ROUNDS 6
#define JOB_SEGMENTS 8
#define JOB_SECTORS_MAX 40
#define JOB_PAGES 64
#define HIGH_BLOCK_PAGES (128u << (20 - PAGE_SHIFT))
#define HIGH_BLOCKS_MAX 40
#define THREADS 4
#define THREAD_READS 50
#define THREAD_SECTORS 9

/* Requests that are under way at the same time. */
struct job {
    struct block_request request;
    struct block_segment segments[JOB_SEGMENTS];
    uint64_t memory; /* JOB_PAGES pages */
};

static struct block_device *disk;
static uint64_t disk_words; /* of 8 bytes */
static uint64_t bad_sector;
static uint32_t random_state;
static uint32_t jobs_left;
static struct wait_queue jobs_done;

static bool find_disk(void)
{
    char name[BLOCK_NAME_SIZE] = "disk0";
    boot_option("disk", name, sizeof(name));
    disk = block_find(name);
    if (!check(disk != NULL, "there is no %s", name))
        return false;
    disk_words = disk->sector_count * disk->sector_size / 8;
    random_state = 1;
    wait_queue_init(&jobs_done);
    return check_equal(disk->sector_count, selftest_option("sectors", 0), "sectors of the disk");
}

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(random_state >> 4) * limit >> 28);
}

/* Whether @size bytes at @data are those of the disk at @offset (bytes, a multiple of 2), which may
 * have been complemented. */
static bool holds_pattern(const uint8_t *data, uint64_t offset, uint64_t size, bool complement)
{
    for (uint64_t i = 0; i < size; i++) {
        uint64_t word = selftest_pattern((offset + i) / 8);
        uint8_t expected = (uint8_t)(word >> (offset + i) % 8 * 8);
        if (data[i] != (uint8_t)(complement ? ~expected : expected))
            return false;
    }
    return true;
}

/* The same for whole words, faster. */
static bool words_hold_pattern(const uint64_t *data, uint64_t first, uint64_t count,
                               uint64_t complement)
{
    uint64_t difference = 0;
    for (uint64_t i = 0; i < count; i++)
        difference |= data[i] ^ selftest_pattern(first + i) ^ complement;
    return difference == 0;
}

static void read_all(const char *what, uint64_t first_word, uint64_t complement)
{
    uint64_t memory = pages_allocate(CHUNK_PAGES, 1);
    if (!check(memory != 0, "no memory"))
        return;
    uint64_t start = time_now();
    for (uint64_t word = first_word; word < disk_words; word += CHUNK_SIZE / 8) {
        uint64_t words = disk_words - word < CHUNK_SIZE / 8 ? disk_words - word : CHUNK_SIZE / 8;
        uint64_t sector = word * 8 / disk->sector_size;
        uint64_t *data = physical_to_virtual(memory);
        enum block_status status =
            block_read(disk, sector, (uint32_t)(words * 8 / disk->sector_size), data);
        if (!check(status == BLOCK_OK, "%s at %lu: %s", what, sector, block_status_text(status)) ||
            !check(words_hold_pattern(data, word, words, complement), "%s at %lu: wrong data", what,
                   sector))
            break;
    }
    note("%s: %lu KiB in %lu us", what, (disk_words - first_word) / 128, time_now() - start);
    pages_free(memory, CHUNK_PAGES);
}

static void job_done(struct block_request *request)
{
    (void)request;
    __atomic_fetch_sub(&jobs_left, 1, __ATOMIC_RELEASE);
    wake_all(&jobs_done);
}

/* A request for some sectors, its memory in pieces of odd sizes with gaps between. */
static void make_job(struct job *job, enum block_operation operation, uint64_t first,
                     uint64_t count)
{
    uint32_t sectors = 1 + random_below(JOB_SECTORS_MAX);
    if (sectors > count)
        sectors = (uint32_t)count;
    uint64_t address = job->memory + 2 * random_below(1000); /* NOLINT: jobs were made */
    uint32_t bytes = sectors * disk->sector_size;
    uint32_t segments = 0;
    while (bytes > 0) {
        uint32_t length = segments == JOB_SEGMENTS - 1 ? bytes : 2 * (1 + random_below(bytes / 2));
        job->segments[segments++] = (struct block_segment){address, length};
        address += length + 2 * random_below(2000);
        bytes -= length;
    }
    job->request = (struct block_request){
        .operation = operation,
        .force_unit_access = random_below(8) == 0,
        .sector = first + random_below((uint32_t)(count - sectors + 1)),
        .segments = job->segments,
        .segment_count = segments,
        .done = job_done,
    };
}

static uint64_t job_sectors(const struct job *job)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < job->request.segment_count; i++)
        bytes += job->segments[i].length;
    return bytes / disk->sector_size;
}

static void check_job(const struct job *job)
{
    const struct block_request *request = &job->request;
    uint64_t offset = request->sector * disk->sector_size;
    bool bad = bad_sector >= request->sector && bad_sector - request->sector < job_sectors(job);
    enum block_status expected = bad ? BLOCK_ERROR_MEDIUM : BLOCK_OK;
    check(request->status == expected, "request at %lu: %s", request->sector,
          block_status_text(request->status));
    for (uint32_t i = 0; i < request->segment_count && request->status == BLOCK_OK; i++) {
        const struct block_segment *segment = &job->segments[i];
        check(holds_pattern(physical_to_virtual(segment->address), offset, segment->length, false),
              "request at %lu, piece %u: wrong data", request->sector, i);
        offset += segment->length;
    }
}

/* Many requests at once for sectors from @first on. */
static void read_in_parallel(uint64_t first, uint64_t count)
{
    struct job *jobs = heap_allocate(JOBS * sizeof(*jobs));
    bool ready = jobs != NULL;
    for (int i = 0; i < JOBS && ready; i++) {
        jobs[i].memory = pages_allocate(JOB_PAGES, 1);
        ready = jobs[i].memory != 0;
    }
    for (int round = 0; check(ready, "no memory") && round < JOB_ROUNDS; round++) {
        jobs_left = JOBS;
        for (int i = 0; i < JOBS; i++) {
            make_job(&jobs[i], BLOCK_READ, first, count);
            block_submit(disk, &jobs[i].request);
        }
        WAIT_UNTIL(&jobs_done, __atomic_load_n(&jobs_left, __ATOMIC_ACQUIRE) == 0, WAIT_FOREVER);
        for (int i = 0; i < JOBS; i++)
            check_job(&jobs[i]);
    }
    for (int i = 0; jobs != NULL && i < JOBS; i++) {
        if (jobs[i].memory != 0)
            pages_free(jobs[i].memory, JOB_PAGES);
    }
    heap_free(jobs);
}

static int read_in_thread(void *argument)
{
    uint64_t sector = (uint64_t)argument;
    uint8_t *buffer = heap_allocate(THREAD_SECTORS * disk->sector_size);
    for (int i = 0; check(buffer != NULL, "no memory") && i < THREAD_READS; i++) {
        enum block_status status = block_read(disk, sector, THREAD_SECTORS, buffer);
        check(status == BLOCK_OK &&
                  holds_pattern(buffer, sector * disk->sector_size,
                                (uint64_t)THREAD_SECTORS * disk->sector_size, false),
              "read at %lu in a thread: %s", sector, block_status_text(status));
        sector += THREAD_SECTORS;
    }
    heap_free(buffer);
    return 0;
}

static void read_in_threads(void)
{
    struct thread *threads[THREADS];
    for (uint64_t i = 0; i < THREADS; i++)
        threads[i] = thread_create("disk test", read_in_thread, (void *)(i * 7), PRIORITY_NORMAL,
                                   THREAD_ANY_CPU);
    for (int i = 0; i < THREADS; i++) {
        if (check(threads[i] != NULL, "no thread"))
            thread_join(threads[i]);
    }
}

/* Complements the second half, in chunks that are now forced to the medium and now flushed. */
static void write_half(void)
{
    uint64_t memory = pages_allocate(CHUNK_PAGES, 1);
    if (!check(memory != 0, "no memory"))
        return;
    uint64_t *data = physical_to_virtual(memory);
    uint64_t start = time_now();
    for (uint64_t word = disk_words / 2; word < disk_words; word += CHUNK_SIZE / 8) {
        uint64_t words = disk_words - word < CHUNK_SIZE / 8 ? disk_words - word : CHUNK_SIZE / 8;
        uint64_t sector = word * 8 / disk->sector_size;
        for (uint64_t i = 0; i < words; i++)
            data[i] = ~selftest_pattern(word + i);
        enum block_status status =
            block_write(disk, sector, (uint32_t)(words * 8 / disk->sector_size), data);
        if (status == BLOCK_OK && word % 7 == 0)
            status = block_flush(disk);
        if (!check(status == BLOCK_OK, "write at %lu: %s", sector, block_status_text(status)))
            break;
    }
    check(block_flush(disk) == BLOCK_OK, "flush");
    note("write: %lu KiB in %lu us", disk_words / 2 / 128, time_now() - start);
    pages_free(memory, CHUNK_PAGES);
}

/* The last sector once more, forced to the medium. */
static void write_forced(void)
{
    struct job job = {.memory = pages_allocate(JOB_PAGES, 1)};
    if (!check(job.memory != 0, "no memory"))
        return;
    make_job(&job, BLOCK_WRITE, disk->sector_count - 1, 1);
    job.request.force_unit_access = true;
    uint64_t offset = job.request.sector * disk->sector_size;
    for (uint32_t i = 0; i < job.request.segment_count; i++) {
        uint8_t *data = physical_to_virtual(job.segments[i].address);
        for (uint32_t k = 0; k < job.segments[i].length; k++, offset++)
            data[k] = (uint8_t) ~(selftest_pattern(offset / 8) >> offset % 8 * 8);
    }
    jobs_left = 1;
    block_submit(disk, &job.request);
    WAIT_UNTIL(&jobs_done, __atomic_load_n(&jobs_left, __ATOMIC_ACQUIRE) == 0, WAIT_FOREVER);
    check(job.request.status == BLOCK_OK, "forced write: %s",
          block_status_text(job.request.status));
    pages_free(job.memory, JOB_PAGES);
}

/* The first sectors into memory that an IDE controller does not reach, if the machine has such. */
static void read_high(void)
{
    uint64_t blocks[HIGH_BLOCKS_MAX];
    uint32_t count = 0;
    while (count < HIGH_BLOCKS_MAX && (blocks[count] = pages_allocate(HIGH_BLOCK_PAGES, 1)) != 0 &&
           blocks[count] <= UINT32_MAX)
        count++;
    if (count < HIGH_BLOCKS_MAX && blocks[count] != 0) {
        uint64_t *data = physical_to_virtual(blocks[count]);
        uint32_t sectors = 4 * CHUNK_SIZE / disk->sector_size + 1;
        check(block_read(disk, 3, sectors, data) == BLOCK_OK &&
                  words_hold_pattern(data, 3 * disk->sector_size / 8,
                                     (uint64_t)sectors * disk->sector_size / 8, 0),
              "wrong data at %lx", blocks[count]);
        note("read to %lx", blocks[count]);
        pages_free(blocks[count], HIGH_BLOCK_PAGES);
    }
    while (count-- > 0)
        pages_free(blocks[count], HIGH_BLOCK_PAGES);
}

static void check_refused(void)
{
    uint8_t *buffer = heap_allocate(2 * disk->sector_size + 2);
    if (!check(buffer != NULL, "no memory"))
        return;
    check(block_read(disk, disk->sector_count - 1, 1, buffer) == BLOCK_OK, "the last sector");
    check(block_read(disk, disk->sector_count - 1, 2, buffer) == BLOCK_ERROR_RANGE,
          "one sector too many is read");
    check(block_read(disk, UINT64_MAX, 1, buffer) == BLOCK_ERROR_RANGE, "sector 2^64 - 1 is read");
    check(block_read(disk, 0, 1, buffer + 1) == BLOCK_ERROR_INVALID, "an odd address is taken");
    if (disk->read_only)
        check(block_write(disk, 0, 1, buffer) == BLOCK_ERROR_READ_ONLY, "a CD is written");
    heap_free(buffer);
}

static void run_disk(void)
{
    bad_sector = UINT64_MAX;
    if (!find_disk())
        return;
    note("%s: %s, %lu sectors of %u bytes, %u commands at once", disk->name, disk->model,
         disk->sector_count, disk->sector_size, disk->queue_depth);
    read_all("read", 0, 0);
    read_in_parallel(0, disk->sector_count);
    read_in_threads();
    read_high();
    check_refused();
    if (!disk->read_only) {
        write_half();
        write_forced();
        read_all("read back", disk_words / 2, UINT64_MAX);
    }
    check_equal(disk->errors, disk->read_only ? 3 : 2, "errors counted");
}

static void check_status(uint64_t sector, uint32_t count, enum block_status expected)
{
    uint8_t *buffer = heap_allocate(count * disk->sector_size);
    if (!check(buffer != NULL, "no memory"))
        return;
    enum block_status status = block_read(disk, sector, count, buffer);
    check(status == expected, "read of %u at %lu: %s, not %s", count, sector,
          block_status_text(status), block_status_text(expected));
    heap_free(buffer);
}

static void run_disk_errors(void)
{
    bad_sector = selftest_option("bad", 0);
    if (!find_disk())
        return;
    check_status(bad_sector, 1, BLOCK_ERROR_MEDIUM);
    check_status(bad_sector - 1, 1, BLOCK_OK);
    check_status(bad_sector + 1, 1, BLOCK_OK);
    check_status(bad_sector - 8, 16, BLOCK_ERROR_MEDIUM);
    check_status(bad_sector - 8, 8, BLOCK_OK);
    read_in_parallel(bad_sector - 200, 400);
    check_status(bad_sector + 1, 100, BLOCK_OK);
}

/* The harness lets the first request through, and others when it sees that one has timed out. */
static void run_disk_stall(void)
{
    if (!find_disk())
        return;
    note("the disk may stall");
    thread_sleep(STALL_PAUSE_US);
    read_all("read", 0, 0);
    note("all has been read after %lu s", time_now() / 1000000);
}

static void run_no_disk(void)
{
    check(block_settle(time_now() + SETTLE_LIMIT_US), "a disk is still being looked at");
    char name[BLOCK_NAME_SIZE] = "disk0";
    boot_option("disk", name, sizeof(name));
    check(block_find(name) == NULL, "there is a %s", name);
}

static void check_partition(struct block_device *partition)
{
    disk = partition;
    check_status(0, 1, BLOCK_OK);
    check_status(partition->sector_count - 1, 1, BLOCK_OK);
    check_status(partition->sector_count, 1, BLOCK_ERROR_RANGE);
    check_status(partition->sector_count - 1, 2, BLOCK_ERROR_RANGE);
}

static void run_partitions(void)
{
    struct block_device *device = NULL;
    uint32_t count = 0;
    check(block_settle(time_now() + SETTLE_LIMIT_US), "a disk is still being looked at");
    while ((device = block_next(device)) != NULL) {
        if (device->parent != NULL) {
            count++;
            check_partition(device);
        }
    }
    check(count > 0, "no disk has partitions");
}

const struct selftest selftest_disk = {"disk", run_disk, SELFTEST_ONCE, true};
const struct selftest selftest_disk_errors = {"disk-errors", run_disk_errors, SELFTEST_ONCE, true};
const struct selftest selftest_disk_stall = {"disk-stall", run_disk_stall, SELFTEST_ONCE, true};
const struct selftest selftest_no_disk = {"no-disk", run_no_disk, SELFTEST_ONCE, true};
const struct selftest selftest_partitions = {"partitions", run_partitions, SELFTEST_ONCE, true};
