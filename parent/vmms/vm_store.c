#include "parent/vmms/vm_store.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/include/log.h"
#include "parent/services/store.h"
#include "parent/services/store_files.h"

#define CONF "vm.conf"
#define DELETED ".del"
#define LISTED_MAX 64u
#define LISTED_SIZE (VM_NAME_SIZE + 4) /* a name and a suffix */

/* The other files that are the service's own. */
static const char *const own_files[] = {"log", "log.old", CONF ".new"};

void vm_store_path(const char *name, const char *suffix, const char *file,
                   char path[VM_FILE_PATH_SIZE])
{
    snprintf(path, VM_FILE_PATH_SIZE, VM_FOLDER "/%s%s%s%s", name, suffix, file ? "/" : "",
             file ? file : "");
}

static bool failed(const char *command, const char *path, int error)
{
    return command_failed(command, error == FS_NO_SPACE ? "df shows how much is free" : NULL,
                          "%s: %s", path, fs_error_text(error));
}

/* --- Looking --- */

bool vm_store_exists(const char *name)
{
    static struct fat_status status; /* large, and one thread runs commands */
    char path[VM_FILE_PATH_SIZE];
    if (!vm_name_is_good(name))
        return false;
    vm_store_path(name, "", CONF, path);
    struct fat_volume *volume = store_take();
    if (!volume)
        return false;
    int error = fat_get_status(volume, path, &status);
    store_release();
    return error == FS_OK && !(status.attributes & FAT_DIRECTORY);
}

struct names {
    unsigned count;
    char names[LISTED_MAX][LISTED_SIZE];
};

/* Puts a name into its place among those before. */
static void insert(struct names *names, const char *name)
{
    unsigned i = names->count++;
    for (; i > 0 && strcmp(names->names[i - 1], name) > 0; i--)
        memcpy(names->names[i], names->names[i - 1], LISTED_SIZE);
    string_copy(names->names[i], name, LISTED_SIZE);
}

/* The names in the folder of machines that are short enough to be anything of ours. */
static const struct names *read_names(void)
{
    static struct names names;
    static struct fat_status status;
    struct fat_file *folder;
    uint32_t position = 0;
    names.count = 0;
    struct fat_volume *volume = store_take();
    if (!volume)
        return &names;
    if (fat_open(volume, VM_FOLDER, FAT_OPEN_DIRECTORY, &folder) == FS_OK) {
        while (names.count < LISTED_MAX && fat_read_directory(folder, &position, &status) == FS_OK)
            if (strlen(status.name) < LISTED_SIZE)
                insert(&names, status.name);
        fat_close(folder);
    }
    store_release();
    return &names;
}

void vm_store_for_each(void (*function)(void *context, const char *name), void *context)
{
    const struct names *names = read_names();
    for (unsigned i = 0; i < names->count; i++)
        if (vm_store_exists(names->names[i]))
            function(context, names->names[i]);
}

/* --- Texts --- */

struct report {
    const char *command, *path;
};

static void print_problem(void *context, unsigned line, const char *text)
{
    const struct report *report = context;
    if (!report->command)
        return;
    if (line > 0)
        command_failed(report->command, NULL, "%s:%u: %s", report->path, line, text);
    else
        command_failed(report->command, NULL, "%s: %s", report->path, text);
}

bool vm_store_read(const char *command, const char *name, char text[VM_TEXT_SIZE])
{
    char path[VM_FILE_PATH_SIZE];
    size_t size;
    vm_store_path(name, "", CONF, path);
    int error = store_read_file(path, text, VM_TEXT_SIZE - 1, &size);
    text[size] = '\0';
    if (error == FS_OK && strlen(text) != size)
        return command &&
               command_failed(command, NULL, "%s: it has a character that is no text", path);
    return error == FS_OK || (command && failed(command, path, error));
}

bool vm_store_check(const char *command, const char *name, const char *text,
                    struct vm_config *config)
{
    char path[VM_FILE_PATH_SIZE];
    struct report report = {command, path};
    vm_store_path(name, "", CONF, path);
    return vm_config_parse(text, strlen(text), config, print_problem, &report);
}

bool vm_store_load(const char *command, const char *name, char text[VM_TEXT_SIZE],
                   struct vm_config *config)
{
    return vm_store_read(command, name, text) && vm_store_check(command, name, text, config);
}

bool vm_store_save(const char *command, const char *name, const char *text)
{
    char path[VM_FILE_PATH_SIZE];
    vm_store_path(name, "", CONF, path);
    int error = store_replace_file(path, text, strlen(text));
    return error == FS_OK || failed(command, path, error);
}

/* --- Making --- */

static int make_folder(struct fat_volume *volume, const char *path)
{
    int error = fat_make_directory(volume, VM_FOLDER);
    if (error == FS_OK || error == FS_EXISTS)
        error = fat_make_directory(volume, path);
    return error;
}

