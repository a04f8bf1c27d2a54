/* Commands on programs: processes and threads. */
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/memory.h"
#include "parent/include/process.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/boot.h"
#include "parent/services/store.h"

#define LIST_LENGTH 256
#define PROGRAM_SIZE_MAX (16u << 20)
#define INTERRUPT_CHECK_US 100000
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

/* The program's file: a boot module, or a copy of a file on the store, which *@copy says. NULL with
 * a message if there is none. */
static const void *find_program(const char *name, size_t *size, bool *copy)
{
    struct fat_file *file;
    void *memory = NULL;

    *copy = false;
    for (uint32_t i = 0; i < boot_info.module_count; i++) {
        if (strcmp(boot_info.modules[i].name, name) == 0) {
            *size = boot_info.modules[i].size;
            return physical_to_virtual(boot_info.modules[i].base);
        }
    }
    struct fat_volume *volume = store_take();
    int error = volume == NULL ? FS_NOT_FOUND : fat_open(volume, name, 0, &file);
    if (error == FS_OK) {
        uint32_t length = fat_file_size(file);
        if (length == 0 || length > PROGRAM_SIZE_MAX)
            error = FS_TOO_LARGE;
        else if ((memory = heap_allocate(length)) == NULL)
            error = FS_NO_SPACE;
        else
            error = fat_read(file, 0, memory, length, size);
        fat_close(file);
    }
    if (volume != NULL)
        store_release();
    *copy = true;
    if (error == FS_OK)
        return memory;
    heap_free(memory);
    command_failed("run", "Programs are files on the store, or boot modules", "%s: %s", name,
                   fs_error_text(error));
    return NULL;
}

/* The words after each other, each with its NUL; returns the length, 0 if they are too long. */
static size_t join_arguments(unsigned count, char **words, char *text, size_t size)
{
    size_t length = 0;

    for (unsigned i = 0; i < count; i++) {
        size_t word = strlen(words[i]) + 1;
        if (word > size - length)
            return 0;
        memcpy(text + length, words[i], word);
        length += word;
    }
    return length;
}

/* Waits for the end; ^C ends the process. */
static bool wait_for(struct process *process)
{
    struct system_process_end end;

    while (!process_wait(process, &end, time_now() + INTERRUPT_CHECK_US))
        if (terminal_interrupted())
            process_kill(process, STATUS_KILLED);
    if (end.cause == SYSTEM_END_EXIT) {
        terminal_print("%s ended with status %d\n", process_name(process), end.status);
        return end.status == 0;
    }
    process_report(process, &end);
    return command_failed(process_name(process), "log has its report", "it was ended");
}

static bool run_run(unsigned count, char **arguments)
{
    static char words[SYSTEM_MAX_ARGUMENTS]; /* one thread runs commands */
    const char *error = NULL;
    size_t size;
    bool copy;
    size_t length = join_arguments(count - 1, arguments + 1, words, sizeof(words));

    if (length == 0)
        return command_failed("run", NULL, "the words are too long");
    const void *file = find_program(arguments[1], &size, &copy);
    if (file == NULL)
        return false;
    struct process *process = process_start(arguments[1], file, size, words, length, &error);
    if (copy)
        heap_free((void *)(uintptr_t)file);
    if (process == NULL)
        return command_failed("run", NULL, "%s: %s", arguments[1], error);
    bool success = wait_for(process);
    process_put(process);
    return success;
}

const struct command process_commands[] = {
    {"run", "PROGRAM [WORD...]", "runs a program and waits for its end; ^C ends it",
     "run /bin/hello.elf one two", 1, COMMAND_WORDS - 1, WORDS_PATH, run_run},
    {"ps", "", "lists processes and threads", "ps", 0, 0, WORDS_NONE, run_ps},
    {"kill", "PROCESS", "ends a process", "kill 3", 1, 1, WORDS_NONE, run_kill},
    {0},
};
