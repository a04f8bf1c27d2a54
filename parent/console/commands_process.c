/* Commands on threads and processes. */
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"

#define THREADS_SHOWN 512

static bool run_ps(unsigned count, char **arguments)
{
    struct thread_information *list = heap_allocate(THREADS_SHOWN * sizeof(*list));
    uint32_t threads;

    (void)count;
    (void)arguments;
    if (list == NULL)
        return command_failed("ps", NULL, "no memory for the list");
    threads = thread_list(list, THREADS_SHOWN);
    terminal_print("   id process state prio cpu      time  name\n");
    for (uint32_t i = 0; i < threads && i < THREADS_SHOWN && !terminal_interrupted(); i++)
        terminal_print("%5u %7u     %c %4u %3u %5llu.%03llu  %s\n", list[i].id, list[i].process_id,
                       list[i].state, list[i].priority, list[i].cpu,
                       (unsigned long long)list[i].run_microseconds / 1000000,
                       (unsigned long long)list[i].run_microseconds / 1000 % 1000, list[i].name);
    if (threads > THREADS_SHOWN)
        terminal_print("and %u more\n", threads - THREADS_SHOWN);
    heap_free(list);
    return true;
}

const struct command process_commands[] = {
    {"ps", "", "lists threads and what they have used", "ps", 0, 0, WORDS_NONE, run_ps},
    {0},
};
