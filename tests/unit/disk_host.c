/* Unit test of a drive on the parent's disks: requests, and media that change amid them. The thread
 * of the drive runs when the test says so, until it would sleep. */
#include "worker/disk_host.h"

#include <setjmp.h>
#include <stdlib.h>

#include "parent/user/system.h"
#include "tests/unit/unit.h"
#include "worker/machine.h"

#define HANDLES 8
#define SECTORS 1000

struct machine machine;

/* --- The system, as far as the drive knows it --- */

static void (*thread_entry)(void *argument);
static void *thread_argument;
static jmp_buf asleep;
static uint32_t messages; /* in the pipe */

static struct system_disk_information disks[HANDLES]; /* sector_size 0: no disk */
static uint32_t closed;                               /* bit n: handle n has been closed */
static char history[256];                             /* of transfers and of ends */
static int64_t transfer_result;
static void (*during_transfer)(void);

void machine_fail(const char *format, ...)
{
    (void)format;
    abort();
}

uint64_t machine_must(int64_t result, const char *what)
{
    (void)what;
    CHECK(result >= 0);
    return (uint64_t)result;
}

void machine_start_thread(void (*entry)(void *argument), void *argument)
{
    thread_entry = entry;
    thread_argument = argument;
}

void lock_wait(struct lock *lock)
{
    (void)lock;
    abort(); /* the test has one thread: it would wait for ever */
}

int64_t system_pipe_create(uint32_t handles[2])
{
    handles[0] = 100;
    handles[1] = 101;
    return 0;
}

int64_t system_pipe_send(uint32_t pipe, const void *data, uint32_t size, const uint32_t *handles,
                         uint32_t count, uint64_t deadline)
{
    (void)data, (void)handles, (void)deadline;
    CHECK(pipe == 101 && size == 1 && count == 0);
    messages++;
    CHECK(messages == 1); /* else it could wait for room with the lock held */
    return 0;
}

int64_t system_pipe_receive(uint32_t pipe, struct system_message *message, uint64_t deadline)
{
    (void)message, (void)deadline;
    CHECK(pipe == 100 && !machine.lock.taken);
    if (messages == 0)
        longjmp(asleep, 1);
    messages--;
    return 0;
}

int64_t system_disk_information(uint32_t disk, struct system_disk_information *information)
{
    if (disk >= HANDLES || disks[disk].sector_size == 0)
        return -SYSTEM_ERROR_HANDLE;
    *information = disks[disk];
    return 0;
}

static void note(const char *kind, uint64_t number)
{
    size_t length = strlen(history);
    snprintf(history + length, sizeof(history) - length, "%s%u ", kind, (unsigned)number);
}

int64_t system_disk_transfer(uint32_t disk, enum system_disk_operation operation, uint64_t sector,
                             const struct system_disk_segment *segments, uint32_t count)
{
    CHECK(!machine.lock.taken);
    CHECK(!(closed & 1u << disk));
    CHECK(operation == SYSTEM_DISK_FLUSH ? count == 0 : segments[0].size == 512);
    note("d", disk);
    note("s", sector);
    if (during_transfer) {
        void (*act)(void) = during_transfer;
        during_transfer = NULL;
        lock_take(&machine.lock);
        act();
        lock_release(&machine.lock);
    }
    return transfer_result;
}

int64_t system_handle_close(uint32_t handle)
{
    CHECK(!(closed & 1u << handle));
    closed |= 1u << handle;
    return 0;
}

/* Lets the drive's thread run until it sleeps. */
static void run_thread(void)
{
    if (setjmp(asleep) == 0)
        thread_entry(thread_argument);
    CHECK(!machine.lock.taken);
}

/* --- The controller --- */

static struct disk *disk;
static struct disk_request requests[4];
static uint8_t data[512];
static const struct disk_segment segment = {data, sizeof(data)};
static unsigned changes;
static struct disk_request *resubmitted;

static void changed(void *device)
{
    CHECK(device == &changes && machine.lock.taken);
    changes++;
}

static void done(struct disk_request *request, enum disk_status status)
{
    CHECK(machine.lock.taken);
    note("r", (uint64_t)(request - requests));
    note("=", status);
    if (request == resubmitted) {
        resubmitted = NULL;
        disk->submit(disk, request);
    }
}

static void submit(unsigned number, enum disk_operation operation)
{
    bool locked = machine.lock.taken;
    size_t length = strlen(history);
    requests[number] = (struct disk_request){.operation = operation,
                                             .sector = 10 + number,
                                             .segments = &segment,
                                             .segment_count = operation != DISK_FLUSH,
                                             .done = done};
    if (!locked)
        lock_take(&machine.lock);
    disk->submit(disk, &requests[number]);
    if (!locked)
        lock_release(&machine.lock);
    CHECK(machine.disk_requests > 0);
    CHECK(strlen(history) == length); /* nothing ends within submit() */
}

