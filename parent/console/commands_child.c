/* Commands on child partitions. */
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/program_file.h"
#include "parent/include/thread.h"
#include "parent/services/child.h"
#include "parent/services/network_adapter.h"
#include "parent/services/network_port.h"
#include "parent/services/scsi_controller.h"

#define WORKER "worker"
#define OWN_WORDS 5 /* for the worker: its name and its machine's, two about files, devices= */
#define WORD_SIZE 32
#define DEMO_MODULE "demo.elf"
#define DEMO_MODULE_SHORT "demo"
#define DEMO_PATH "/demo.elf"
#define FIRMWARE_MODULE "firmware"

/* What the words of the command ask for. */
struct child_options {
    const char *name;                  /* NULL: it is to run in the foreground */
    const char *kernel, *initrd;       /* names of files; NULL: none is named */
    bool pc;                           /* an emulated machine with firmware: */
    const char *firmware, *option_rom; /* names of files; NULL: not named */
    const char *cd, *floppy;           /* NULL: not named */
    bool vmbus;                        /* the machine has the bus, too */
    const char *disks[SCSI_CONTROLLER_DISKS];
    unsigned disk_count;
    const char *switches[NETWORK_ADAPTERS_MAX];
    unsigned switch_count;
    char *words[COMMAND_WORDS + OWN_WORDS + 1]; /* for the worker; the first ones are made here */
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

/* Adds @value to a list of @limit. */
static void add_value(const char **list, unsigned *count, unsigned limit, const char *value,
                      const char **error)
{
    if (*count == limit)
        *error = too_many;
    else
        list[(*count)++] = value;
}

/* Takes a word about an emulated machine. False: it is none. */
static bool take_machine_option(struct child_options *options, char *word, const char **error)
{
    char *value;
    if ((value = value_of(word, "machine=")) != NULL) {
        options->pc = strcmp(value, "pc") == 0;
        if (!options->pc)
            *error = "the machine that can be emulated is machine=pc";
    } else if ((value = value_of(word, "firmware=")) != NULL) {
        options->firmware = value;
    } else if ((value = value_of(word, "optionrom=")) != NULL) {
        options->option_rom = value;
    } else if ((value = value_of(word, "cd=")) != NULL) {
        options->cd = value;
    } else if ((value = value_of(word, "floppy=")) != NULL) {
        options->floppy = value;
    } else if (strcmp(word, "vmbus") == 0 && options->pc) {
        options->vmbus = true;
    } else if (value_of(word, "boot=") != NULL && options->pc) {
        options->words[options->word_count++] = word;
    } else {
        return false;
    }
    return true;
}

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
    else if ((value = value_of(word, "disk=")) != NULL)
        add_value(options->disks, &options->disk_count, SCSI_CONTROLLER_DISKS, value, error);
    else if ((value = value_of(word, "switch=")) != NULL)
        add_value(options->switches, &options->switch_count, NETWORK_ADAPTERS_MAX, value, error);
    else if (value_of(word, "vps=") != NULL || value_of(word, "memory=") != NULL ||
             value_of(word, "fault=") != NULL)
        options->words[options->word_count++] = word;
    else
        return take_machine_option(options, word, error);
    return true;
}

/* What does not go together; NULL: all does. */
static const char *find_contradiction(const struct child_options *options, bool has_words)
{
    if (options->name != NULL &&
        (*options->name == '\0' || strlen(options->name) >= CHILD_NAME_SIZE))
        return "a name has 1 to 15 characters";
    if (!options->pc && (options->firmware != NULL || options->option_rom != NULL ||
                         options->cd != NULL || options->floppy != NULL))
        return "firmware=, optionrom=, cd= and floppy= are for machine=pc";
    if (options->pc && (options->kernel != NULL || options->initrd != NULL))
        return "machine=pc has firmware, which loads the kernel: leave out kernel= and initrd=";
    if (options->pc && has_words)
        return "machine=pc takes no words for a kernel: its firmware loads that";
    return NULL;
}

/* Sorts the words. Those from "--", "cmdline=" or the first unknown one on are the child's. */
static bool read_options(unsigned count, char **arguments, struct child_options *options)
{
    static char separator[] = "--";
    const char *error = NULL;
    unsigned i = 1;
    *options = (struct child_options){.word_count = OWN_WORDS};
    while (i < count && error == NULL && take_option(options, arguments[i], &error))
        i++;
    if (error == NULL)
        error = find_contradiction(options, i < count);
    if (error != NULL)
        return command_failed(arguments[0], NULL, "%s", error);
    if (options->pc)
        return true;
    if (i < count && strcmp(arguments[i], separator) == 0)
        i++;
    options->words[options->word_count++] = separator;
    for (; i < count; i++) {
        char *line = value_of(arguments[i], "cmdline=");
        options->words[options->word_count++] = line != NULL ? line : arguments[i];
    }
    return true;
}

/* The CD first: it has its position. */
static bool open_drives(const char *command, const struct child_options *options,
                        struct child_plan *plan)
{
    if (options->cd != NULL && !child_drives_add_cd(command, &plan->drives, options->cd))
        return false;
    if (options->floppy != NULL &&
        !child_drives_add_floppy(command, &plan->drives, options->floppy))
        return false;
    for (unsigned i = 0; i < options->disk_count; i++)
        if (!child_drives_add_disk(command, &plan->drives, options->disks[i]))
            return false;
    return true;
}

