/* Commands on programs: processes and threads. */
#include "lib/cmdline.h"
#include "parent/console/command.h"
#include "parent/console/program_file.h"
#include "parent/console/terminal.h"
#include "parent/include/memory.h"
#include "parent/include/process.h"
#include "parent/include/thread.h"

#define LIST_LENGTH 256
#define STATUS_KILLED (-1)

static bool show_threads(void)
{
    struct thread_information *list = heap_allocate(LIST_LENGTH * sizeof(*list));
    uint32_t count = list == NULL ? 0 : thread_list(list, LIST_LENGTH);

    terminal_print("   id process state prio cpu      time  thread\n");
    for (uint32_t i = 0; i < count && i < LIST_LENGTH && !terminal_interrupted(); i++)
        terminal_print("%5u %7u     %c %4u %3u %5llu.%03llu  %s\n", list[i].id, list[i].process_id,
                       list[i].state, list[i].priority, list[i].cpu,
                       (unsigned long long)list[i].run_microseconds / 1000000,
                       (unsigned long long)list[i].run_microseconds / 1000 % 1000, list[i].name);
    if (count > LIST_LENGTH)
        terminal_print("and %u more\n", count - LIST_LENGTH);
    heap_free(list);
    return list != NULL || command_failed("ps", NULL, "no memory for the list");
}

static bool show_processes(void)
{
    struct process_information *list = heap_allocate(LIST_LENGTH * sizeof(*list));
    uint32_t count = list == NULL ? 0 : process_list(list, LIST_LENGTH);

    terminal_print("   id starter threads handles     KiB  process\n");
    for (uint32_t i = 0; i < count && i < LIST_LENGTH; i++)
        terminal_print("%5u %7u %7u %7u %7llu  %s%s\n", list[i].id, list[i].starter_id,
                       list[i].threads, list[i].handles, (unsigned long long)list[i].pages * 4,
                       list[i].name, list[i].ended ? " (ended)" : "");
    heap_free(list);
    return list != NULL || command_failed("ps", NULL, "no memory for the list");
}

static bool run_ps(unsigned count, char **arguments)
{
    (void)count;
    (void)arguments;
    return show_processes() && show_threads();
}

static bool run_kill(unsigned count, char **arguments)
{
    struct process *process = NULL;
    uint64_t id;

    (void)count;
    if (parse_number(arguments[1], &id) && id <= UINT32_MAX)
        process = process_find((uint32_t)id);
    if (process == NULL)
        return command_failed("kill", "ps lists them", "there is no process %s", arguments[1]);
    process_kill(process, STATUS_KILLED);
    process_put(process);
    return true;
}

static bool run_run(unsigned count, char **arguments)
{
    static char words[SYSTEM_MAX_ARGUMENTS]; /* one thread runs commands */
    const char *error = NULL;
    struct program_file file;
    size_t length = program_join_words(count - 1, arguments + 1, words, sizeof(words));

    if (length == 0)
        return command_failed("run", NULL, "the words are too long");
    if (!program_file_open("run", arguments[1], &file))
        return false;
    struct process_program program = {.name = arguments[1],
                                      .file = file.data,
                                      .size = file.size,
                                      .arguments = words,
                                      .arguments_size = length};
    struct process *process = process_start(&program, &error);
    program_file_close(&file);
    if (process == NULL)
        return command_failed("run", NULL, "%s: %s", arguments[1], error);
    return program_wait(process);
}

const struct command process_commands[] = {
    {"run", "PROGRAM [WORD...]", "runs a program and waits for its end; ^C ends it",
     "run /bin/hello.elf one two", 1, COMMAND_WORDS - 1, WORDS_PATH, run_run},
    {"ps", "", "lists processes and threads", "ps", 0, 0, WORDS_NONE, run_ps},
    {"kill", "PROCESS", "ends a process", "kill 3", 1, 1, WORDS_NONE, run_kill},
    {0},
};
