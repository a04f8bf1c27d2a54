/* The block layer's queues, on a disk made of memory whose commands end in random order and fail at
 * random: every request ends once, with its data where it belongs, and the disk never sees a
 * command beyond its limits. The kernel's services that the queues need are imitated here. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "parent/block/queue.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "tests/unit/unit.h"

#define SECTOR_SIZE 512u
#define SECTORS 4096u
#define PARTITION_FIRST 1000u
#define PARTITION_SECTORS 2000u
#define DEPTH 8u
#define MEMORY_SIZE (8u << 20)
#define REQUESTS_MAX 24u
#define SEGMENTS_MAX 12u
#define ROUNDS 10000u

/* --- The kernel ------------------------------------------------------------------------------- */

static pthread_mutex_t giant = PTHREAD_MUTEX_INITIALIZER; /* all spinlocks */
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake_up = PTHREAD_COND_INITIALIZER;
static uint64_t wake_count;
static uint32_t log_lines; /* about commands that have failed; several threads */
static uint64_t now;
static struct timer *armed;

uint64_t spin_lock(struct spinlock *lock)
{
    (void)lock;
    pthread_mutex_lock(&giant);
    return 0;
}

void spin_unlock(struct spinlock *lock, uint64_t flags)
{
    (void)lock;
    (void)flags;
    pthread_mutex_unlock(&giant);
}

void *heap_allocate(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *pointer)
{
    free(pointer);
}

void log_print(enum log_level level, const char *format, ...)
{
    (void)level;
    log_lines += strncmp(format, "%s: %s of ", 10) == 0;
}

uint64_t time_now(void)
{
    return now;
}

void timer_setup(struct timer *timer, void (*function)(struct timer *))
{
    *timer = (struct timer){.function = function};
}

void timer_start(struct timer *timer, uint64_t deadline)
{
    timer->deadline = deadline;
    timer->pending = true;
    armed = timer;
}

void wait_queue_init(struct wait_queue *queue)
{
    (void)queue;
}

static __thread uint64_t seen_count;

void wait_begin(struct wait_queue *queue, struct waiter *waiter)
{
    (void)queue;
    (void)waiter;
    pthread_mutex_lock(&sleep_lock);
    seen_count = wake_count;
    pthread_mutex_unlock(&sleep_lock);
}

bool wait_sleep(struct wait_queue *queue, struct waiter *waiter, uint64_t deadline)
{
    (void)queue;
    (void)waiter;
    (void)deadline;
    pthread_mutex_lock(&sleep_lock);
    while (seen_count == wake_count)
        pthread_cond_wait(&wake_up, &sleep_lock);
    seen_count = wake_count;
    pthread_mutex_unlock(&sleep_lock);
    return true;
}

void wait_end(struct wait_queue *queue, struct waiter *waiter)
{
    (void)queue;
    (void)waiter;
}

void wake_all(struct wait_queue *queue)
{
    (void)queue;
    pthread_mutex_lock(&sleep_lock);
    wake_count++;
    pthread_cond_broadcast(&wake_up);
    pthread_mutex_unlock(&sleep_lock);
}

struct start {
    int (*entry)(void *);
    void *argument;
};

static void *run_thread(void *argument)
{
    struct start *start = argument;

    start->entry(start->argument);
    return NULL;
}

struct thread *thread_create(const char *name, int (*entry)(void *), void *argument,
                             enum thread_priority priority, uint32_t cpu)
{
    static struct start start;
    pthread_t thread;

    (void)name;
    (void)priority;
    (void)cpu;
    start = (struct start){entry, argument};
    pthread_create(&thread, NULL, run_thread, &start);
    pthread_detach(thread);
    return (struct thread *)&start;
}

void thread_detach(struct thread *thread)
{
    (void)thread;
}

/* Physical addresses are those of the process. */
static uint8_t *memory;
static uint8_t *low_memory; /* what pages_allocate() gives */

uint64_t pages_allocate(uint64_t count, uint64_t alignment)
{
    (void)alignment;
    CHECK(count * 4096 <= 65536);
    return (uint64_t)low_memory;
}

void pages_free(uint64_t address, uint64_t count)
{
    (void)address;
    (void)count;
}

void *physical_to_virtual(uint64_t address)
{
    return (void *)address;
}