/* What its network cards are connected to. */
static bool open_ports(const char *command, const struct child_options *options,
                       struct child_plan *plan)
{
    for (unsigned i = 0; i < options->switch_count; i++) {
        struct object *port = network_port_create(command, options->switches[i], i);
        if (port == NULL)
            return false;
        plan->ports[plan->port_count++] = port;
    }
    return true;
}

/* The controller of its disks: those at the paths, or the hard disks of an emulated machine. */
static struct channel_device *create_controller(const char *command,
                                                const struct child_options *options,
                                                const struct child_plan *plan)
{
    struct vdisk *disks[SCSI_CONTROLLER_DISKS];
    if (!options->pc)
        return scsi_controller_create(command, options->disks, options->disk_count);
    unsigned count = child_drives_share(&plan->drives, disks, SCSI_CONTROLLER_DISKS);
    return scsi_controller_create_shared(command, disks, count);
}

static bool open_controller(const char *command, const struct child_options *options,
                            struct child_plan *plan)
{
    if (options->disk_count == 0)
        return true;
    plan->controller = create_controller(command, options, plan);
    if (plan->controller == NULL)
        return false;
    plan->devices[plan->device_count++] = plan->controller;
    return true;
}

/* Those on its bus. */
static bool open_devices(const char *command, const struct child_options *options,
                         struct child_plan *plan)
{
    if (!open_controller(command, options, plan))
        return false;
    for (unsigned i = 0; i < options->switch_count; i++) {
        struct channel_device *device = network_adapter_create(command, options->switches[i], i);
        if (device == NULL)
            return false;
        plan->devices[plan->device_count++] = device;
    }
    return true;
}

/* With the bus, a system that knows it finds the hard disks there, too, and its network adapters
 * only there. */
static bool open_machine(const char *command, const struct child_options *options,
                         struct child_plan *plan)
{
    if (!open_drives(command, options, plan))
        return false;
    return options->vmbus ? open_devices(command, options, plan)
                          : open_ports(command, options, plan);
}

/* The worker's words, but for those about drives. Without devices= an emulated machine has no bus.
 */
static bool write_words(const char *command, struct child_options *options, struct child_plan *plan)
{
    static char name[] = WORKER, machine[] = "machine=pc";
    char file[WORD_SIZE], initrd[WORD_SIZE], devices[WORD_SIZE];

    snprintf(file, sizeof(file), "%s=%zu", options->pc ? "firmware" : "kernel", plan->kernel.size);
    snprintf(initrd, sizeof(initrd), "%s=%zu", options->pc ? "optionrom" : "initrd",
             plan->initrd.size);
    snprintf(devices, sizeof(devices), "devices=%u", plan->device_count);
    char *own[OWN_WORDS] = {name};
    unsigned count = 1;
    if (options->pc)
        own[count++] = machine;
    own[count++] = file;
    if (plan->initrd.size > 0)
        own[count++] = initrd;
    if (!options->pc || options->vmbus)
        own[count++] = devices;
    unsigned unused = OWN_WORDS - count;
    char **words = options->words + unused;
    memcpy(words, own, count * sizeof(own[0]));
    plan->words_size =
        program_join_words(options->word_count - unused, words, plan->words, sizeof(plan->words));
    return plan->words_size > 0 || command_failed(command, NULL, "the words are too long");
}

/* False: a part is missing, which has been said. What is there is in @plan. */
static bool make_plan(const char *command, struct child_options *options, struct child_plan *plan)
{
    const char *image = options->pc ? FIRMWARE_MODULE : demo_kernel();
    const char *second = options->pc ? options->option_rom : options->initrd;
    *plan = (struct child_plan){.emulated = options->pc};
    if (options->firmware != NULL)
        image = options->firmware;
    if (options->kernel != NULL)
        image = options->kernel;
    string_copy(plan->name, options->name != NULL ? options->name : WORKER, sizeof(plan->name));
    return program_file_open(command, WORKER, &plan->worker) &&
           program_file_open(command, image, &plan->kernel) &&
           (second == NULL || program_file_open(command, second, &plan->initrd)) &&
           (options->pc ? open_machine(command, options, plan)
                        : open_devices(command, options, plan)) &&
           write_words(command, options, plan);
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
     "[memory=MiB] [fault=SECONDS] [cmdline=\"WORDS\" | WORD...]; or child machine=pc [name=NAME] "
     "[firmware=FILE] "
     "[optionrom=FILE] [disk=PATH...] [cd=PATH|empty] [floppy=PATH|empty] [switch=NAME[,MAC]...] "
     "[vps=N] "
     "[memory=MiB] [boot=ORDER] [vmbus] [fault=SECONDS]",
     "runs a kernel (Linux bzImage or ELF; the demo kernel if none is given) in a child partition, "
     "with disks (images or devices), network adapters, and the words as its command line; or an "
     "emulated PC, whose firmware boots it from the drives in the order of boot= (c disk, d CD, a "
     "floppy, n network), with vmbus also offering the disks and adapters on a bus; the "
     "terminal is its serial port, ^] ends it; with a name it runs in the background: see vm; with "
     "fault= its worker crashes after so many seconds, to see what comes of it",
     "child kernel=/vmlinuz initrd=/initrd memory=256 cmdline=\"console=ttyS0\"", 0,
     COMMAND_WORDS - 1, WORDS_NONE, run_child},
    {0},
};
