/* Commands on child partitions. */
#include "lib/printf.h"
#include "parent/console/command.h"
#include "parent/console/program_file.h"

#define WORKER "child"
#define KERNEL_MODULE "demo.elf"
#define KERNEL_MODULE_SHORT "demo"
#define KERNEL_PATH "/demo.elf"
#define SIZE_WORD_SIZE 32

static const char *kernel_name(void)
{
    if (program_is_module(KERNEL_MODULE))
        return KERNEL_MODULE;
    return program_is_module(KERNEL_MODULE_SHORT) ? KERNEL_MODULE_SHORT : KERNEL_PATH;
}

/* Starts the worker with the child's kernel and the words behind the command. NULL: it has been
 * said why. */
static struct process *start(const struct program_file *worker, const struct program_file *kernel,
                             unsigned count, char **arguments)
{
    static char words[SYSTEM_MAX_ARGUMENTS]; /* one thread runs commands */
    static char name[] = WORKER;
    char size[SIZE_WORD_SIZE];
    char *all[COMMAND_WORDS + 1] = {name, size};
    const char *error = NULL;

    snprintf(size, sizeof(size), "file=%zu", kernel->size);
    for (unsigned i = 1; i < count; i++)
        all[i + 1] = arguments[i];
    size_t length = program_join_words(count + 1, all, words, sizeof(words));
    if (length == 0) {
        command_failed(arguments[0], NULL, "the words are too long");
        return NULL;
    }
    struct process_program program = {.name = WORKER,
                                      .file = worker->data,
                                      .size = worker->size,
                                      .arguments = words,
                                      .arguments_size = length,
                                      .data = kernel->data,
                                      .data_size = kernel->size};
    struct process *process = process_start(&program, &error);
    if (process == NULL)
        command_failed(arguments[0], NULL, "%s: %s", WORKER, error);
    return process;
}

static bool run_child(unsigned count, char **arguments)
{
    struct program_file worker, kernel;
    struct process *process = NULL;

    if (!program_file_open(arguments[0], WORKER, &worker))
        return false;
    if (program_file_open(arguments[0], kernel_name(), &kernel)) {
        process = start(&worker, &kernel, count, arguments);
        program_file_close(&kernel);
    }
    program_file_close(&worker);
    return process != NULL && program_wait(process);
}

const struct command child_commands[] = {
    {"child", "[vps=N] [memory=MiB] [WORD...]",
     "runs the demo kernel in a child partition, with the words as its command line; ^C ends it",
     "child vps=2 memory=64 hello", 0, COMMAND_WORDS - 1, WORDS_NONE, run_child},
    {0},
};
