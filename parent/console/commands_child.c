/* Commands on child partitions. */
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/program_file.h"
#include "parent/include/channel_device.h"
#include "parent/services/network_adapter.h"
#include "parent/services/scsi_controller.h"

#define WORKER "child"
#define KERNEL_MODULE "demo.elf"
#define KERNEL_MODULE_SHORT "demo"
#define KERNEL_PATH "/demo.elf"
#define SIZE_WORD_SIZE 32
#define DISK_WORD "disk="
#define SWITCH_WORD "switch="
#define DEVICES_MAX (1 + NETWORK_ADAPTERS_MAX) /* the controller of the disks, adapters */

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
    const char *switches[NETWORK_ADAPTERS_MAX];
    unsigned switch_count;
};

/* Adds what is behind @key in @word to @list. False: @word begins otherwise. *@full: there was no
 * room in it. */
static bool take_word(const char *word, const char *key, const char **list, unsigned limit,
                      unsigned *count, bool *full)
{
    size_t length = strlen(key);
    if (strncmp(word, key, length) != 0)
        return false;
    *full = *count == limit;
    if (!*full)
        list[(*count)++] = word + length;
    return true;
}

/* Sorts the words. Those from "--" or the first one that is unknown here on are the child's. */
static bool read_options(unsigned count, char **arguments, struct child_options *options)
{
    options->word_count = 3; /* its name, file=, devices= */
    options->disk_count = options->switch_count = 0;
    bool ours = true, full = false;
    for (unsigned i = 1; i < count; i++) {
        const char *word = arguments[i];
        if (ours && (take_word(word, DISK_WORD, options->disks, SCSI_CONTROLLER_DISKS,
                               &options->disk_count, &full) ||
                     take_word(word, SWITCH_WORD, options->switches, NETWORK_ADAPTERS_MAX,
                               &options->switch_count, &full))) {
            if (full)
                return command_failed(arguments[0], NULL,
                                      "a child has at most %d disks and %d network adapters",
                                      SCSI_CONTROLLER_DISKS, NETWORK_ADAPTERS_MAX);
            continue;
        }
        ours = ours && (strncmp(word, "vps=", 4) == 0 || strncmp(word, "memory=", 7) == 0);
        options->words[options->word_count++] = arguments[i];
    }
    return true;
}

/* Starts the worker with the child's kernel, its devices, and the words behind the command. NULL:
 * it has been said why. */
static struct process *start(const char *command, const struct program_file *worker,
                             const struct program_file *kernel, struct channel_device **device,
                             unsigned device_count, struct child_options *options)
{
    static char words[SYSTEM_MAX_ARGUMENTS]; /* one thread runs commands */
    static char name[] = WORKER;
    char size[SIZE_WORD_SIZE], devices[SIZE_WORD_SIZE];
    const char *error = NULL;

    snprintf(size, sizeof(size), "file=%zu", kernel->size);
    snprintf(devices, sizeof(devices), "devices=%u", device_count);
    options->words[0] = name;
    options->words[1] = size;
    options->words[2] = devices;
    size_t length = program_join_words(options->word_count, options->words, words, sizeof(words));
    if (length == 0) {
        command_failed(command, NULL, "the words are too long");
        return NULL;
    }
    struct object *objects[DEVICES_MAX];
    for (unsigned i = 0; i < device_count; i++)
        objects[i] = channel_device_object(device[i]);
    struct process_program program = {.name = WORKER,
                                      .file = worker->data,
                                      .size = worker->size,
                                      .arguments = words,
                                      .arguments_size = length,
                                      .data = kernel->data,
                                      .data_size = kernel->size,
                                      .devices = objects,
                                      .device_count = device_count};
    struct process *process = process_start(&program, &error);
    if (process == NULL)
        command_failed(command, NULL, "%s: %s", WORKER, error);
    return process;
}

/* Makes the devices; how many, which the caller puts back. False: it has been said why. */
static bool make_devices(const char *command, const struct child_options *options,
                         struct channel_device **devices, unsigned *count)
{
    *count = 0;
    if (options->disk_count > 0) {
        devices[0] = scsi_controller_create(command, options->disks, options->disk_count);
        if (devices[0] == NULL)
            return false;
        *count = 1;
    }
    for (unsigned i = 0; i < options->switch_count; i++) {
        devices[*count] = network_adapter_create(command, options->switches[i], i);
        if (devices[*count] == NULL)
            return false;
        (*count)++;
    }
    return true;
}

static struct process *start_with_devices(const char *command, const struct program_file *worker,
                                          const struct program_file *kernel,
                                          struct child_options *options)
{
    struct channel_device *devices[DEVICES_MAX];
    struct process *process = NULL;
    unsigned count;

    if (make_devices(command, options, devices, &count))
        process = start(command, worker, kernel, devices, count, options);
    for (unsigned i = 0; i < count; i++)
        channel_device_put(devices[i]); /* the process has them now */
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
        process = start_with_devices(arguments[0], &worker, &kernel, &options);
        program_file_close(&kernel);
    }
    program_file_close(&worker);
    return process != NULL && program_wait(process);
}

const struct command child_commands[] = {
    {"child", "[disk=PATH...] [switch=NAME[,MAC]...] [vps=N] [memory=MiB] [WORD...]",
     "runs the demo kernel in a child partition, with disks (images or devices), network adapters "
     "on switches, and the words as its command line; ^C ends it",
     "child vps=2 memory=64 hello", 0, COMMAND_WORDS - 1, WORDS_NONE, run_child},
    {0},
};
