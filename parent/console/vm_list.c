#include "parent/console/vm_list.h"

#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/time.h"
#include "parent/services/child.h"
#include "parent/services/child_end.h"
#include "parent/services/store.h"
#include "parent/vmms/vm.h"
#include "parent/vmms/vm_store.h"

#define LOG_LINES 40u
#define LOG_TAIL 16384u

static const char *const kinds[] = {"enlightened", "pc"};

/* One thread runs commands. */
static char text[VM_TEXT_SIZE];
static struct vm_config config;

/* --- JSON --- */

static bool json;
static bool json_first; /* nothing is before the next element */

static void json_text(const char *value)
{
    terminal_print("\"");
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            terminal_print("\\%c", *value);
        else if ((unsigned char)*value < ' ')
            terminal_print("\\u%04x", (unsigned)*value);
        else
            terminal_print("%c", *value);
    }
    terminal_print("\"");
}

static void json_key(const char *key)
{
    terminal_print("%s", json_first ? "" : ", ");
    json_first = false;
    json_text(key);
    terminal_print(": ");
}

static void json_member(const char *key, const char *value)
{
    json_key(key);
    json_text(value);
}

static void json_open(const char *name, const struct vm_status *status)
{
    terminal_print("{");
    json_first = true;
    json_member("name", name);
    json_member("state", vm_state_text(status->state));
    json_member("reason", status->reason);
}

static bool wants_json(unsigned count, char **arguments, unsigned at)
{
    return count > at && strcmp(arguments[at], "--json") == 0;
}

/* --- All --- */

/* The last column. */
static void print_note(const char *name, const struct vm_status *status)
{
    uint64_t age;
    struct child *child = vm_is_running(name) ? child_find(name) : NULL;
    if (child && child_heartbeat(child, &age) == SYSTEM_OK)
        terminal_print("  last heartbeat %lu ms ago", age / 1000);
    else if (status->reason[0] != '\0')
        terminal_print("  %s", status->reason);
    if (child)
        child_put(child);
    terminal_print("\n");
}

static void list_json(const char *name, const struct vm_status *status, bool good)
{
    terminal_print("%s", json_first ? "" : ",\n ");
    json_open(name, status);
    if (good) {
        json_member("kind", kinds[config.kind]);
        json_key("processors");
        terminal_print("%u", config.processors);
        json_key("memory");
        terminal_print("%u", config.memory);
    }
    terminal_print("}");
    json_first = false;
}

static void list_machine(void *context, const char *name)
{
    struct vm_status status;
    (void)context;
    bool good = vm_store_load(NULL, name, text, &config);
    vm_get_status(name, &status);
    if (json) {
        list_json(name, &status, good);
        return;
    }
    terminal_print("%-15s  %-8s  ", name, vm_state_text(status.state));
    if (good)
        terminal_print("%-11s  %2u CPU  %5u MiB", kinds[config.kind], config.processors,
                       config.memory);
    else
        terminal_print("its vm.conf is not good: vm show %s says why", name);
    print_note(name, &status);
}

/* A child that is no machine of the service's. */
static void list_child(struct child *child)
{
    char reason[VM_WHY_SIZE];
    struct system_process_end end;
    uint64_t age;
    const char *name = child_name(child);
    if (vm_is_running(name))
        return;
    if (child_wait(child, &end, 0)) {
        bool failed = child_end_failed(&end, reason, sizeof(reason));
        terminal_print("%-15s  has %s%s\n", name, failed ? "failed: " : "ended",
                       failed ? reason : "");
    } else if (child_heartbeat(child, &age) == SYSTEM_OK) {
        terminal_print("%-15s  running, last heartbeat %lu ms ago\n", name, age / 1000);
    } else {
        terminal_print("%-15s  running\n", name);
    }
}

bool vm_list_all(unsigned count, char **arguments)
{
    json = wants_json(count, arguments, 2);
    if (count > 2 && !json)
        return command_failed(arguments[0], "It takes --json only", "%s: not so", arguments[2]);
    json_first = true;
    terminal_print("%s", json ? "[" : "");
    vm_store_for_each(list_machine, NULL);
    if (json)
        terminal_print("]\n");
    else
        child_for_each(list_child);
    return true;
}

/* --- One --- */

bool vm_show(unsigned count, char **arguments)
{
    static char value[VM_CMDLINE_SIZE];
    const char *name = arguments[2];
    char key[VM_KEY_SIZE];
    struct vm_status status;
    bool number;
    json = wants_json(count, arguments, 3);
    if (count > 3 && !json)
        return command_failed(arguments[0], "It takes --json only", "%s: not so", arguments[3]);
    if (!vm_store_exists(name))
        return command_failed(arguments[0], "vm list shows all", "%s: there is no such machine",
                              name);
    if (!vm_store_load(arguments[0], name, text, &config))
        return false;
    vm_get_status(name, &status);
    if (json)
        json_open(name, &status);
    else
        terminal_print("# %s is %s%s%s\n", name, vm_state_text(status.state),
                       status.reason[0] != '\0' ? ": " : "", status.reason);
    for (unsigned n = 0; vm_config_get(&config, n, key, value, &number); n++) {
        if (!json) {
            terminal_print("%s = %s\n", key, value);
            continue;
        }
        json_key(key);
        if (number)
            terminal_print("%s", value);
        else
            json_text(value);
    }
    terminal_print("%s", json ? "}\n" : "");
    return true;
}

/* --- The log --- */

/* The end of the file at @path: its length; negative: an error. */
static int64_t read_tail(const char *path, char *tail, size_t size)
{
    struct fat_file *file;
    size_t done = 0;
    struct fat_volume *volume = store_take();
    if (!volume)
        return FS_NOT_FOUND;
    int error = fat_open(volume, path, 0, &file);
    if (error == FS_OK) {
        uint32_t end = fat_file_size(file);
        error = fat_read(file, end > size ? end - size : 0, tail, size, &done);
        fat_close(file);
    }
    store_release();
    return error != FS_OK ? error : (int64_t)done;
}

bool vm_print_log(unsigned count, char **arguments)
{
    static char tail[LOG_TAIL];
    const char *name = arguments[2];
    char path[VM_FILE_PATH_SIZE];
    uint64_t lines = LOG_LINES;
    if (count > 3 && (!parse_number(arguments[3], &lines) || lines == 0))
        return command_failed(arguments[0], NULL, "%s: say a number of lines", arguments[3]);
    if (!vm_store_exists(name))
        return command_failed(arguments[0], "vm list shows all", "%s: there is no such machine",
                              name);
    vm_flush_log(name);
    vm_store_path(name, "", "log", path);
    int64_t length = read_tail(path, tail, sizeof(tail));
    if (length < 0)
        return command_failed(arguments[0], NULL, "%s: %s", path, fs_error_text((int)length));
    int64_t start = length;
    while (start > 0 && (start == length || tail[start - 1] != '\n' || --lines > 0))
        start--;
    for (int64_t i = start; i < length; i++) /* it is a file: anybody may have written it */
        if (tail[i] != '\n' && tail[i] != '\t' && (tail[i] < ' ' || tail[i] > '~'))
            tail[i] = '?';
    terminal_write(tail + start, (size_t)(length - start));
    return true;
}
