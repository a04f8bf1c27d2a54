/* Self test "disk-calls": the system calls on disks, by the program "disk", given as a boot module,
 * on the disk that "disk=" on the command line names and the CD that it boots from: what they do,
 * and that programs which are killed amid transfers leave nothing behind. */
#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/block.h"
#include "parent/include/disk_object.h"
#include "parent/include/memory.h"
#include "parent/include/process.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/include/vdisk.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/proc/object.h"
#include "parent/kernel/proc/program.h"
#include "parent/kernel/selftest.h"

#define PATIENCE_US 120000000ull
#define KILLS 12
#define KILL_AFTER_US 7000 /* times the number of the kill */
#define TRAP_PAGES 256
#define TRAP_US 100000
#define TRAP_WORD 0x5afe5afe5afe5afeull

static char disk_name[BLOCK_NAME_SIZE] = "disk0";

static struct object *open_disk(const char *name, unsigned flags)
{
    const char *error = NULL;
    struct vdisk *disk = vdisk_open(name, flags, &error);
    if (!check(disk != NULL, "%s: %s", name, error))
        return NULL;
    struct object *object = disk_object_create(disk);
    if (!check(object != NULL, "no memory"))
        vdisk_close(disk);
    return object;
}

/* Starts the program with both disks, which are its own afterwards. */
static struct process *start(const char *words, size_t size)
{
    struct object *objects[] = {open_disk(disk_name, 0), open_disk("cd0", VDISK_OPEN_READ_ONLY)};
    const char *error = "the module disk is not there";
    struct process *process = NULL;
    struct process_program program = {.name = "disk",
                                      .arguments = words,
                                      .arguments_size = size,
                                      .objects = objects,
                                      .object_count = 2};
    if (objects[0] && objects[1] && program_find("disk", &program.file, &program.size))
        process = process_start(&program, &error);
    check(process != NULL, "program disk: %s", error);
    for (int i = 0; i < 2; i++)
        if (objects[i])
            object_put(objects[i]);
    return process;
}

static void check_calls(void)
{
    static const char words[] = "disk\0try";
    struct system_process_end end;
    struct process *process = start(words, sizeof(words));
    if (!process)
        return;
    if (check(process_wait(process, &end, time_now() + PATIENCE_US), "disk try does not end"))
        check(end.cause == SYSTEM_END_EXIT && end.status == 0, "disk try: cause %u, status %d",
              end.cause, end.status);
    process_put(process);
}

/* Takes pages that have just become free, and sees whether a device still writes to them. */
static void check_freed_pages(void)
{
    static uint64_t pages[TRAP_PAGES];
    for (uint32_t i = 0; i < TRAP_PAGES; i++) {
        pages[i] = pages_allocate(1, 1);
        for (uint32_t j = 0; pages[i] != 0 && j < PAGE_SIZE / 8; j++)
            ((uint64_t *)physical_to_virtual(pages[i]))[j] = TRAP_WORD;
    }
    thread_sleep(TRAP_US);
    bool changed = false;
    for (uint32_t i = 0; i < TRAP_PAGES && pages[i] != 0; i++) {
        const uint64_t *words = physical_to_virtual(pages[i]);
        for (uint32_t j = 0; j < PAGE_SIZE / 8; j++)
            changed = changed || words[j] != TRAP_WORD;
        pages_free(pages[i], 1);
    }
    check(!changed, "memory of a program that was killed is still written to");
}

static void check_kill(uint64_t microseconds)
{
    static const char words[] = "disk\0forever";
    struct system_process_end end;
    struct process *process = start(words, sizeof(words));
    if (!process)
        return;
    thread_sleep(microseconds);
    check(!process_wait(process, &end, time_now()), "disk forever has ended by itself");
    process_kill(process, 77);
    if (check(process_wait(process, &end, time_now() + PATIENCE_US), "disk forever is not killed"))
        check(end.cause == SYSTEM_END_KILLED, "disk forever: cause %u, status %d", end.cause,
              end.status);
    process_put(process);
    check_freed_pages();
}

static void run(void)
{
    struct memory_statistics before, after;
    boot_option("disk", disk_name, sizeof(disk_name));
    vdisk_init();
    check_calls();
    check_kill(KILL_AFTER_US); /* fills the caches of stacks and of heap pages */
    memory_get_statistics(&before);
    for (uint64_t i = 0; i < KILLS; i++)
        check_kill(i * KILL_AFTER_US);
    memory_get_statistics(&after);
    check_equal(after.heap_blocks, before.heap_blocks, "number of heap blocks in the end");
    check_equal(process_list(NULL, 0), 0, "number of processes in the end");
}

/* By name only: it needs its program as a module, and a disk. */
const struct selftest selftest_disk_calls = {"disk-calls", run, SELFTEST_ONCE, true};
