#include "parent/vmms/vm_edit.h"

#include "lib/cmdline.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/services/network.h"
#include "parent/services/store.h"
#include "parent/services/store_files.h"
#include "parent/vdisk/image_tools.h"
#include "parent/vmms/vm.h"
#include "parent/vmms/vm_store.h"

#define MAC_TRIES 16
#define MAC_PREFIX "02:15:5d" /* locally administered; the second byte is not 0: switch_plug.c */
#define VALUE_SIZE VM_CMDLINE_SIZE
#define TEXT_START "# vm help keys lists what can be here, docs/manual.md explains it.\n"

static const struct {
    const char *name, *summary, *text;
} templates[] = {
    {"demo", "the demo kernel, which tests a partition", "cmdline = test\n"},
    {"linux", "a Linux kernel from the store's /vmlinuz and /initrd",
     "memory = 192\nkernel = /vmlinuz\ninitrd = /initrd\ncmdline = console=ttyS0\n"},
    {"pc", "a PC with firmware that boots from disk, CD, floppy", "kind = pc\nboot = cda\n"},
};

#define TEMPLATE_COUNT (sizeof(templates) / sizeof(templates[0]))

const char *vm_template(unsigned n, const char **summary)
{
    if (n >= TEMPLATE_COUNT)
        return NULL;
    *summary = templates[n].summary;
    return templates[n].name;
}

/* What is being changed. One thread runs commands. */
struct change {
    const char *command, *name;
    const char *suffix; /* of the folder that the files are in meanwhile */
    char text[VM_TEXT_SIZE];
    struct vm_config config;
    uint64_t sizes[VM_DISKS_MAX]; /* bytes of disks to make; 0: none */
};

static struct change change;

/* --- Addresses --- */

struct search {
    const char *mac;
    bool found;
};

static const char *mac_of(const char *nic)
{
    while (*nic != '\0' && *nic != ',')
        nic++;
    return *nic == ',' ? nic + 1 : NULL;
}

static bool has_mac(const struct vm_config *config, const char *mac)
{
    for (unsigned i = 0; i < VM_NICS_MAX; i++) {
        const char *other = mac_of(config->nics[i]);
        if (other && strcmp(other, mac) == 0)
            return true;
    }
    return false;
}

static void look_for_mac(void *context, const char *name)
{
    static char text[VM_TEXT_SIZE];
    static struct vm_config config;
    struct search *search = context;
    if (vm_store_load(NULL, name, text, &config) && has_mac(&config, search->mac))
        search->found = true;
}

/* An address that no machine has. */
static bool make_mac(char *mac, size_t size)
{
    for (unsigned i = 0; i < MAC_TRIES; i++) {
        uint32_t number = network_random();
        struct search search = {.mac = mac};
        snprintf(mac, size, MAC_PREFIX ":%02x:%02x:%02x", number & 0xff, number >> 8 & 0xff,
                 number >> 16 & 0xff);
        vm_store_for_each(look_for_mac, &search);
        if (!search.found && !has_mac(&change.config, mac))
            return true;
    }
    return false;
}

/* Adds an address to the name of a switch: that which the adapter has, or a new one. */
static bool complete_nic(const char *key, char value[VALUE_SIZE])
{
    char mac[24];
    unsigned index = (unsigned)(key[strlen(key) - 1] - '0');
    const char *old = mac_of(change.config.nics[index]);
    size_t length = strlen(value);
    if (mac_of(value) || length + sizeof(mac) >= VALUE_SIZE)
        return true;
    if (!old && !make_mac(mac, sizeof(mac)))
        return command_failed(change.command, NULL, "no free address was found");
    snprintf(value + length, VALUE_SIZE - length, ",%s", old ? old : mac);
    return true;
}

/* --- Settings --- */

/* If @value is a size, notes that a disk has to be made, and makes it the disk's path. */
static void take_size(const char *key, char value[VALUE_SIZE])
{
    char file[16], path[VM_FILE_PATH_SIZE];
    unsigned index = (unsigned)(key[strlen(key) - 1] - '0');
    uint64_t size;
    change.sizes[index] = 0;
    if (!parse_size(value, &size) || size == 0)
        return;
    change.sizes[index] = size;
    snprintf(file, sizeof(file), "disk%u.vhd", index);
    vm_store_path(change.name, "", file, path);
    string_copy(value, path, VALUE_SIZE);
}

static bool complete_value(const char *key, char value[VALUE_SIZE])
{
    if (strncmp(key, "disk.", 5) == 0)
        take_size(key, value);
    else if (strncmp(key, "nic.", 4) == 0 && value[0] != '\0')
        return complete_nic(key, value);
    return true;
}

/* Whether @value is as a file would give it back. */
static bool fits_line(const char *value)
{
    size_t length = strlen(value);
    return length == 0 || (value[0] != ' ' && value[length - 1] != ' ');
}

static bool apply(const char *word)
{
    char key[VM_KEY_SIZE], value[VALUE_SIZE], why[VM_WHY_SIZE];
    size_t length = 0;
    while (word[length] != '\0' && word[length] != '=')
        length++;
    if (word[length] == '\0' || length >= sizeof(key) || strlen(word + length) > sizeof(value))
        return command_failed(change.command, "vm help keys lists the keys", "%s: say KEY=VALUE",
                              word);
    string_copy(key, word, length + 1);
    string_copy(value, word + length + 1, sizeof(value));
    /* The key is checked before its value is completed. */
    if (!vm_config_has_key(key, why))
        return command_failed(change.command, NULL, "%s", why);
    if (!complete_value(key, value))
        return false;
    if (!vm_config_set(&change.config, key, value, why))
        return command_failed(change.command, NULL, "%s", why);
    if (!fits_line(value))
        return command_failed(change.command, NULL, "%s: a value has no space at its ends", key);
    return vm_text_set(change.text, key, value) ||
           command_failed(change.command, NULL, "the description is too long");
}

