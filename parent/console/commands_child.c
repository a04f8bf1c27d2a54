/* Commands on child partitions. */
#include "include/child_start.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/program_file.h"
#include "parent/include/channel_device.h"
#include "parent/include/input.h"
#include "parent/include/time.h"
#include "parent/services/guest_console.h"
#include "parent/services/network_adapter.h"
#include "parent/services/scsi_controller.h"

#define WORKER "worker"
#define WORKER_WORDS 5 /* its name, kernel=, initrd=, devices=, and -- */
#define WORD_SIZE 32
#define DEMO_MODULE "demo.elf"
#define DEMO_MODULE_SHORT "demo"
#define DEMO_PATH "/demo.elf"
#define KEY_LEAVE 0x1d /* ^] */
#define LOOK_INTERVAL_US 20000

/* What the words of the command ask for. */
struct child_options {
    const char *kernel, *initrd; /* names of files; @initrd may be NULL */
    const char *disks[SCSI_CONTROLLER_DISKS];
    unsigned disk_count;
    const char *switches[NETWORK_ADAPTERS_MAX];
    unsigned switch_count;
    char *words[COMMAND_WORDS + WORKER_WORDS]; /* for the worker; the first ones are made here */
    unsigned word_count;
};

static const char *demo_kernel(void)
{
    if (program_is_module(DEMO_MODULE))
        return DEMO_MODULE;
    return program_is_module(DEMO_MODULE_SHORT) ? DEMO_MODULE_SHORT : DEMO_PATH;
}

/* The value if @word is @key and a value; else NULL. */
static char *value_of(char *word, const char *key)
{
    size_t length = strlen(key);
    return strncmp(word, key, length) == 0 ? word + length : NULL;
}

static const char too_many[] = "a child has at most 8 disks and 4 network adapters";
_Static_assert(SCSI_CONTROLLER_DISKS == 8 && NETWORK_ADAPTERS_MAX == 4, "as the text says");

/* Takes a word that is for us, or that the worker knows. False: it is the first of the child's. */
static bool take_option(struct child_options *options, char *word, const char **error)
{
    char *value;
    if ((value = value_of(word, "kernel=")) != NULL)
        options->kernel = value;
    else if ((value = value_of(word, "initrd=")) != NULL)
        options->initrd = value;
    else if ((value = value_of(word, "disk=")) != NULL &&
             options->disk_count < SCSI_CONTROLLER_DISKS)
        options->disks[options->disk_count++] = value;
    else if (value != NULL)
        *error = too_many;
    else if ((value = value_of(word, "switch=")) != NULL &&
             options->switch_count < NETWORK_ADAPTERS_MAX)
        options->switches[options->switch_count++] = value;
    else if (value != NULL)
        *error = too_many;
    else if (value_of(word, "vps=") != NULL || value_of(word, "memory=") != NULL)
        options->words[options->word_count++] = word;
    else
        return false;
    return true;
}

/* Sorts the words. Those from "--", "cmdline=" or the first unknown one on are the child's. */
static bool read_options(unsigned count, char **arguments, struct child_options *options)
{
    static char separator[] = "--";
    const char *error = NULL;
    unsigned i = 1;
    *options = (struct child_options){.kernel = demo_kernel(), .word_count = WORKER_WORDS - 1};
    while (i < count && error == NULL && take_option(options, arguments[i], &error))
        i++;
    if (error != NULL)
        return command_failed(arguments[0], NULL, "%s", error);
    if (i < count && strcmp(arguments[i], separator) == 0)
        i++;
    options->words[options->word_count++] = separator;
    for (; i < count; i++) {
        char *line = value_of(arguments[i], "cmdline=");
        options->words[options->word_count++] = line != NULL ? line : arguments[i];
    }
    return true;
}

/* What a child is started with, again after each reset. */
struct child_files {
    struct program_file worker, kernel, initrd; /* @initrd.size is 0 if there is none */
    struct channel_device *devices[1 + NETWORK_ADAPTERS_MAX];
    unsigned device_count;
};

/* Starts the worker; @console gets its serial port. NULL: it has been said why. */
static struct process *start(const char *command, const struct child_files *files,
                             struct guest_console *console, struct child_options *options)
{
    static char text[SYSTEM_MAX_ARGUMENTS]; /* one thread runs commands */
    static char name[] = WORKER;
    char kernel[WORD_SIZE], initrd[WORD_SIZE], devices[WORD_SIZE];
    const char *error = NULL;
    struct process_data data[] = {{files->kernel.data, files->kernel.size},
                                  {files->initrd.data, files->initrd.size}};
    struct object *objects[1 + sizeof(files->devices) / sizeof(files->devices[0])];

