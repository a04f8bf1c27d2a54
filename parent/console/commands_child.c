/* Commands on child partitions. */
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/program_file.h"
#include "parent/include/channel_device.h"
#include "parent/services/scsi_controller.h"

#define WORKER "child"
#define KERNEL_MODULE "demo.elf"
#define KERNEL_MODULE_SHORT "demo"
#define KERNEL_PATH "/demo.elf"
#define SIZE_WORD_SIZE 32
#define DISK_WORD "disk="

static const char *kernel_name(void)
{
    if (program_is_module(KERNEL_MODULE))
        return KERNEL_MODULE;
    return program_is_module(KERNEL_MODULE_SHORT) ? KERNEL_MODULE_SHORT : KERNEL_PATH;
}

/* What the words of the command ask for. */
struct child_options {
    char *words[COMMAND_WORDS + 3]; /* for the worker; the first two are its own */
    unsigned word_count;
    const char *disks[SCSI_CONTROLLER_DISKS];
    unsigned disk_count;
};

/* Sorts the words. Those from "--" or the first one that is unknown here on are the child's. */
static bool read_options(unsigned count, char **arguments, struct child_options *options)
{
    options->word_count = 3; /* its name, file=, devices= */
    options->disk_count = 0;
    bool ours = true;
    for (unsigned i = 1; i < count; i++) {
        bool is_disk = strncmp(arguments[i], DISK_WORD, strlen(DISK_WORD)) == 0;
        ours = ours && (is_disk || strncmp(arguments[i], "vps=", 4) == 0 ||
                        strncmp(arguments[i], "memory=", 7) == 0);
        if (!ours || !is_disk) {
            options->words[options->word_count++] = arguments[i];
            continue;
        }
        if (options->disk_count == SCSI_CONTROLLER_DISKS)
            return command_failed(arguments[0], NULL, "a child has at most %d disks",
                                  SCSI_CONTROLLER_DISKS);
        options->disks[options->disk_count++] = arguments[i] + strlen(DISK_WORD);
    }
    return true;
}

/* Starts the worker with the child's kernel, a device or NULL, and the words behind the command.
 * NULL: it has been said why. */
static struct process *start(const char *command, const struct program_file *worker,
                             const struct program_file *kernel, struct channel_device *device,
                             struct child_options *options)
{
    static char words[SYSTEM_MAX_ARGUMENTS]; /* one thread runs commands */
    static char name[] = WORKER;
    char size[SIZE_WORD_SIZE], devices[SIZE_WORD_SIZE];
    const char *error = NULL;

    snprintf(size, sizeof(size), "file=%zu", kernel->size);
    snprintf(devices, sizeof(devices), "devices=%d", device != NULL);
    options->words[0] = name;
    options->words[1] = size;
    options->words[2] = devices;
    size_t length = program_join_words(options->word_count, options->words, words, sizeof(words));
    if (length == 0) {
        command_failed(command, NULL, "the words are too long");
        return NULL;
    }
    struct object *object = device != NULL ? channel_device_object(device) : NULL;
    struct process_program program = {.name = WORKER,
                                      .file = worker->data,
                                      .size = worker->size,
                                      .arguments = words,
                                      .arguments_size = length,
                                      .data = kernel->data,
                                      .data_size = kernel->size,
                                      .devices = &object,
                                      .device_count = device != NULL};
    struct process *process = process_start(&program, &error);
    if (process == NULL)
        command_failed(command, NULL, "%s: %s", WORKER, error);
    return process;
}

static struct process *start_with_disks(const char *command, const struct program_file *worker,
                                        const struct program_file *kernel,
                                        struct child_options *options)
{
    if (options->disk_count == 0)
        return start(command, worker, kernel, NULL, options);

    struct channel_device *device =
        scsi_controller_create(command, options->disks, options->disk_count);
    if (device == NULL)
        return NULL;
    struct process *process = start(command, worker, kernel, device, options);
    channel_device_put(device); /* the process has it now */
    return process;
}

static bool run_child(unsigned count, char **arguments)
{
    struct program_file worker, kernel;
    struct process *process = NULL;
    struct child_options options;

    if (!read_options(count, arguments, &options) ||
        !program_file_open(arguments[0], WORKER, &worker))
        return false;
    if (program_file_open(arguments[0], kernel_name(), &kernel)) {
        process = start_with_disks(arguments[0], &worker, &kernel, &options);
        program_file_close(&kernel);
    }
    program_file_close(&worker);
    return process != NULL && program_wait(process);
}

const struct command child_commands[] = {
    {"child", "[disk=PATH...] [vps=N] [memory=MiB] [WORD...]",
     "runs the demo kernel in a child partition, with disks (images or devices) and the words as "
     "its "
     "command line; ^C ends it",
     "child vps=2 memory=64 hello", 0, COMMAND_WORDS - 1, WORDS_NONE, run_child},
    {0},
};