/* --- The disk --------------------------------------------------------------------------------- */

static uint32_t seed = 1;

static uint32_t random_below(uint32_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 4) * limit >> 28);
}

static bool one_in(uint32_t count)
{
    return random_below(count) == 0;
}

static uint8_t medium[SECTORS][SECTOR_SIZE];
static bool dirty[SECTORS]; /* in the write cache */
static bool bad[SECTORS];
static struct block_command *started[DEPTH];
static uint32_t started_count;
static uint32_t busy_percent, resets;
static bool resetting, broken;
static bool mute;       /* loses commands */
static bool completing; /* a command is on its way to block_complete() */

static void check_limits(const struct block_device *disk, const struct block_command *command)
{
    struct block_cursor data = command->data;
    struct block_segment piece;
    uint32_t pieces = 0;
    uint64_t bytes = 0;

    CHECK(command->tag < DEPTH);
    CHECK(command->sector_count <= disk->max_sectors);
    CHECK(command->sector + command->sector_count <= SECTORS);
    CHECK_EQUAL(command->data.left, (uint64_t)command->sector_count * SECTOR_SIZE);
    CHECK(disk->has_fua || !command->force_unit_access);
    while (block_next_piece(&data, disk->segment_boundary, &piece)) {
        pieces++;
        bytes += piece.length;
        CHECK(piece.length > 0);
        CHECK(piece.address + piece.length - 1 <= disk->address_limit);
        CHECK_EQUAL(piece.address / disk->segment_boundary,
                    (piece.address + piece.length - 1) / disk->segment_boundary);
    }
    CHECK(pieces <= disk->max_segments);
    CHECK_EQUAL(bytes, command->data.left);
    for (uint32_t i = 0; i < started_count; i++)
        CHECK(started[i]->tag != command->tag);
}

static enum block_status disk_start(struct block_device *disk, struct block_command *command)
{
    CHECK(!resetting);
    CHECK(started_count < disk->queue_depth);
    check_limits(disk, command);
    if (random_below(100) < busy_percent)
        return BLOCK_BUSY;
    if (one_in(500))
        return BLOCK_ERROR_DEVICE;
    started[started_count++] = command;
    return BLOCK_PENDING;
}

static void do_command(struct block_command *command)
{
    struct block_cursor data = command->data;
    struct block_segment piece;
    uint8_t *at = medium[command->sector];

    if (command->operation == BLOCK_FLUSH) {
        memset(dirty, 0, sizeof(dirty));
        return;
    }
    while (block_next_piece(&data, command->device->segment_boundary, &piece)) {
        if (command->operation == BLOCK_READ)
            memcpy((void *)piece.address, at, piece.length);
        else
            memcpy(at, (void *)piece.address, piece.length);
        at += piece.length;
    }
    if (command->operation == BLOCK_WRITE)
        for (uint32_t i = 0; i < command->sector_count; i++)
            dirty[command->sector + i] = !command->force_unit_access;
}

static bool touches_bad(const struct block_command *command)
{
    for (uint32_t i = 0; i < command->sector_count; i++)
        if (bad[command->sector + i])
            return true;
    return false;
}

/* Like a drive with queueing: an error with several commands stops all of them. */
static bool disk_reset(struct block_device *disk)
{
    struct block_command *alone = NULL;

    (void)disk;
    pthread_mutex_lock(&giant);
    while (completing) {
        pthread_mutex_unlock(&giant);
        sched_yield();
        pthread_mutex_lock(&giant);
    }
    resetting = true;
    if (started_count == 1 && touches_bad(started[0]))
        alone = started[0];
    started_count = 0;
    resets++;
    pthread_mutex_unlock(&giant);
    if (alone != NULL)
        block_complete(alone, BLOCK_ERROR_MEDIUM);
    pthread_mutex_lock(&giant);
    resetting = false;
    pthread_mutex_unlock(&giant);
    return !broken;
}

static const struct block_driver driver = {disk_start, disk_reset};

