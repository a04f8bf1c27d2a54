/* Test program: starts others without end. "loop": many children that wait for it; "chain": a child
 * that does the same. Ends with status 0 when it is refused as it should be. */
#include "lib/string.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define LIMIT 1000

static int wait_for(uint32_t process)
{
    struct system_process_end end;
    if (system_process_wait(process, &end, SYSTEM_FOREVER) < 0 || end.cause != SYSTEM_END_EXIT)
        return 1;
    return end.status;
}

/* Children that read from a pipe live until its other end is closed. */
static int loop(void)
{
    static uint32_t children[LIMIT];
    static const char arguments[] = "spawn\0wait";
    uint32_t pipe[2];
    int count = 0;
    int64_t result = system_pipe_create(pipe);
    if (result < 0)
        return 2;
    while (count < LIMIT) {
        result = system_process_start("spawn", arguments, sizeof(arguments), &pipe[1], 1);
        if (result < 0)
            break;
        children[count++] = (uint32_t)result;
    }
    printf("spawn: refused after %d: %s\n", count, system_error_text(result));
    if (result != -SYSTEM_ERROR_LIMIT || count != SYSTEM_MAX_PROCESSES - 1)
        return 3;
    system_handle_close(pipe[0]);
    for (int i = 0; i < count; i++) {
        if (wait_for(children[i]) != 0)
            return 4;
    }
    return 0;
}

static int wait_on_pipe(void)
{
    char byte;
    struct system_message message = {.buffer = (uint64_t)&byte, .size = 1};
    return system_pipe_receive(1, &message, SYSTEM_FOREVER) == -SYSTEM_ERROR_CLOSED ? 0 : 5;
}

static int chain(void)
{
    static const char arguments[] = "spawn\0chain";
    int64_t result = system_process_start("spawn", arguments, sizeof(arguments), NULL, 0);
    if (result == -SYSTEM_ERROR_LIMIT)
        return 0;
    return result < 0 ? 6 : wait_for((uint32_t)result);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 7;
    if (strcmp(argv[1], "wait") == 0)
        return wait_on_pipe();
    return strcmp(argv[1], "loop") == 0 ? loop() : chain();
}
