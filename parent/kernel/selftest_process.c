/* Self test "process": programs in ring 3, given as boot modules: how they run, fail and are ended,
 * and that nothing of them stays. */
#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/include/process.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/exception.h"
#include "parent/kernel/proc/program.h"
#include "parent/kernel/selftest.h"

#define PATIENCE_MICROSECONDS 60000000ull
#define WORDS_SIZE 128
#define SETTLE_MICROSECONDS 5000000ull
#define RESTARTS 100

/* Starts @program with its own name and @word as words. */
static struct process *start(const char *program, const char *word)
{
    char words[WORDS_SIZE];
    const char *error = "it is not there";
    struct process *process = NULL;
    struct process_program file = {.name = program, .arguments = words};
    size_t length = string_copy(words, program, sizeof(words)) + 1;
    if (word)
        length += string_copy(words + length, word, sizeof(words) - length) + 1;
    file.arguments_size = length;
    if (program_find(program, &file.file, &file.size))
        process = process_start(&file, &error);
    check(process != NULL, "program %s: %s", program, error);
    return process;
}

/* Waits for @process, which is @what, and drops it. */
static bool finish(struct process *process, const char *what, struct system_process_end *end)
{
    bool ended = process_wait(process, end, time_now() + PATIENCE_MICROSECONDS);
    check(ended, "%s does not end", what);
    process_put(process);
    return ended;
}

static void check_status(const char *program, const char *word, int status)
{
    struct system_process_end end;
    struct process *process = start(program, word);
    if (!process || !finish(process, program, &end))
        return;
    bool as_expected = end.cause == SYSTEM_END_EXIT && end.status == status;
    check(as_expected, "%s %s: cause %u, status %d, not %d", program, word ? word : "", end.cause,
          end.status, status);
    if (end.cause == SYSTEM_END_FAULT)
        note("%s at %lx, address %lx", exception_name(end.fault.vector), end.fault.rip,
             end.fault.address);
}

static void check_one_fault(const char *word, uint64_t vector)
{
    struct system_process_end end;
    struct process *process = start("fault", word);
    if (!process || !finish(process, word, &end))
        return;
    if (!check(end.cause == SYSTEM_END_FAULT, "fault %s: cause %u, status %d", word, end.cause,
               end.status))
        return;
    check(end.fault.vector == vector, "fault %s: %s, not %s", word,
          exception_name(end.fault.vector), exception_name(vector));
}

static void check_faults(void)
{
    static const struct {
        const char *word;
        uint8_t vector;
    } faults[] = {
        {"null-read", X86_VECTOR_PF},
        {"null-write", X86_VECTOR_PF},
        {"write-code", X86_VECTOR_PF},
        {"write-constant", X86_VECTOR_PF},
        {"execute-data", X86_VECTOR_PF},
        {"execute-stack", X86_VECTOR_PF},
        {"kernel-read", X86_VECTOR_PF},
        {"kernel-write", X86_VECTOR_PF},
        {"kernel-execute", X86_VECTOR_PF},
        {"non-canonical", X86_VECTOR_GP},
        {"divide", X86_VECTOR_DE},
        {"invalid", X86_VECTOR_UD},
        {"privileged", X86_VECTOR_GP},
        {"port", X86_VECTOR_GP},
        {"breakpoint", X86_VECTOR_BP},
        {"interrupt", X86_VECTOR_GP},
        {"single-step", X86_VECTOR_DB},
        {"step-into-kernel", X86_VECTOR_DB},
        {"sse", X86_VECTOR_UD},
        {"x87", X86_VECTOR_NM},
        {"stack", X86_VECTOR_PF},
        {"smash", X86_VECTOR_UD},
        {"no-stack", X86_VECTOR_PF},
        {"abort", X86_VECTOR_UD},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        check_one_fault(faults[i].word, faults[i].vector);
}

/* The account of a fault names the address and leads back through its callers. */
static void check_account(void)
{
    struct system_process_end end;
    struct process *process = start("fault", "null-write");
    if (!process)
        return;
    process_get(process);
    if (finish(process, "fault", &end)) {
        check_equal(end.fault.address, 0, "address of a null pointer");
        check(end.fault.rip >= 0x400000 && end.fault.rip < 0x500000, "RIP of a fault is %lx",
              end.fault.rip);
        check(end.fault.backtrace_count >= 1, "there is no backtrace");
        process_report(process, &end);
    }
    process_put(process);
}

/* Kills it while it is in the state that @how names; at once if @microseconds is 0. */
static void check_kill(const char *how, uint64_t microseconds)
{
    struct system_process_end end;
    struct process *process = start("wait", how);
    if (!process)
        return;
    if (microseconds)
        thread_sleep(microseconds);
    check(!process_wait(process, &end, time_now()), "wait %s has ended by itself", how);
    process_kill(process, 77);
    process_kill(process, 78); /* comes too late */
    if (finish(process, how, &end))
        check(end.cause == SYSTEM_END_KILLED && end.status == 77,
              "killed in %s: cause %u, status %d", how, end.cause, end.status);
}

static void check_kills(void)
{
    static const char *const states[] = {"spin", "sleep", "receive", "process", "threads", "print"};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        check_kill(states[i], 0);
        check_kill(states[i], 300);
        check_kill(states[i], 20000);
    }
}