bool vm_store_begin(const char *command, const char *name)
{
    static struct fat_status status;
    char path[VM_FILE_PATH_SIZE], new_path[VM_FILE_PATH_SIZE];
    vm_store_path(name, "", NULL, path);
    vm_store_path(name, VM_NEW, NULL, new_path);
    struct fat_volume *volume = store_take();
    if (!volume)
        return command_failed(command, "The store is a FAT volume labelled VENEER",
                              "there is no store to keep machines on");
    bool taken = fat_get_status(volume, path, &status) == FS_OK;
    if (!taken)
        store_remove_tree(volume, new_path);
    int error = taken ? FS_OK : make_folder(volume, new_path);
    store_release();
    if (taken)
        return command_failed(command, "Move its files elsewhere or remove it with rm -r",
                              "%s is there already, without a machine", path);
    return error == FS_OK || failed(command, new_path, error);
}

bool vm_store_finish(const char *command, const char *name, const char *text)
{
    char path[VM_FILE_PATH_SIZE], new_path[VM_FILE_PATH_SIZE], conf[VM_FILE_PATH_SIZE];
    vm_store_path(name, "", NULL, path);
    vm_store_path(name, VM_NEW, NULL, new_path);
    vm_store_path(name, VM_NEW, CONF, conf);
    int error = store_replace_file(conf, text, strlen(text));
    struct fat_volume *volume = store_take();
    if (!volume)
        return failed(command, path, FS_NOT_FOUND);
    if (error == FS_OK)
        error = fat_rename(volume, new_path, path);
    if (error == FS_OK)
        error = fat_sync(volume);
    store_release();
    return error == FS_OK || failed(command, path, error);
}

void vm_store_abandon(const char *name)
{
    char path[VM_FILE_PATH_SIZE];
    vm_store_path(name, VM_NEW, NULL, path);
    struct fat_volume *volume = store_take();
    if (!volume)
        return;
    store_remove_tree(volume, path);
    store_release();
}

/* --- Deleting --- */

static int delete_all(struct fat_volume *volume, const char *name, const char *path)
{
    char deleted[VM_FILE_PATH_SIZE];
    vm_store_path(name, DELETED, NULL, deleted);
    int error = fat_rename(volume, path, deleted);
    if (error == FS_OK)
        error = fat_sync(volume);
    if (error == FS_OK)
        error = store_remove_tree(volume, deleted);
    return error;
}

/* The machine is gone when its vm.conf is. */
static int delete_own(struct fat_volume *volume, const char *name, const char *path, bool *kept)
{
    char file[VM_FILE_PATH_SIZE];
    vm_store_path(name, "", CONF, file);
    int error = fat_remove(volume, file);
    for (unsigned i = 0; error == FS_OK && i < sizeof(own_files) / sizeof(own_files[0]); i++) {
        vm_store_path(name, "", own_files[i], file);
        fat_remove(volume, file); /* need not be there */
    }
    *kept = error == FS_OK && fat_remove_directory(volume, path) != FS_OK;
    return error;
}

bool vm_store_delete(const char *command, const char *name, bool all, bool *kept)
{
    char path[VM_FILE_PATH_SIZE];
    *kept = false;
    vm_store_path(name, "", NULL, path);
    struct fat_volume *volume = store_take();
    if (!volume)
        return failed(command, path, FS_NOT_FOUND);
    int error = all ? delete_all(volume, name, path) : delete_own(volume, name, path, kept);
    int synced = fat_sync(volume);
    store_release();
    return (error == FS_OK && synced == FS_OK) ||
           failed(command, path, error != FS_OK ? error : synced);
}

/* --- After a power cut --- */

/* The length of the machine's name if @name is one with @suffix behind; 0: it is not. */
static size_t stem(const char *name, const char *suffix, char machine[VM_NAME_SIZE])
{
    size_t length = strlen(name), end = strlen(suffix);
    if (length <= end || length - end >= VM_NAME_SIZE || strcmp(name + length - end, suffix) != 0)
        return 0;
    string_copy(machine, name, length - end + 1);
    return vm_name_is_good(machine) ? length - end : 0;
}

static void recover(const char *name, const char *suffix, const char *what)
{
    char machine[VM_NAME_SIZE], path[VM_FILE_PATH_SIZE];
    if (stem(name, suffix, machine) == 0)
        return;
    vm_store_path(machine, suffix, NULL, path);
    struct fat_volume *volume = store_take();
    if (!volume)
        return;
    int error = store_remove_tree(volume, path);
    store_release();
    if (error == FS_OK)
        log_print(LOG_WARNING,
                  "vmms: machine %s was being %s when the system ended; what was left "
                  "of it is removed",
                  machine, what);
    else
        log_print(LOG_ERROR, "vmms: %s, which is left of a machine, cannot be removed: %s", path,
                  fs_error_text(error));
}

void vm_store_recover(void)
{
    const struct names *names = read_names();
    for (unsigned i = 0; i < names->count; i++) {
        recover(names->names[i], VM_NEW, "made");
        recover(names->names[i], DELETED, "deleted");
    }
}