/* The adapters of a template get addresses. */
static bool complete_nics(void)
{
    char word[VM_NIC_SIZE + sizeof("nic.0=")];
    for (unsigned i = 0; i < VM_NICS_MAX; i++) {
        if (change.config.nics[i][0] == '\0')
            continue;
        snprintf(word, sizeof(word), "nic.%u=%s", i, change.config.nics[i]);
        if (!apply(word))
            return false;
    }
    return true;
}

static bool apply_all(unsigned count, char **settings)
{
    for (unsigned i = 0; i < count; i++)
        if (!apply(settings[i]))
            return false;
    const char *why = vm_config_check(&change.config);
    return !why || command_failed(change.command, NULL, "%s", why);
}

/* --- Disks --- */

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    terminal_progress("making a disk", done, total);
    return !terminal_interrupted();
}

static void disk_path(unsigned index, char path[VM_FILE_PATH_SIZE])
{
    char file[16];
    snprintf(file, sizeof(file), "disk%u.vhd", index);
    vm_store_path(change.name, change.suffix, file, path);
}

/* Those below @limit that have been made. */
static void remove_disks(unsigned limit)
{
    char path[VM_FILE_PATH_SIZE];
    for (unsigned i = 0; i < limit; i++) {
        if (change.sizes[i] == 0)
            continue;
        disk_path(i, path);
        struct fat_volume *volume = store_take();
        if (!volume)
            return;
        fat_remove(volume, path);
        store_release();
    }
}

/* All or none. */
static bool make_disks(void)
{
    const struct image_progress progress = {show_progress, NULL};
    char path[VM_FILE_PATH_SIZE];
    for (unsigned i = 0; i < VM_DISKS_MAX; i++) {
        if (change.sizes[i] == 0)
            continue;
        disk_path(i, path);
        const char *error = image_create(path, IMAGE_DYNAMIC, change.sizes[i], &progress);
        terminal_progress_end();
        if (!error)
            continue;
        remove_disks(i);
        return command_failed(change.command, NULL, "disk.%u: %s", i, error);
    }
    return true;
}

/* --- Making --- */

/* The text to begin with. */
static bool read_template(const char *template)
{
    size_t size = 0, start = strlen(TEXT_START);
    string_copy(change.text, TEXT_START, sizeof(change.text));
    if (!template)
        return true;
    for (unsigned i = 0; i < TEMPLATE_COUNT; i++) {
        if (strcmp(template, templates[i].name) != 0)
            continue;
        string_copy(change.text + start, templates[i].text, sizeof(change.text) - start);
        return true;
    }
    if (template[0] != '/')
        return command_failed(change.command,
                              "vm help templates lists them, or say the path of a file",
                              "%s: there is no such template", template);
    int error = store_read_file(template, change.text, sizeof(change.text) - 1, &size);
    change.text[size] = '\0';
    return error == FS_OK ||
           command_failed(change.command, NULL, "%s: %s", template, fs_error_text(error));
}

struct report {
    const char *command, *file;
};

static void print_problem(void *context, unsigned line, const char *text)
{
    const struct report *report = context;
    command_failed(report->command, NULL, "%s:%u: %s", report->file, line, text);
}

static void begin(const char *command, const char *name, const char *suffix)
{
    memset(&change, 0, sizeof(change));
    change.command = command;
    change.name = name;
    change.suffix = suffix;
}

/* The files of the machine, in a folder that is not its yet. */
static bool make_files(void)
{
    if (!vm_store_begin(change.command, change.name))
        return false;
    if (make_disks() && vm_store_finish(change.command, change.name, change.text))
        return true;
    vm_store_abandon(change.name);
    return false;
}

bool vm_create(const char *command, const char *name, const char *template, unsigned count,
               char **settings)
{
    struct report report = {command, template};
    if (!vm_name_is_good(name))
        return command_failed(command, "Names are 1 to 15 of a-z, 0-9, - and _", "%s: no name",
                              name);
    if (vm_store_exists(name))
        return command_failed(command, "vm edit changes it", "%s: there is such a machine", name);
    begin(command, name, VM_NEW);
    if (!read_template(template) ||
        !vm_config_parse(change.text, strlen(change.text), &change.config, print_problem,
                         &report) ||
        !complete_nics() || !apply_all(count, settings) || !make_files())
        return false;
    vm_note(name, "created");
    return true;
}

bool vm_edit(const char *command, const char *name, unsigned count, char **settings)
{
    if (!vm_store_exists(name))
        return command_failed(command, "vm list shows all", "%s: there is no such machine", name);
    begin(command, name, "");
    if (!vm_store_read(command, name, change.text))
        return false;
    /* What is wrong now may be what is being corrected. */
    vm_store_check(NULL, name, change.text, &change.config);
    for (unsigned i = 0; i < count; i++)
        if (!apply(settings[i]))
            return false;
    if (!vm_store_check(command, name, change.text, &change.config) || !make_disks())
        return false;
    if (!vm_store_save(command, name, change.text)) {
        remove_disks(VM_DISKS_MAX);
        return false;
    }
    if (vm_is_running(name))
        terminal_print("%s runs: it will be so when it is started again\n", name);
    return true;
}