/* Lets one command end, or the time pass until one is overdue. False: there is none. */
static bool disk_step(void)
{
    struct block_command *command;
    uint32_t index;

    pthread_mutex_lock(&giant);
    if (started_count == 0) {
        pthread_mutex_unlock(&giant);
        return false;
    }
    index = random_below(started_count);
    command = started[index];
    if (mute) {
        struct timer *timer = armed;

        now = timer->deadline;
        timer->pending = false;
        pthread_mutex_unlock(&giant);
        timer->function(timer);
        return true;
    }
    if (touches_bad(command) && started_count > 1) {
        pthread_mutex_unlock(&giant);
        block_request_reset(command->device);
        return true;
    }
    started[index] = started[--started_count];
    completing = true;
    now += 10;
    pthread_mutex_unlock(&giant);
    if (touches_bad(command)) {
        block_complete(command, BLOCK_ERROR_MEDIUM);
    } else if (one_in(200)) {
        block_complete(command, BLOCK_ERROR_DEVICE);
    } else {
        do_command(command);
        block_complete(command, BLOCK_OK);
    }
    pthread_mutex_lock(&giant);
    completing = false;
    pthread_mutex_unlock(&giant);
    return true;
}

/* --- Requests --------------------------------------------------------------------------------- */

static struct block_device disk = {
    .name = "disk0",
    .sector_size = SECTOR_SIZE,
    .sector_count = SECTORS,
    .write_cache = true,
    .max_sectors = 64,
    .max_segments = 6,
    .segment_boundary = 65536,
    .queue_depth = DEPTH,
    .driver = &driver,
};
static struct block_device partition = {
    .sector_size = SECTOR_SIZE,
    .sector_count = PARTITION_SECTORS,
    .first_sector = PARTITION_FIRST,
    .write_cache = true,
    .parent = &disk,
};

struct user {
    struct block_request request;
    struct block_segment segments[SEGMENTS_MAX];
    bool busy, done;
    uint64_t first; /* sector of the disk */
    uint32_t count;
    uint8_t pattern;
    uint8_t *memory; /* its own part */
};

static struct user users[REQUESTS_MAX];
static uint32_t failed_requests, good_requests;

static void request_done(struct block_request *request)
{
    struct user *user = request->context;

    CHECK(user->busy && !user->done);
    user->done = true;
}

static bool range_is_free(uint64_t first, uint32_t count)
{
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        if (users[i].busy && first < users[i].first + users[i].count &&
            users[i].first < first + count)
            return false;
    return true;
}

/* Cuts @bytes of the user's memory into segments with gaps. */
static void make_segments(struct user *user, uint32_t bytes)
{
    uint8_t *at = user->memory;
    uint32_t count = 0;

    while (bytes > 0) {
        uint32_t length = 2 * (1 + random_below(bytes / 2));

        if (count == SEGMENTS_MAX - 1 || one_in(4))
            length = bytes;
        user->segments[count++] = (struct block_segment){(uint64_t)at, length};
        at += length + (one_in(2) ? 0 : 2 * random_below(1000));
        bytes -= length;
    }
    user->request.segment_count = count;
}

static void fill_segments(struct user *user, uint8_t pattern)
{
    for (uint32_t i = 0; i < user->request.segment_count; i++)
        memset((void *)user->segments[i].address, pattern, user->segments[i].length);
}

static bool segments_hold(const struct user *user, uint8_t pattern)
{
    for (uint32_t i = 0; i < user->request.segment_count; i++)
        for (uint32_t k = 0; k < user->segments[i].length; k++)
            if (((uint8_t *)user->segments[i].address)[k] != pattern)
                return false;
    return true;
}

static bool medium_holds(const struct user *user, uint8_t pattern)
{
    for (uint32_t i = 0; i < user->count; i++)
        for (uint32_t k = 0; k < SECTOR_SIZE; k++)
            if (medium[user->first + i][k] != pattern)
                return false;
    return true;
}

