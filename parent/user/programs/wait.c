/* Test program: gets into the state that its second word names and stays there, for others to end
 * it. */
#include "lib/string.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

static void spin_for_ever(void *argument)
{
    (void)argument;
    for (;;)
        __asm__ volatile("pause");
}

static void receive_for_ever(void *argument)
{
    uint32_t pipe = *(uint32_t *)argument;
    char byte;
    struct system_message message = {.buffer = (uint64_t)&byte, .size = 1};
    system_pipe_receive(pipe, &message, SYSTEM_FOREVER);
    system_exit(1);
}

static void start_thread(void (*entry)(void *argument), void *argument)
{
    char *stack = malloc(0x4000);
    if (!stack || system_thread_start(entry, stack + 0x4000, argument) < 0)
        system_exit(2);
}

static void wait_for_self(void)
{
    static const char arguments[] = "wait\0sleep";
    struct system_process_end end;
    int64_t process = system_process_start("wait", arguments, sizeof(arguments), NULL, 0);
    if (process < 0)
        system_exit(3);
    system_process_wait((uint32_t)process, &end, SYSTEM_FOREVER);
}

int main(int argc, char **argv)
{
    uint32_t pipe[2];
    const char *how = argc == 2 ? argv[1] : "";
    if (system_pipe_create(pipe) < 0)
        return 4;
    if (strcmp(how, "spin") == 0)
        spin_for_ever(NULL);
    if (strcmp(how, "sleep") == 0)
        system_sleep(system_time() + 3000000);
    if (strcmp(how, "receive") == 0)
        receive_for_ever(&pipe[0]);
    if (strcmp(how, "process") == 0)
        wait_for_self();
    if (strcmp(how, "threads") == 0) {
        for (int i = 0; i < 4; i++) {
            start_thread(spin_for_ever, NULL);
            start_thread(receive_for_ever, &pipe[i % 2]);
        }
        system_sleep(SYSTEM_FOREVER);
    }
    if (strcmp(how, "print") == 0) {
        for (;;)
            system_print("", 0);
    }
    return 5;
}
