/* Commands on threads and processes. */
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/memory.h"
#include "parent/include/process.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/proc/program.h"
#include "parent/services/store.h"

#define THREADS_SHOWN 512
#define PROGRAM_SIZE_MAX (16u << 20)
#define LOOK_MICROSECONDS 50000 /* how often a key is looked for while a program runs */
#define KILLED (-1)

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

/* The content of file @name on the store, for heap_free(); NULL with a message. */
static void *read_program(const char *name, size_t *size)
{
    struct fat_volume *volume = store_take();
    struct fat_file *file;
    void *content = NULL;

    if (volume == NULL) {
        command_failed("run", "disks shows what there is",
                       "there is no module %s, and no store to look for a file", name);
        return NULL;
    }
    int error = fat_open(volume, name, 0, &file);
    if (error == FS_OK) {
        uint32_t length = fat_file_size(file);
        if (length <= PROGRAM_SIZE_MAX)
            content = heap_allocate(length + 1);
        error = content == NULL ? FS_TOO_LARGE : fat_read(file, 0, content, length, size);
        fat_close(file);
    }
    store_release();
    if (error == FS_OK)
        return content;
    heap_free(content);
    command_failed("run", "ls shows the files", "%s: %s", name, fs_error_text(error));
    return NULL;
}

/* The words, each with its NUL, one behind the other; the size, or 0 if they do not fit. */
static size_t join_words(unsigned count, char **words, char *joined)
{
    size_t size = 0;

    for (unsigned i = 0; i < count; i++) {
        size_t length = strlen(words[i]) + 1;
        if (length > SYSTEM_MAX_ARGUMENTS - size)
            return 0;
        memcpy(joined + size, words[i], length);
        size += length;
    }
    return size;
}

/* Starts the program that arguments[1] names, a boot module or a file, with all words from there
 * on. */
static struct process *start_program(unsigned count, char **arguments, char *joined)
{
    const void *file;
    const char *error = NULL;
    void *content = NULL;
    size_t size, joined_size = join_words(count - 1, arguments + 1, joined);

    if (joined_size == 0) {
        command_failed("run", NULL, "the words are longer than %u bytes", SYSTEM_MAX_ARGUMENTS);
        return NULL;
    }
    if (!program_find(arguments[1], &file, &size))
        file = content = read_program(arguments[1], &size);
    if (file == NULL)
        return NULL;
    struct process *process = process_start(arguments[1], file, size, joined, joined_size, &error);
    heap_free(content);
    if (process == NULL)
        command_failed("run", NULL, "%s: %s", arguments[1], error);
    return process;
}

/* True if it ended well. */
static bool wait_for_end(struct process *process)
{
    struct system_process_end end;

    while (!process_wait(process, &end, time_now() + LOOK_MICROSECONDS)) {
        if (terminal_interrupted())
            process_kill(process, KILLED);
    }
    if (end.cause == SYSTEM_END_FAULT)
        process_report(process, &end);
    if (end.cause == SYSTEM_END_EXIT && end.status == 0)
        return true;
    return command_failed("run", NULL, "%s %s %d", process_name(process),
                          end.cause == SYSTEM_END_EXIT     ? "ended with status"
                          : end.cause == SYSTEM_END_KILLED ? "was ended with status"
                                                           : "made a fault, status",
                          end.status);
}

static bool run_run(unsigned count, char **arguments)
{
    char *joined = heap_allocate(SYSTEM_MAX_ARGUMENTS);

    if (joined == NULL)
        return command_failed("run", NULL, "no memory for the words");
    struct process *process = start_program(count, arguments, joined);
    heap_free(joined);
    if (process == NULL)
        return false;
    bool good = wait_for_end(process);
    process_put(process);
    return good;
}

static bool run_kill(unsigned count, char **arguments)
{
    uint64_t id;

    (void)count;
    if (!parse_number(arguments[1], &id) || id > UINT32_MAX)
        return command_failed("kill", "ps shows the numbers", "%s is no number of a process",
                              arguments[1]);
    struct process *process = process_find((uint32_t)id);
    if (process == NULL)
        return command_failed("kill", "ps shows the numbers", "there is no process %s",
                              arguments[1]);
    process_kill(process, KILLED);
    process_put(process);
    return true;
}

const struct command process_commands[] = {
    {"ps", "", "lists threads and what they have used", "ps", 0, 0, WORDS_NONE, run_ps},
    {"run", "PROGRAM [WORD...]", "runs a program, a file or a boot module, until it ends",
     "run /tools/hello.elf world", 1, COMMAND_WORDS - 1, WORDS_PATH, run_run},
    {"kill", "PROCESS", "ends a process", "kill 3", 1, 1, WORDS_NONE, run_kill},
    {0},
};
