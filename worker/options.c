#include "worker/options.h"

#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/user/program.h"
#include "worker/machine.h"

#define DEFAULT_MEMORY 32u /* MiB */
#define LEAST_MEMORY 4u
#define MOST_MEMORY (1u << 20)

/* Whether @word is @key and a number, which goes to *@number. */
static bool take_number(const char *word, const char *key, uint64_t *number)
{
    size_t length = strlen(key);
    if (strncmp(word, key, length) != 0)
        return false;
    if (!parse_number(word + length, number))
        machine_fail("%s: %s is no number", key, word + length);
    return true;
}

/* The value if @word is @key and a value; else NULL. */
static const char *value_of(const char *word, const char *key)
{
    size_t length = strlen(key);
    return strncmp(word, key, length) == 0 ? word + length : NULL;
}

/* KIND:NUMBER, and :empty if there is no handle for it. */
static void attach(struct options *options, const char *what)
{
    static const char empty[] = ":empty";
    size_t length = strlen(what), tail = sizeof(empty) - 1;
    bool is_empty = length > tail && strcmp(what + length - tail, empty) == 0;
    if (is_empty)
        length -= tail;
    if (options->attached_count == OPTIONS_ATTACHED || length >= MACHINE_DRIVE_NAME)
        machine_fail("attach=%s: there are at most %u of them, with short names", what,
                     OPTIONS_ATTACHED);
    struct attached *attached = &options->attached[options->attached_count++];
    memcpy(attached->name, what, length);
    attached->handle = is_empty ? 0 : 1; /* its number is not known yet */
}

static bool take_word(struct options *options, const char *word)
{
    const char *value;
    if (strcmp(word, "machine=pc") == 0)
        options->pc = true;
    else if ((value = value_of(word, "boot=")) != NULL)
        options->boot = value;
    else if ((value = value_of(word, "attach=")) != NULL)
        attach(options, value);
    else if (take_number(word, "devices=", &options->devices))
        options->has_bus = true;
    else
        return take_number(word, "kernel=", &options->kernel_size) ||
               take_number(word, "firmware=", &options->kernel_size) ||
               take_number(word, "initrd=", &options->initrd_size) ||
               take_number(word, "optionrom=", &options->initrd_size) ||
               take_number(word, "vps=", &options->vps) ||
               take_number(word, "memory=", &options->memory) ||
               take_number(word, "fault=", &options->fault);
    return true;
}

/* All words together are no longer than the line. */
static void add_word(char *line, const char *word)
{
    size_t used = strlen(line);
    if (used > 0)
        line[used++] = ' ';
    string_copy(line + used, word, SYSTEM_MAX_ARGUMENTS - used);
}

/* Numbers the handles, in their order. False: there are others. */
static bool number_handles(struct options *options)
{
    uint32_t next = 1;
    options->kernel = next++;
    if (options->initrd_size > 0)
        options->initrd = next++;
    options->console = next++;
    if (options->pc)
        options->control = next++;
    for (uint32_t i = 0; i < options->attached_count; i++)
        if (options->attached[i].handle != 0)
            options->attached[i].handle = next++;
    options->first_device = next;
    return options->devices <= SYSTEM_MAX_START_HANDLES &&
           program_handle_count() == next - 1 + options->devices;
}

void options_read(int argc, char **argv, struct options *options)
{
    int i = 1;
    *options = (struct options){.vps = 1, .memory = DEFAULT_MEMORY};
    while (i < argc && take_word(options, argv[i]))
        i++;
    options->has_bus = options->has_bus || !options->pc;
    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    for (; i < argc; i++)
        add_word(options->command_line, argv[i]);
    if (options->kernel_size == 0 || !number_handles(options))
        machine_fail("there is no kernel: start it by the console's command");
    if (options->vps == 0 || options->vps > MACHINE_MAX_VPS)
        machine_fail("a child has 1 to %d VPs", MACHINE_MAX_VPS);
    if (options->memory < LEAST_MEMORY || options->memory > MOST_MEMORY)
        machine_fail("a child has %u to %u MiB", LEAST_MEMORY, MOST_MEMORY);
}

const struct attached *options_find(const struct options *options, const char *name)
{
    for (uint32_t i = 0; i < options->attached_count; i++)
        if (strcmp(options->attached[i].name, name) == 0)
            return &options->attached[i];
    return NULL;
}