static void submit(struct user *user)
{
    struct block_device *device = one_in(2) ? &disk : &partition;
    uint32_t count = 1 + random_below(one_in(3) ? 300 : 20);
    uint64_t sector = random_below((uint32_t)device->sector_count - count);

    if (!range_is_free(device->first_sector + sector, count))
        return;
    user->first = device->first_sector + sector;
    user->count = count;
    user->pattern = (uint8_t)random_below(256);
    user->request = (struct block_request){
        .operation = one_in(20)  ? BLOCK_FLUSH
                     : one_in(2) ? BLOCK_WRITE
                                 : BLOCK_READ,
        .force_unit_access = one_in(3),
        .sector = sector,
        .segments = user->segments,
        .done = request_done,
        .context = user,
    };
    user->busy = true;
    user->done = false;
    if (user->request.operation != BLOCK_FLUSH)
        make_segments(user, count * SECTOR_SIZE);
    fill_segments(user, user->pattern);
    if (user->request.operation == BLOCK_READ) {
        memset(medium[user->first], user->pattern, count * SECTOR_SIZE);
        fill_segments(user, (uint8_t)~user->pattern);
    }
    block_submit(device, &user->request);
}

static bool range_is_bad(const struct user *user)
{
    for (uint32_t i = 0; i < user->count; i++)
        if (bad[user->first + i])
            return true;
    return false;
}

static void check_done(struct user *user)
{
    struct block_request *request = &user->request;

    user->busy = false;
    if (request->status != BLOCK_OK) {
        failed_requests++;
        CHECK(request->status == BLOCK_ERROR_MEDIUM || request->status == BLOCK_ERROR_DEVICE ||
              request->status == BLOCK_ERROR_INVALID);
        CHECK(request->status != BLOCK_ERROR_MEDIUM || range_is_bad(user));
        return;
    }
    good_requests++;
    if (request->operation == BLOCK_FLUSH)
        return;
    CHECK(!range_is_bad(user));
    if (request->operation == BLOCK_READ) {
        CHECK(segments_hold(user, user->pattern));
        return;
    }
    CHECK(medium_holds(user, user->pattern));
    for (uint32_t i = 0; i < user->count && request->force_unit_access; i++)
        CHECK(!dirty[user->first + i]);
}

static bool any_busy(void)
{
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        if (users[i].busy)
            return true;
    return false;
}

static void collect(void)
{
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        if (users[i].busy && __atomic_load_n(&users[i].done, __ATOMIC_ACQUIRE))
            check_done(&users[i]);
}

static void finish_all(void)
{
    uint32_t idle = 0;

    while (any_busy() && idle < 20000000) {
        idle = disk_step() ? 0 : idle + 1;
        collect();
    }
    CHECK(!any_busy());
    CHECK_EQUAL(started_count, 0);
}

/* ROUNDS commands end, well or not. */
static void stress(void)
{
    for (uint32_t rounds = 0; rounds < ROUNDS && unit_failures == 0;) {
        struct user *user = &users[random_below(REQUESTS_MAX)];

        if (!user->busy && one_in(3))
            submit(user);
        if (disk_step())
            rounds++;
        else
            sched_yield(); /* to the thread that resets the disk */
        collect();
        mute = one_in(3000);
    }
    mute = false;
    finish_all();
}

/* The disk does not come back from a reset: nothing is left hanging, and nothing new begins. */
static void test_lost(void)
{
    uint32_t failed = failed_requests;

    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        submit(&users[i]);
    broken = true;
    block_request_reset(&disk);
    for (uint32_t i = 0; any_busy() && i < 20000000; i++)
        collect();
    CHECK(!any_busy());
    CHECK(failed_requests > failed);
    submit(&users[0]);
    collect();
    CHECK(!users[0].busy);
    CHECK_EQUAL(users[0].request.status, BLOCK_ERROR_DEVICE);
}

int main(void)
{
    /* The upper half of the memory is out of the device's reach. */
    low_memory = aligned_alloc(65536, MEMORY_SIZE + 65536);
    memory = low_memory + 65536;
    disk.address_limit = (uint64_t)memory + MEMORY_SIZE / 2 - 1;
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        users[i].memory = memory + i * (MEMORY_SIZE / REQUESTS_MAX & ~1u);

    disk.queue = block_queue_create(&disk);
    CHECK(disk.queue != NULL);
    partition.queue = disk.queue;
    stress();
    busy_percent = 30;
    stress();
    for (uint32_t i = 0; i < 20; i++)
        bad[random_below(SECTORS)] = true;
    disk.has_fua = partition.has_fua = true;
    stress();
    CHECK(good_requests > 2000);
    CHECK(failed_requests > 50);
    CHECK(resets > 100);
    CHECK(log_lines >= 16 && log_lines < 32);
    test_lost();
    return unit_result();
}