    snprintf(kernel, sizeof(kernel), "kernel=%zu", files->kernel.size);
    snprintf(initrd, sizeof(initrd), "initrd=%zu", files->initrd.size);
    snprintf(devices, sizeof(devices), "devices=%u", files->device_count);
    char *own[WORKER_WORDS - 1] = {name, kernel, initrd, devices};
    memcpy(options->words, own, sizeof(own));
    size_t length = program_join_words(options->word_count, options->words, text, sizeof(text));
    if (length == 0) {
        command_failed(command, NULL, "the words are too long");
        return NULL;
    }
    objects[0] = guest_console_object(console);
    for (unsigned i = 0; i < files->device_count; i++)
        objects[1 + i] = channel_device_object(files->devices[i]);
    struct process_program program = {.name = WORKER,
                                      .file = files->worker.data,
                                      .size = files->worker.size,
                                      .arguments = text,
                                      .arguments_size = length,
                                      .data = data,
                                      .data_count = 1 + (files->initrd.size > 0),
                                      .objects = objects,
                                      .object_count = 1 + files->device_count};
    struct process *process = process_start(&program, &error);
    if (process == NULL)
        command_failed(command, NULL, "%s: %s", WORKER, error);
    return process;
}

/* Until @process has ended: what is typed goes to its serial port. */
static void be_its_terminal(struct process *process, struct guest_console *console,
                            struct system_process_end *end)
{
    guest_console_attach(console, true);
    while (!process_wait(process, end, time_now())) {
        int key = input_get(time_now() + LOOK_INTERVAL_US);
        if (key == KEY_LEAVE)
            process_kill(process, STATUS_KILLED);
        else if (key >= 0)
            guest_console_key(console, (char)key);
    }
}

/* Runs the machine once; *@end says how it ended. False: it could not be started. */
static bool run_once(const char *command, const struct child_files *files,
                     struct child_options *options, struct system_process_end *end)
{
    struct guest_console *console = guest_console_create();
    if (console == NULL)
        return command_failed(command, NULL, "no memory is left");
    struct process *process = start(command, files, console, options);
    guest_console_given(console);
    if (process != NULL)
        be_its_terminal(process, console, end);
    guest_console_destroy(console);
    if (process == NULL)
        return false;
    if (end->cause != SYSTEM_END_EXIT)
        process_report(process, end);
    process_put(process);
    return true;
}

/* Until it is not reset any more. */
static bool run_until_off(const char *command, const struct child_files *files,
                          struct child_options *options)
{
    struct system_process_end end;
    do {
        if (!run_once(command, files, options, &end))
            return false;
    } while (end.cause == SYSTEM_END_EXIT && end.status == CHILD_STATUS_RESET);
    return program_end(WORKER, &end);
}

static bool open_devices(const char *command, const struct child_options *options,
                         struct child_files *files)
{
    if (options->disk_count > 0) {
        files->devices[0] = scsi_controller_create(command, options->disks, options->disk_count);
        if (files->devices[0] == NULL)
            return false;
        files->device_count = 1;
    }
    for (unsigned i = 0; i < options->switch_count; i++) {
        struct channel_device *device = network_adapter_create(command, options->switches[i], i);
        if (device == NULL)
            return false;
        files->devices[files->device_count++] = device;
    }
    return true;
}

static bool run_child(unsigned count, char **arguments)
{
    static struct child_options options; /* one thread runs commands */
    struct child_files files = {0};
    const char *command = arguments[0];

    bool success =
        read_options(count, arguments, &options) &&
        program_file_open(command, WORKER, &files.worker) &&
        program_file_open(command, options.kernel, &files.kernel) &&
        (options.initrd == NULL || program_file_open(command, options.initrd, &files.initrd)) &&
        open_devices(command, &options, &files) && run_until_off(command, &files, &options);
    for (unsigned i = 0; i < files.device_count; i++)
        channel_device_put(files.devices[i]);
    program_file_close(&files.initrd);
    program_file_close(&files.kernel);
    program_file_close(&files.worker);
    return success;
}

const struct command child_commands[] = {
    {"child",
     "[kernel=FILE] [initrd=FILE] [disk=PATH...] [vps=N] [memory=MiB] [cmdline=\"WORDS\" | "
     "WORD...]",
     "runs a kernel (Linux bzImage or ELF; the demo kernel if none is given) in a child partition, "
     "with disks (images or devices) and the words as its command line; the terminal is its serial "
     "port, ^] ends it",
     "child kernel=/vmlinuz initrd=/initrd memory=256 cmdline=\"console=ttyS0\"", 0,
     COMMAND_WORDS - 1, WORDS_NONE, run_child},
    {0},
};
