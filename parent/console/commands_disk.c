/* Commands on files that hold virtual disks. */
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/vdisk.h"
#include "parent/vdisk/image_tools.h"

static const char *const kind_names[] = {
    [IMAGE_RAW] = "raw", [IMAGE_FIXED] = "fixed", [IMAGE_DYNAMIC] = "dynamic"};

#define KIND_COUNT (sizeof(kind_names) / sizeof(kind_names[0]))

static bool step(void *context, uint64_t done, uint64_t total)
{
    terminal_progress(context, done, total);
    return !terminal_interrupted();
}

/* What the command does, for the bar. */
static struct image_progress progress_of(char *what)
{
    return (struct image_progress){step, what};
}

static bool failed(const char *path, const char *error)
{
    return command_failed("disk", NULL, "%s: %s", path, error);
}

/* The kind that the word names; without one what suits the name: a dynamic VHD or a raw image. */
static bool read_kind(const char *word, const char *path, enum image_kind *kind)
{
    *kind = vdisk_is_vhd_name(path) ? IMAGE_DYNAMIC : IMAGE_RAW;
    if (word == NULL)
        return true;
    for (unsigned i = 0; i < KIND_COUNT; i++) {
        if (strcmp(word, kind_names[i]) == 0) {
            *kind = (enum image_kind)i;
            return true;
        }
    }
    return command_failed("disk", "The kinds are fixed, dynamic and raw", "%s: no such kind", word);
}

static void print_size(const char *what, uint64_t bytes)
{
    terminal_print("%-12s %llu bytes (%llu MiB)\n", what, (unsigned long long)bytes,
                   (unsigned long long)bytes >> 20);
}

static void print_identity(const uint8_t identity[16])
{
    terminal_print("%-12s ", "identity");
    for (unsigned i = 0; i < 16; i++)
        terminal_print("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", identity[i]);
    terminal_print("\n");
}

static void print_description(const struct image_description *description)
{
    terminal_print("%-12s %s%s\n", "kind", kind_names[description->kind],
                   description->kind == IMAGE_RAW ? "" : " VHD");
    print_size("disk", description->disk_size);
    print_size("file", description->file_size);
    if (description->kind != IMAGE_RAW)
        print_identity(description->identity);
    if (description->kind == IMAGE_DYNAMIC)
        terminal_print("%-12s %u of %u in the file, %u KiB each\n", "blocks",
                       description->allocated, description->blocks, description->block_size >> 10);
    if (description->footer_damaged)
        terminal_print("The footer at the end is damaged; its copy at the start is good. It is "
                       "written again when the disk is used.\n");
}

static bool create(unsigned count, char **words)
{
    struct image_progress progress = progress_of("writing");
    enum image_kind kind;
    uint64_t size;

    if (count < 3 || count > 4)
        return command_failed("disk", NULL, "create needs a path and a size");
    if (!parse_size(words[2], &size))
        return command_failed("disk", "Say for example 512M, 4G or 10240K", "%s: no size",
                              words[2]);
    if (!read_kind(count > 3 ? words[3] : NULL, words[1], &kind))
        return false;
    const char *error = image_create(words[1], kind, size, &progress);
    terminal_progress_end();
    return error == NULL || failed(words[1], error);
}

static bool info(unsigned count, char **words)
{
    struct image_description description;

    if (count != 2)
        return command_failed("disk", NULL, "info needs a path");
    const char *error = image_describe(words[1], &description);
    if (error != NULL)
        return failed(words[1], error);
    print_description(&description);
    return true;
}

static bool check(unsigned count, char **words)
{
    struct image_progress progress = progress_of("checking");
    struct image_description found;

    if (count != 2)
        return command_failed("disk", NULL, "check needs a path");
    const char *error = image_check(words[1], &progress, &found);
    terminal_progress_end();
    if (error != NULL)
        return failed(words[1], error);
    print_description(&found);
    if (found.kind == IMAGE_DYNAMIC)
        terminal_print("%u orphan blocks, %u blocks partly filled, %llu KiB of room at the end\n",
                       found.orphans, found.partly_filled, (unsigned long long)found.room >> 10);
    if (found.copy_differs)
        return failed(words[1],
                      "the footer's copy at the start is damaged or another one: the disk "
                      "can be used, but convert it to a new file");
    if (found.footer_damaged)
        return failed(words[1], "the footer at the end is damaged");
    terminal_print(found.kind == IMAGE_RAW ? "A raw image has no structures to check.\n"
                                           : "All structures are good.\n");
    return true;
}

static bool convert(unsigned count, char **words)
{
    struct image_progress progress = progress_of("converting");
    enum image_kind kind;

    if (count < 3 || count > 4)
        return command_failed("disk", NULL, "convert needs two paths");
    if (!read_kind(count > 3 ? words[3] : NULL, words[2], &kind))
        return false;
    const char *error = image_convert(words[1], words[2], kind, &progress);
    terminal_progress_end();
    return error == NULL || command_failed("disk", NULL, "%s to %s: %s", words[1], words[2], error);
}

static bool run_disk(unsigned count, char **arguments)
{
    static const struct {
        const char *name;
        bool (*run)(unsigned count, char **words); /* words[0] is the name */
    } actions[] = {{"create", create}, {"info", info}, {"check", check}, {"convert", convert}};

    for (unsigned i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(arguments[1], actions[i].name) == 0)
            return actions[i].run(count - 1, arguments + 1);
    return command_failed("disk", "help disk says more", "%s: say create, info, check or convert",
                          arguments[1]);
}

const struct command disk_commands[] = {
    {"disk", "create PATH SIZE [KIND] | info PATH | check PATH | convert FROM TO [KIND]",
     "makes, describes, checks and converts virtual disks: dynamic or fixed VHDs, or raw images",
     "disk create /vms/a.vhd 20G dynamic", 2, 4, WORDS_PATH, run_disk},
    {0},
};
