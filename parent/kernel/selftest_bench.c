/* Self test "bench": what operations cost, in TSC ticks, for `make bench`. It needs the program
 * "measure" as a module and a disk, which "disk=" on the command line may name; what is on the disk
 * does not matter. */
#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/include/block.h"
#include "parent/include/memory.h"
#include "parent/include/process.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/proc/program.h"
#include "parent/kernel/selftest.h"

#define ROUNDS 1000
#define SWITCHES 10000
#define SETTLE_LIMIT_US 10000000
#define PROGRAM_LIMIT_US 60000000
#define REQUEST_SIZE 65536u
#define REQUEST_PAGES (REQUEST_SIZE / PAGE_SIZE)
#define BUFFER_PAGES (2 * REQUEST_PAGES)

/* A long NOP by which a plugin of the emulator knows where to begin and to end
 * (tests/bench/marks.c): while the processor waits for a disk, the TSC counts what it does not
 * execute. */
#define MARK(number) __asm__ volatile("nopl 0x564e5200 + %c0(%%rax)" : : "i"(number) : "memory")

static void execute_cpuid(void)
{
    uint32_t eax = 0, ecx = 0;
    __asm__ volatile("cpuid" : "+a"(eax), "+c"(ecx) : : "ebx", "edx", "memory");
}

/* A fast call that does nothing but look at its input. */
static void call_hypervisor(void)
{
    hyperv_call(HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST, 0, 0);
}

static void measure_exit(const char *name, void (*operation)(void))
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t start = rdtsc();
        operation();
        uint64_t ticks = rdtsc() - start;
        if (ticks < least)
            least = ticks;
    }
    note("%s = %lu", name, least);
}

static int yield_often(void *argument)
{
    (void)argument;
    for (int i = 0; i < SWITCHES; i++)
        thread_yield();
    return 0;
}

/* Less urgent than the test, so that both begin together. */
static void measure_thread_switch(void)
{
    struct thread *a = thread_create("yield", yield_often, NULL, PRIORITY_LOW, 0);
    struct thread *b = thread_create("yield", yield_often, NULL, PRIORITY_LOW, 0);
    uint64_t start = rdtsc();
    thread_join(a);
    thread_join(b);
    note("switch.thread = %lu", (rdtsc() - start) / (2 * SWITCHES));
}

static void measure_in_ring_3(void)
{
    static const char words[] = "measure\0all";
    const char *error = "it is not there";
    struct process *process = NULL;
    struct system_process_end end;
    struct process_program program = {
        .name = "measure", .arguments = words, .arguments_size = sizeof(words)};
    if (program_find(program.name, &program.file, &program.size))
        process = process_start(&program, &error);
    if (!check(process != NULL, "program measure: %s", error))
        return;
    bool ended = process_wait(process, &end, time_now() + PROGRAM_LIMIT_US);
    check(ended && end.cause == SYSTEM_END_EXIT && end.status == 0,
          "program measure: cause %u, status %d", end.cause, end.status);
    process_put(process);
}

static void end_wait(struct block_request *request)
{
    completion_signal(request->context);
}

/* One request after the other, from the first sector to the last. Returns the status of the last
 * request. */
static enum block_status read_all(struct block_device *disk, const struct block_segment *segments)
{
    uint32_t sectors = REQUEST_SIZE / disk->sector_size;
    enum block_status status = BLOCK_OK;
    for (uint64_t sector = 0; sector + sectors <= disk->sector_count; sector += sectors) {
        struct completion ended;
        struct block_request request = {
            .operation = BLOCK_READ,
            .sector = sector,
            .segments = segments,
            .segment_count = REQUEST_PAGES,
            .done = end_wait,
            .context = &ended,
        };
        completion_init(&ended);
        block_submit(disk, &request);
        completion_wait(&ended, WAIT_FOREVER);
        status = request.status;
        if (status != BLOCK_OK)
            break;
    }
    return status;
}

/* Into pages no two of which are neighbours, as a program's usually are. */
static void measure_disk(void)
{
    char name[BLOCK_NAME_SIZE] = "disk0";
    boot_option("disk", name, sizeof(name));
    check(block_settle(time_now() + SETTLE_LIMIT_US), "a disk is still being looked at");
    struct block_device *disk = block_find(name);
    uint64_t memory = pages_allocate(BUFFER_PAGES, 1);
    if (!check(disk != NULL, "there is no %s", name) || !check(memory != 0, "no memory"))
        return;
    struct block_segment segments[REQUEST_PAGES];
    for (uint32_t i = 0; i < REQUEST_PAGES; i++)
        segments[i] = (struct block_segment){memory + 2ull * i * PAGE_SIZE, PAGE_SIZE};
    MARK(0);
    enum block_status status = read_all(disk, segments);
    MARK(1);
    check(status == BLOCK_OK, "read: %s", block_status_text(status));
    note("disk.requests = %lu", disk->sector_count * disk->sector_size / REQUEST_SIZE);
    pages_free(memory, BUFFER_PAGES);
}

static void run(void)
{
    measure_exit("root.cpuid", execute_cpuid);
    measure_exit("root.hypercall", call_hypervisor);
    measure_thread_switch();
    measure_in_ring_3();
    measure_disk();
}

const struct selftest selftest_bench = {"bench", run, SELFTEST_ONCE, true};
