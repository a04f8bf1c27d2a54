#include "parent/vmms/vm_config.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/vmms/vm_keys.h"
#include "parent/vmms/vm_text.h"

/* The position that the CD drive of a pc has: parent/services/child_drives.h. */
#define CD_POSITION 2

bool vm_name_is_good(const char *name)
{
    size_t length = 0;
    for (; name[length] != '\0'; length++) {
        char c = name[length];
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!good || length + 1 >= VM_NAME_SIZE)
            return false;
    }
    return length > 0 && name[0] != '-';
}

/* --- What goes together --- */

static const char *check_enlightened(const struct vm_config *config)
{
    if (config->firmware[0] || config->optionrom[0] || config->cd[0] || config->floppy[0] ||
        config->boot[0])
        return "firmware, optionrom, cd, floppy and boot are for kind = pc (here, a CD is a disk.N "
               "whose "
               "image ends in .iso)";
    if (config->vmbus)
        return "vmbus is for kind = pc: the enlightened kind always has a bus";
    if (config->initrd[0] && !config->kernel[0])
        return "initrd needs a kernel";
    return NULL;
}

static const char *check_pc(const struct vm_config *config)
{
    if (config->kernel[0] || config->initrd[0] || config->cmdline[0])
        return "kernel, initrd and cmdline are for kind = enlightened: the firmware of a pc loads "
               "what is on its disks";
    for (unsigned i = VM_IDE_DISKS_MAX; i < VM_DISKS_MAX; i++)
        if (config->disks[i][0])
            return "a pc has disk.0 to disk.3";
    if (config->cd[0] && config->disks[CD_POSITION][0])
        return "cd has the place of disk.2: use disk.0, disk.1 or disk.3";
    return NULL;
}

static const char *check_disks(const struct vm_config *config)
{
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        for (unsigned k = 0; k < i && config->disks[i][0]; k++)
            if (strcmp(config->disks[i], config->disks[k]) == 0)
                return "a disk is there twice";
    return NULL;
}

const char *vm_config_check(const struct vm_config *config)
{
    const char *why = check_disks(config);
    if (why)
        return why;
    return config->kind == VM_PC ? check_pc(config) : check_enlightened(config);
}

/* --- Reading --- */

struct reader {
    struct vm_config *config;
    vm_config_report *report;
    void *context;
    unsigned line;
    bool good;
    unsigned seen[VM_SLOTS_MAX]; /* the line that has it; 0: none */
};

static void complain(struct reader *reader, const char *text)
{
    reader->good = false;
    reader->report(reader->context, reader->line, text);
}

/* Copies a part of the text; false: it is too long. */
static bool copy(char *to, size_t size, const char *from, size_t length)
{
    if (length >= size)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

static void read_setting(struct reader *reader, const char *key, const char *value)
{
    char why[VM_WHY_SIZE];
    struct vm_slot slot;
    if (*value == '\0') {
        snprintf(why, sizeof(why), "%s has no value: leave the line out for the default", key);
        complain(reader, why);
    } else if (!vm_config_set(reader->config, key, value, why)) {
        complain(reader, why);
    } else if (vm_key_find(key, &slot) && reader->seen[slot.number]) {
        snprintf(why, sizeof(why), "%s is in line %u already", key, reader->seen[slot.number]);
        complain(reader, why);
    } else {
        reader->seen[slot.number] = reader->line;
    }
}

static void read_line(struct reader *reader, const struct vm_line *line)
{
    char key[VM_KEY_SIZE], value[VM_CMDLINE_SIZE];
    for (size_t i = 0; i < line->size; i++) {
        unsigned char c = (unsigned char)line->start[i];
        if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f) {
            complain(reader, "it has a character that is no text");
            return;
        }
    }
    if (!line->key)
        return;
    if (!line->value)
        complain(reader, "it is neither \"key = value\" nor a comment with # at its start");
    else if (!copy(key, sizeof(key), line->key, line->key_length))
        complain(reader, "the key is too long to be one");
    else if (!copy(value, sizeof(value), line->value, line->value_length))
        complain(reader, "the value is too long");
    else
        read_setting(reader, key, value);
}

bool vm_config_parse(const char *text, size_t size, struct vm_config *config,
                     vm_config_report *report, void *context)
{
    struct reader reader = {config, report, context, .good = true};
    struct vm_line line;
    vm_config_init(config);
    if (size >= VM_TEXT_SIZE) {
        complain(&reader, "the file is too large for a configuration");
        return false;
    }
    for (; size > 0; text += line.size, size -= line.size) {
        vm_line_read(text, size, &line);
        reader.line++;
        read_line(&reader, &line);
    }
    reader.line = 0;
    const char *why = reader.good ? vm_config_check(config) : NULL;
    if (why)
        complain(&reader, why);
    return reader.good;
}
