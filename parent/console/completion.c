#include "parent/console/completion.h"

#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/include/block.h"
#include "parent/include/net_device.h"
#include "parent/console/vm_names.h"
#include "parent/services/store.h"
#include "parent/vmms/vm_config.h"
#include "parent/vmms/vm_store.h"

struct prefix {
    char text[COMPLETION_SIZE];
    size_t length;
    completion_add_t add;
    void *list;
};

static void offer(const struct prefix *prefix, const char *candidate)
{
    if (strncmp(candidate, prefix->text, prefix->length) == 0)
        prefix->add(prefix->list, candidate);
}

static void offer_commands(const struct prefix *prefix)
{
    const struct command *command = NULL;

    while ((command = command_next(command)) != NULL)
        offer(prefix, command->name);
}

static void offer_disks(const struct prefix *prefix)
{
    struct block_device *device = NULL;

    while ((device = block_next(device)) != NULL)
        offer(prefix, device->name);
}

static void offer_nics(const struct prefix *prefix)
{
    struct net_device *device;

    for (unsigned i = 0; (device = net_device_at(i)) != NULL; i++)
        offer(prefix, device->name);
}

/* Offers the names in the directory that the prefix names up to its last slash. */
static void offer_paths(const struct prefix *prefix, struct fat_volume *volume)
{
    static struct fat_status entry; /* large, and one thread edits lines */
    char directory[COMPLETION_SIZE], candidate[COMPLETION_SIZE];
    struct fat_file *file;
    uint32_t position = 0;
    size_t base = prefix->length;

    while (base > 0 && prefix->text[base - 1] != '/')
        base--;
    string_copy(directory, prefix->text, base + 1);
    if (fat_open(volume, directory, FAT_OPEN_DIRECTORY, &file) != FS_OK)
        return;
    while (fat_read_directory(file, &position, &entry) == FS_OK) {
        size_t length = base + strlen(entry.name);
        if (length + 2 > sizeof(candidate))
            continue;
        memcpy(candidate, prefix->text, base);
        string_copy(candidate + base, entry.name, sizeof(candidate) - base);
        if (entry.attributes & FAT_DIRECTORY)
            string_copy(candidate + length, "/", 2);
        offer(prefix, candidate);
    }
    fat_close(file);
}

static void offer_machine(void *context, const char *name)
{
    offer(context, name);
}

/* Which word of @line begins at @word: 0 is the first. */
static unsigned word_number(const char *line, size_t word)
{
    unsigned number = 0;
    bool in_word = false;

    for (size_t i = 0; i < word; i++) {
        number += in_word && line[i] == ' ';
        in_word = line[i] != ' ';
    }
    return number;
}

/* Subcommands, then a machine's name, then keys of its description. */
static void offer_vm_words(struct prefix *prefix, const char *line, size_t word)
{
    unsigned number = word_number(line, word);
    const char *name;

    if (number == 2)
        vm_store_for_each(offer_machine, prefix);
    for (unsigned n = 0; number == 1 && (name = vm_subcommand_name(n)) != NULL; n++)
        offer(prefix, name);
    for (unsigned n = 0; number > 2 && (name = vm_config_key(n)) != NULL; n++)
        offer(prefix, name);
}

static enum command_words words_of(const char *line, size_t word)
{
    char name[16];
    size_t length = 0;

    while (*line == ' ' && word > 0) {
        line++;
        word--;
    }
    if (word == 0)
        return WORDS_COMMAND;
    while (line[length] != ' ' && length + 1 < sizeof(name))
        length++;
    string_copy(name, line, length + 1);
    const struct command *command = command_find(name);
    return command != NULL ? command->words : WORDS_NONE;
}

void completion_find(void *context, const char *line, size_t word, size_t cursor,
                     completion_add_t add, void *list)
{
    struct prefix prefix = {.length = cursor - word, .add = add, .list = list};
    struct fat_volume *volume;

    (void)context;
    if (prefix.length >= sizeof(prefix.text))
        return;
    string_copy(prefix.text, line + word, prefix.length + 1);
    switch (words_of(line, word)) {
    case WORDS_COMMAND:
        offer_commands(&prefix);
        break;
    case WORDS_DISK:
        offer_disks(&prefix);
        break;
    case WORDS_NIC:
        offer_nics(&prefix);
        break;
    case WORDS_PATH:
        volume = store_take();
        if (volume != NULL) {
            offer_paths(&prefix, volume);
            store_release();
        }
        break;
    case WORDS_VM:
        offer_vm_words(&prefix, line, word);
        break;
    case WORDS_NONE:
        break;
    }
}