static void check_refusals(void)
{
    static const char text[] = "this is no program";
    const struct process_program program = {.name = "text", .file = text, .size = sizeof(text)};
    const char *error = NULL;
    check(!process_start(&program, &error), "a text was started");
    check(error && strcmp(error, "the file is too short for an ELF file") == 0,
          "a text was not started because %s", error ? error : "of nothing");
}

static bool everything_is_back(const struct memory_statistics *before, uint32_t threads)
{
    struct memory_statistics now;
    memory_get_statistics(&now);
    return now.heap_blocks == before->heap_blocks && thread_count() == threads &&
           now.pages_free + now.heap_pages == before->pages_free + before->heap_pages;
}

/* Threads that end give back what they have a moment later. */
static void check_leaks(const struct memory_statistics *before, uint32_t threads)
{
    struct memory_statistics after;
    uint64_t deadline = time_now() + SETTLE_MICROSECONDS;
    while (!everything_is_back(before, threads) && time_now() < deadline)
        thread_sleep(10000);
    memory_get_statistics(&after);
    check_equal(after.heap_blocks, before->heap_blocks, "number of heap blocks in the end");
    check_equal(after.pages_free + after.heap_pages, before->pages_free + before->heap_pages,
                "number of pages in the end");
    check_equal(thread_count(), threads, "number of threads in the end");
    check_equal(process_list(NULL, 0), 0, "number of processes in the end");
}

/* Processes whose starters were killed end by themselves. */
static void wait_for_all(void)
{
    uint64_t deadline = time_now() + PATIENCE_MICROSECONDS;
    while (process_list(NULL, 0) > 0 && time_now() < deadline)
        thread_sleep(10000);
}

static void run_all(void)
{
    check_status("hello", NULL, 1);
    check_status("hello", "world", 2);
    check_faults();
    check_account();
    check_kills();
    check_refusals();
    check_status("share", NULL, 0);
    check_status("spawn", "loop", 0);
    check_status("spawn", "chain", 0);
    check_status("fuzz", "1", 0);
    check_status("fuzz", "2", 0);
    check_status("measure", NULL, 0);
    wait_for_all();
}

static void run(void)
{
    struct memory_statistics before;
    run_all(); /* fills the caches of stacks and of heap pages */
    memory_get_statistics(&before);
    uint32_t threads = thread_count();
    for (int i = 0; i < RESTARTS; i++)
        check_status("hello", NULL, 1);
    run_all();
    check_leaks(&before, threads);
}

/* By name only: it needs its programs as modules. */
const struct selftest selftest_process = {"process", run, SELFTEST_ONCE, true};
