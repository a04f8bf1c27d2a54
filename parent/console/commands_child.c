/* Commands on child partitions. */
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/program_file.h"
#include "parent/include/thread.h"
#include "parent/services/child.h"
#include "parent/services/network_adapter.h"
#include "parent/services/scsi_controller.h"

#define WORKER "worker"
#define WORKER_WORDS 5 /* its name, kernel=, initrd=, devices=, and -- */
#define WORD_SIZE 32
#define DEMO_MODULE "demo.elf"
#define DEMO_MODULE_SHORT "demo"
#define DEMO_PATH "/demo.elf"

/* What the words of the command ask for. */
struct child_options {
    const char *name;            /* NULL: it is to run in the foreground */
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
    if ((value = value_of(word, "name=")) != NULL)
        options->name = value;
    else if ((value = value_of(word, "kernel=")) != NULL)
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
    if (options->name != NULL &&
        (*options->name == '\0' || strlen(options->name) >= CHILD_NAME_SIZE))
        error = "a name has 1 to 15 characters";
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

static bool open_devices(const char *command, const struct child_options *options,
                         struct child_plan *plan)
{
    if (options->disk_count > 0) {
        plan->devices[0] = scsi_controller_create(command, options->disks, options->disk_count);
        if (plan->devices[0] == NULL)
            return false;
        plan->controller = plan->devices[0];
        plan->device_count = 1;
    }
    for (unsigned i = 0; i < options->switch_count; i++) {
        struct channel_device *device = network_adapter_create(command, options->switches[i], i);
        if (device == NULL)
            return false;
        plan->devices[plan->device_count++] = device;
    }
    return true;
}

/* The worker's words. */
static bool write_words(const char *command, struct child_options *options, struct child_plan *plan)
{
    static char name[] = WORKER;
    char kernel[WORD_SIZE], initrd[WORD_SIZE], devices[WORD_SIZE];

    snprintf(kernel, sizeof(kernel), "kernel=%zu", plan->kernel.size);
    snprintf(initrd, sizeof(initrd), "initrd=%zu", plan->initrd.size);
    snprintf(devices, sizeof(devices), "devices=%u", plan->device_count);
    char *own[WORKER_WORDS - 1] = {name, kernel, initrd, devices};
    memcpy(options->words, own, sizeof(own));
    plan->words_size =
        program_join_words(options->word_count, options->words, plan->words, sizeof(plan->words));
    return plan->words_size > 0 || command_failed(command, NULL, "the words are too long");
}

/* False: a part is missing, which has been said. What is there is in @plan. */
static bool make_plan(const char *command, struct child_options *options, struct child_plan *plan)
{
    *plan = (struct child_plan){0};
    string_copy(plan->name, options->name != NULL ? options->name : WORKER, sizeof(plan->name));
    return program_file_open(command, WORKER, &plan->worker) &&
           program_file_open(command, options->kernel, &plan->kernel) &&
           (options->initrd == NULL ||
            program_file_open(command, options->initrd, &plan->initrd)) &&
           open_devices(command, options, plan) && write_words(command, options, plan);
}

/* In the foreground: the terminal is its serial port, and leaving it is its end. */
static bool run_to_end(struct child *child)
{
    struct system_process_end end;
    if (!child_be_terminal(child))
        child_kill(child);
    child_wait(child, &end, WAIT_FOREVER);
    child_forget(child);
    return program_end(WORKER, &end);
}

static bool run_child(unsigned count, char **arguments)
{
    static struct child_options options; /* one thread runs commands */
    static struct child_plan plan;
    const char *command = arguments[0], *error = NULL;

    if (!read_options(count, arguments, &options))
        return false;
    if (!make_plan(command, &options, &plan)) {
        child_plan_free(&plan);
        return false;
    }
    struct child *child = child_start(&plan, &error);
    if (child == NULL)
        return command_failed(command, NULL, "%s: %s", plan.name, error);
    bool success = options.name != NULL || run_to_end(child);
    child_put(child);
    return success;
}

const struct command child_commands[] = {
    {"child",
     "[name=NAME] [kernel=FILE] [initrd=FILE] [switch=NAME[,MAC]...] [disk=PATH...] [vps=N] "
     "[memory=MiB] [cmdline=\"WORDS\" | "
     "WORD...]",
     "runs a kernel (Linux bzImage or ELF; the demo kernel if none is given) in a child partition, "
     "with disks (images or devices), network adapters, and the words as its command line; the "
     "terminal is its serial port, ^] ends it; with a name it runs in the background: see vm",
     "child kernel=/vmlinuz initrd=/initrd memory=256 cmdline=\"console=ttyS0\"", 0,
     COMMAND_WORDS - 1, WORDS_NONE, run_child},
    {0},
};
