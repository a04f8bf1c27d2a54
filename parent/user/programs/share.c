/* Test program: pipes, shared memory and handles between two processes, and threads in one. Status
 * 0: all as it should be; else the line that was not. */
#include <stdbool.h>

#include "lib/string.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("share: line %d: not true: %s\n", __LINE__, #condition);                        \
            return __LINE__;                                                                       \
        }                                                                                          \
    } while (0)

#define ROUNDS 200
#define SHARED_SIZE 0x5000
#define THREADS 4
#define COUNTS 2000
#define STACK_SIZE 0x4000

static uint64_t patience(void)
{
    return system_time() + 20000000;
}

static int receive(uint32_t pipe, void *buffer, uint32_t size, struct system_message *message)
{
    *message = (struct system_message){.buffer = (uint64_t)buffer, .size = size};
    return (int)system_pipe_receive(pipe, message, patience());
}

/* The child: answers each number with the next one; writes into memory that it is given. */
static int child(void)
{
    struct system_message message;
    uint32_t number;
    void *shared;
    MUST(program_handle_count() == 1);
    MUST(receive(1, &number, sizeof(number), &message) == 0);
    MUST(message.handle_count == 1);
    uint32_t memory = message.handles[0];
    /* It was given the right to write, but not to pass on. */
    MUST(system_handle_duplicate(memory, SYSTEM_RIGHTS_ALL) == -SYSTEM_ERROR_RIGHTS);
    MUST(system_memory_map(memory, 0, SHARED_SIZE, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE,
                           &shared) == 0);
    MUST(strcmp(shared, "from the parent") == 0);
    memcpy((char *)shared + SHARED_SIZE - 16, "from the child", 15);
    for (;;) {
        number++;
        if (system_pipe_send(1, &number, sizeof(number), NULL, 0, patience()) < 0)
            break;
        if (receive(1, &number, sizeof(number), &message) < 0)
            break;
    }
    return 0;
}

static int talk(uint32_t pipe)
{
    uint32_t number;
    char byte;
    struct system_message message;
    for (uint32_t i = 1; i < ROUNDS; i++) {
        MUST(receive(pipe, &byte, 0, &message) == -SYSTEM_ERROR_SIZE);
        MUST(receive(pipe, &number, sizeof(number), &message) == 0);
        MUST(message.size == sizeof(number) && number == 2 * i);
        number = 2 * i + 1;
        MUST(system_pipe_send(pipe, &number, sizeof(number), NULL, 0, patience()) == 0);
    }
    MUST(receive(pipe, &number, sizeof(number), &message) == 0);
    return 0;
}

static int try_two_processes(void)
{
    static const char arguments[] = "share\0child";
    uint32_t ends[2], first = 1;
    void *shared;
    struct system_process_end end;
    MUST(system_pipe_create(ends) == 0);
    int64_t memory = system_memory_create(SHARED_SIZE);
    MUST(memory > 0);
    MUST(system_memory_map((uint32_t)memory, 0, SHARED_SIZE, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE,
                           &shared) == 0);
    memcpy(shared, "from the parent", 16);
    int64_t process = system_process_start("share", arguments, sizeof(arguments), &ends[1], 1);
    MUST(process > 0);
    MUST(system_handle_close(ends[1]) == 0);
    MUST(system_process_wait((uint32_t)process, &end, system_time()) == -SYSTEM_ERROR_TIMEOUT);

    int64_t passed = system_handle_duplicate(
        (uint32_t)memory, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE | SYSTEM_RIGHT_TRANSFER);
    uint32_t handle = (uint32_t)passed;
    MUST(passed > 0);
    MUST(system_pipe_send(ends[0], &first, sizeof(first), &handle, 1, patience()) == 0);
    MUST(talk(ends[0]) == 0);
    MUST(strcmp((char *)shared + SHARED_SIZE - 16, "from the child") == 0);

    MUST(system_handle_close(ends[0]) == 0);
    MUST(system_process_wait((uint32_t)process, &end, patience()) == 0);
    MUST(end.cause == SYSTEM_END_EXIT && end.status == 0);
    return 0;
}

/* A full pipe holds its sender up; a closed one says so, and what is in it still comes. */
static int try_limits(void)
{
    uint32_t ends[2];
    char buffer[16] = "message";
    struct system_message message;
    int count = 0;
    MUST(system_pipe_create(ends) == 0);
    while (system_pipe_send(ends[0], buffer, sizeof(buffer), NULL, 0, 0) == 0)
        count++;
    MUST(count > 0);
    MUST(system_pipe_send(ends[0], buffer, 1, NULL, 0, system_time() + 1000) ==
         -SYSTEM_ERROR_TIMEOUT);
    /* No end of a pipe goes through a pipe. */
    MUST(receive(ends[1], buffer, sizeof(buffer), &message) == 0);
    MUST(system_pipe_send(ends[0], buffer, 1, &ends[1], 1, 0) == -SYSTEM_ERROR_RIGHTS);
    MUST(system_handle_close(ends[0]) == 0);
    for (int i = 1; i < count; i++)
        MUST(receive(ends[1], buffer, sizeof(buffer), &message) == 0);
    MUST(receive(ends[1], buffer, sizeof(buffer), &message) == -SYSTEM_ERROR_CLOSED);
    MUST(system_pipe_send(ends[1], buffer, 1, NULL, 0, 0) == -SYSTEM_ERROR_CLOSED);
    MUST(system_handle_close(ends[1]) == 0);
    MUST(system_handle_close(ends[1]) == -SYSTEM_ERROR_HANDLE);
    return 0;
}

static uint64_t counter;
static uint32_t finished;

static void count_up(void *argument)
{
    for (int i = 0; i < COUNTS; i++) {
        char *block = malloc(1 + (size_t)i % 300);
        if (!block)
            system_exit(__LINE__);
        memset(block, (int)(uintptr_t)argument, 1 + (size_t)i % 300);
        __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
        if (i % 100 == 0)
            system_yield();
        if (block[(size_t)i % 300] != (char)(uintptr_t)argument)
            system_exit(__LINE__);
        free(block);
    }
    __atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
    system_thread_exit();
}

/* Memory is unmapped meanwhile, which all processors have to learn. */
static int try_threads(void)
{
    for (uintptr_t i = 0; i < THREADS; i++) {
        char *stack = malloc(STACK_SIZE);
        MUST(stack != NULL);
        MUST(system_thread_start(count_up, stack + STACK_SIZE, (void *)i) == 0);
    }
    uint64_t deadline = patience();
    while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < THREADS) {
        char *large = malloc(0x30000);
        MUST(large != NULL);
        memset(large, 1, 0x30000);
        free(large);
        MUST(system_time() < deadline);
    }
    MUST(counter == THREADS * COUNTS);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "child") == 0)
        return child();
    int line = try_limits();
    if (line == 0)
        line = try_two_processes();
    if (line == 0)
        line = try_threads();
    return line;
}
