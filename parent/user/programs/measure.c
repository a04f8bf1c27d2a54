/* Test program: what system calls and switches between processes cost. Without words: a null system
 * call. "all": also switches, which mean something on one processor only.
 *
 * tests/bench/linux.c does the same on Linux; keep them alike. */
#include <stdbool.h>

#include "lib/string.h"
#include "parent/user/cheapest.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

static void call_nothing(void *argument)
{
    (void)argument;
    system_call(SYSTEM_NULL, 0, 0, 0, 0, 0, 0);
}

/* Starts this program with @word and @handle as its handle 1, which is closed here. */
static int64_t start_child(const char *word, int64_t handle)
{
    char arguments[32] = "measure";
    size_t size = strlen(arguments) + 1;
    size += string_copy(arguments + size, word, sizeof(arguments) - size) + 1;
    uint32_t given = (uint32_t)handle;
    int64_t process = system_process_start("measure", arguments, (uint32_t)size, &given, 1);
    system_handle_close(given);
    return process;
}

/* --- Two processes that yield to each other; the other one counts in shared memory --- */

static int64_t map_count(int64_t memory, uint64_t **count)
{
    return system_memory_map((uint32_t)memory, 0, sizeof(**count),
                             SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE, (void **)count);
}

static int yield_forever(void)
{
    uint64_t *count;
    if (map_count(1, &count) < 0)
        return 1;
    for (;;) {
        __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
        system_yield();
    }
}

static int measure_yields(void)
{
    uint64_t *count;
    int64_t memory = system_memory_create(sizeof(*count));
    if (memory < 0 || map_count(memory, &count) < 0)
        return 2;
    int64_t process = start_child("yield", memory);
    if (process < 0)
        return 3;
    while (__atomic_load_n(count, __ATOMIC_RELAXED) == 0)
        system_yield();
    uint64_t least = UINT64_MAX;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t turns = __atomic_load_n(count, __ATOMIC_RELAXED);
        uint64_t start = read_tsc();
        for (int i = 0; i < CALLS; i++)
            system_yield();
        uint64_t ticks = read_tsc() - start;
        turns = __atomic_load_n(count, __ATOMIC_RELAXED) - turns;
        /* A turn is a switch there and one back. Not each yield need have led to one. */
        if (turns > 0 && ticks / (2 * turns) < least)
            least = ticks / (2 * turns);
    }
    system_process_kill((uint32_t)process, 0);
    printf("measure: switch.yield = %lu\n", least);
    return 0;
}

/* --- A byte sent there and back --- */

static int send_and_receive(uint32_t pipe, bool send_first)
{
    char byte = 0;
    struct system_message message = {.buffer = (uint64_t)&byte, .size = 1};
    if (send_first && system_pipe_send(pipe, &byte, 1, NULL, 0, SYSTEM_FOREVER) < 0)
        return 4;
    if (system_pipe_receive(pipe, &message, SYSTEM_FOREVER) < 0)
        return 5;
    if (!send_first && system_pipe_send(pipe, &byte, 1, NULL, 0, SYSTEM_FOREVER) < 0)
        return 6;
    return 0;
}

static int answer_forever(void)
{
    while (send_and_receive(1, false) == 0)
        ;
    return 0;
}

static void ask(void *pipe)
{
    int status = send_and_receive(*(uint32_t *)pipe, true);
    if (status != 0)
        system_exit(status);
}

static int measure_pipe(void)
{
    uint32_t ends[2];
    if (system_pipe_create(ends) < 0)
        return 7;
    if (start_child("answer", ends[1]) < 0)
        return 8;
    printf("measure: pipe.round_trip = %lu\n", cheapest(ask, &ends[0]));
    return 0;
}

int main(int argc, char **argv)
{
    const char *word = argc == 2 ? argv[1] : "";
    if (strcmp(word, "yield") == 0)
        return yield_forever();
    if (strcmp(word, "answer") == 0)
        return answer_forever();
    printf("measure: syscall.null = %lu\n", cheapest(call_nothing, NULL));
    if (strcmp(word, "all") != 0)
        return 0;
    int status = measure_yields();
    return status != 0 ? status : measure_pipe();
}
