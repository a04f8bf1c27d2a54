/* Self test "vid": child partitions are made and go, and nothing of them stays, whatever a process
 * does with them. By name only: it needs its programs as modules. */
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/include/process.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/proc/program.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/selftest_bus.h"
#include "parent/vid/arena.h"
#include "parent/vid/partition.h"
#include "parent/vid/port.h"
#include "parent/vid/vid.h"

#define ROUNDS 8
#define GUEST_PAGES (2 * PAGES_PER_BLOCK + 3) /* large pages and small ones */
#define CONNECTION 2
#define EVENT_FLAGS 4
#define WORDS_SIZE 32
#define KILLED_STATUS 77
#define PATIENCE_MICROSECONDS 60000000ull

static void map_memory(struct partition *partition, struct job *job)
{
    enum system_error error;
    struct memory_object *memory = memory_object_create(job, GUEST_PAGES, &error);
    if (!check(memory != NULL, "no memory: error %u", error))
        return;
    check_equal(memory->object.references, 1, "references of memory that is not mapped");
    error = partition_map(partition, memory, 0, GUEST_PAGES, 0, SYSTEM_VM_READ | SYSTEM_VM_WRITE);
    check_equal(error, SYSTEM_OK, "error of mapping");
    check_equal(memory->object.references, 2, "references of mapped memory");
    error = partition_map(partition, memory, 0, 1, GUEST_PAGES - 1, SYSTEM_VM_READ);
    check_equal(error, SYSTEM_ERROR_ARGUMENT, "error of mapping over another");
    /* A part that does not begin where a large page could. */
    error = partition_map(partition, memory, 1, GUEST_PAGES - 1, 2 * GUEST_PAGES, SYSTEM_VM_READ);
    check_equal(error, SYSTEM_OK, "error of mapping a second time");
    check_equal(partition_unmap(partition, 1), SYSTEM_ERROR_ARGUMENT, "error of unmapping nothing");
    check_equal(partition_unmap(partition, 0), SYSTEM_OK, "error of unmapping");
    check_equal(memory->object.references, 2, "references of memory that is mapped once");
    object_put(&memory->object);
}

static void make_ports(struct partition *partition)
{
    struct system_vm_event event;
    check_equal(port_create(partition, SYSTEM_PORT_MESSAGE, CONNECTION, 0), SYSTEM_OK,
                "error of making a port for messages");
    check_equal(port_create(partition, SYSTEM_PORT_EVENT, CONNECTION + 1, EVENT_FLAGS), SYSTEM_OK,
                "error of making a port for events");
    check(port_create(partition, SYSTEM_PORT_MESSAGE, CONNECTION, 0) != SYSTEM_OK,
          "a connection could be made twice");
    check_equal(port_receive(partition, &event, 0), SYSTEM_ERROR_TIMEOUT,
                "error of receiving nothing");
}

static void make_one(void)
{
    struct partition *partition;
    struct job *job = job_create();
    if (!check(job != NULL, "no memory for a job"))
        return;
    enum system_error error = partition_create(job, 0, 0, &partition);
    if (check(error == SYSTEM_OK, "no partition can be made: error %u", error)) {
        map_memory(partition, job);
        make_ports(partition);
        selftest_bus(partition);
        check_equal(partition_unmap(partition, 2 * GUEST_PAGES), SYSTEM_OK,
                    "error of unmapping what the child cannot write");
        object_put(&partition->object);
        selftest_bus_is_gone();
    }
    job_put(job);
}

static struct process *start(const char *name)
{
    char words[WORDS_SIZE];
    const char *error = "it is not there";
    struct process *process = NULL;
    struct process_program program = {.name = name, .arguments = words};
    program.arguments_size = string_copy(words, name, sizeof(words)) + 1;
    if (program_find(name, &program.file, &program.size))
        process = process_start(&program, &error);
    check(process != NULL, "program %s: %s", name, error);
    return process;
}

static void finish(struct process *process, enum system_end_cause cause, int status)
{
    struct system_process_end end;
    if (check(process_wait(process, &end, time_now() + PATIENCE_MICROSECONDS), "%s does not end",
              process_name(process)))
        check(end.cause == cause && end.status == status, "%s: cause %u, status %d",
              process_name(process), end.cause, end.status);
    process_put(process);
}

/* Hypercalls and dispatches without sense. */
static void run_fuzzer(void)
{
    struct process *process = start("fuzzvm");
    if (process)
        finish(process, SYSTEM_END_EXIT, 0);
}

static uint64_t deposited(void)
{
    struct arena_statistics arena;
    arena_get_statistics(&arena);
    return arena.pages_total - arena.pages_free;
}

/* Ends a worker while it makes its child, and while its VPs run and wait. */
static void kill_workers(void)
{
    static const uint32_t delays[] = {1, 300, 1000, 3000, 10000, 100000}; /* microseconds */
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        uint64_t pages = deposited();
        struct process *process = start("runvm");
        if (!process)
            return;
        thread_sleep(delays[i]);
        process_kill(process, KILLED_STATUS);
        finish(process, SYSTEM_END_KILLED, KILLED_STATUS);
        check_equal(deposited(), pages, "number of deposited pages after a worker was ended");
    }
}

static void make_many(void)
{
    struct memory_statistics before, after;
    make_one(); /* what the root has deposited for its own stays */
    uint64_t pages = deposited();
    memory_get_statistics(&before);
    for (int i = 0; i < ROUNDS; i++)
        make_one();
    memory_get_statistics(&after);
    check_equal(deposited(), pages, "number of deposited pages in the end");
    check_equal(after.heap_blocks, before.heap_blocks, "number of heap blocks in the end");
    check_equal(after.pages_free + after.heap_pages, before.pages_free + before.heap_pages,
                "number of pages in the end");
}

static void run(void)
{
    if (vid_is_available()) {
        make_many();
        kill_workers();
    } else {
        note("this hypervisor does not run children");
    }
    uint64_t pages = deposited();
    run_fuzzer();
    check_equal(deposited(), pages, "number of deposited pages after the fuzzer");
}

const struct selftest selftest_vid = {"vid", run, SELFTEST_ONCE, true};
