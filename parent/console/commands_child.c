/* Commands on child partitions. */
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/program_file.h"
#include "parent/include/thread.h"
#include "parent/services/child.h"
#include "parent/services/child_plan.h"

/* The value if @word is @key and a value; else NULL. */
static char *value_of(char *word, const char *key)
{
    size_t length = strlen(key);
    return strncmp(word, key, length) == 0 ? word + length : NULL;
}

/* Puts @value into the first free place of a list of @limit. */
static void add_value(const char **list, unsigned limit, const char *value, const char **error)
{
    unsigned i = 0;
    while (i < limit && list[i] != NULL)
        i++;
    if (i == limit)
        *error = "a child has at most 8 disks and 4 network adapters";
    else
        list[i] = value;
}

_Static_assert(SCSI_CONTROLLER_DISKS == 8 && NETWORK_ADAPTERS_MAX == 4, "as the text says");

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
        add_value(options->disks, SCSI_CONTROLLER_DISKS, value, error);
    else if ((value = value_of(word, "switch=")) != NULL)
        add_value(options->switches, NETWORK_ADAPTERS_MAX, value, error);
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

/* The disks of an emulated machine have the positions that its CD leaves. */
static void leave_place_for_cd(struct child_options *options)
{
    if (!options->pc || options->cd == NULL)
        return;
    for (unsigned i = SCSI_CONTROLLER_DISKS - 1; i > CHILD_CD_POSITION; i--)
        options->disks[i] = options->disks[i - 1];
    options->disks[CHILD_CD_POSITION] = NULL;
}

/* Sorts the words. Those from "--", "cmdline=" or the first unknown one on are the child's. */
static bool read_options(unsigned count, char **arguments, struct child_options *options)
{
    static char separator[] = "--";
    const char *error = NULL;
    unsigned i = 1;
    *options = (struct child_options){.word_count = CHILD_OWN_WORDS};
    while (i < count && error == NULL && take_option(options, arguments[i], &error))
        i++;
    if (error == NULL)
        error = find_contradiction(options, i < count);
    if (error != NULL)
        return command_failed(arguments[0], NULL, "%s", error);
    leave_place_for_cd(options);
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

/* In the foreground: the terminal is its serial port, and leaving it is its end. */
static bool run_to_end(struct child *child)
{
    struct system_process_end end;
    if (!child_be_terminal(child))
        child_kill(child);
    child_wait(child, &end, WAIT_FOREVER);
    child_forget(child);
    return program_end(CHILD_WORKER, &end);
}

static bool run_child(unsigned count, char **arguments)
{
    static struct child_options options; /* one thread runs commands */
    static struct child_plan plan;
    const char *command = arguments[0], *error;

    if (!read_options(count, arguments, &options))
        return false;
    if (!child_plan_open(command, &options, &plan))
        return false;
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