static void start(uint32_t handle, uint32_t sector_size, bool removable)
{
    memset(disks, 0, sizeof(disks));
    for (uint32_t i = 1; i < 4; i++)
        disks[i] = (struct system_disk_information){
            .sector_count = SECTORS * i, .sector_size = 512, .identity = {0x12, 0xab}};
    disks[3].flags = SYSTEM_DISK_IS_READ_ONLY;
    disks[4] = (struct system_disk_information){.sector_count = 5, .sector_size = 2048};
    history[0] = '\0';
    closed = messages = changes = 0;
    transfer_result = 0;
    disk = disk_host_open(handle, sector_size, removable);
    disk->changed = changed;
    disk->device = &changes;
    run_thread();
}

/* The drive is never given back: it is as long as the process. */
static void end(void)
{
    CHECK_EQUAL(machine.disk_requests, 0); /* each has ended, and counted once */
    free(disk);
}

static void test_requests(void)
{
    start(1, 512, false);
    CHECK(disk->sector_size == 512 && disk->sector_count == SECTORS && !disk->read_only);
    CHECK(!disk->removable && !disk->eject);
    CHECK(memcmp(disk->serial, "12AB000000000000    ", sizeof(disk->serial)) == 0);
    submit(0, DISK_READ);
    submit(1, DISK_WRITE);
    submit(2, DISK_FLUSH);
    run_thread();
    CHECK_TEXT(history, "d1 s10 r0 =0 d1 s11 r1 =0 d1 s12 r2 =0 ");
    end();
}

static void test_statuses(void)
{
    static const struct {
        enum system_error error;
        const char *history;
    } cases[] = {{SYSTEM_ERROR_MEDIUM, "d1 s10 r0 =1 "},
                 {SYSTEM_ERROR_FULL, "d1 s10 r0 =1 "},
                 {SYSTEM_ERROR_ADDRESS, "d1 s10 r0 =1 "},
                 {SYSTEM_ERROR_READ_ONLY, "d1 s10 r0 =2 "},
                 {SYSTEM_ERROR_NO_MEDIUM, "d1 s10 r0 =3 "}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(1, 512, false);
        transfer_result = -(int64_t)cases[i].error;
        submit(0, DISK_READ);
        run_thread();
        CHECK_TEXT(history, cases[i].history);
        end();
    }
}

static void submit_second(void)
{
    submit(1, DISK_READ);
}

/* A request that comes while one is under way, and one that a controller makes in done(). */
static void test_submit_meanwhile(void)
{
    start(1, 512, false);
    during_transfer = submit_second;
    resubmitted = &requests[0];
    submit(0, DISK_READ);
    run_thread();
    CHECK_TEXT(history, "d1 s10 r0 =0 d1 s11 r1 =0 d1 s10 r0 =0 ");
    end();
}

static void remove_medium(void)
{
    submit(1, DISK_READ);
    CHECK(disk_host_remove(disk));
    CHECK(!disk_host_remove(disk));
    CHECK(closed == 0);
    CHECK(disk->sector_count == 0 && !disk_host_is_loaded(disk));
    submit(2, DISK_READ);
}

static void test_remove_meanwhile(void)
{
    start(1, 512, true);
    during_transfer = remove_medium;
    submit(0, DISK_READ);
    run_thread();
    CHECK_TEXT(history, "d1 s10 r0 =0 r1 =3 r2 =3 ");
    CHECK(closed == 1u << 1 && changes == 1);
    end();
}

static void change_medium(void)
{
    remove_medium();
    CHECK(!disk_host_insert(disk, 4)); /* other sectors */
    CHECK(!disk_host_insert(disk, 5)); /* no disk */
    CHECK(disk_host_insert(disk, 2));
    CHECK(!disk_host_insert(disk, 3)); /* not empty */
    CHECK(disk_host_remove(disk));     /* it has not been used */
    CHECK(closed == 1u << 2);
    CHECK(disk_host_insert(disk, 3));
    CHECK(disk->sector_count == 3 * SECTORS && disk->read_only);
    submit(3, DISK_READ);
}

static void test_change_meanwhile(void)
{
    start(1, 512, true);
    during_transfer = change_medium;
    submit(0, DISK_READ);
    run_thread();
    CHECK_TEXT(history, "d1 s10 r0 =0 r1 =3 r2 =3 d3 s13 r3 =0 ");
    CHECK(closed == (1u << 1 | 1u << 2));
    end();
}

static void test_tray(void)
{
    start(0, 2048, true);
    CHECK(disk->sector_count == 0 && disk->sector_size == 2048);
    lock_take(&machine.lock);
    CHECK(!disk_host_insert(disk, 1) && disk_host_insert(disk, 4));
    disk->eject(disk, true);
    CHECK(disk->sector_count == 0 && disk_host_is_loaded(disk));
    submit(0, DISK_READ);
    disk->eject(disk, false);
    CHECK(disk->sector_count == 5);
    disk->eject(disk, true);
    CHECK(disk_host_remove(disk) && closed == 1u << 4);
    disk->eject(disk, false);
    CHECK(disk->sector_count == 0);
    lock_release(&machine.lock);
    run_thread();
    CHECK_TEXT(history, "r0 =3 ");
    end();
}

int main(void)
{
    test_requests();
    test_statuses();
    test_submit_meanwhile();
    test_remove_meanwhile();
    test_change_meanwhile();
    test_tray();
    return unit_result();
}
