#include "parent/console/vm_manage.h"

#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/vmms/vm.h"
#include "parent/vmms/vm_edit.h"
#include "parent/vmms/vm_store.h"

#define TIMEOUT_MAX 3600u

static bool unknown_option(const char *command, const char *option)
{
    return command_failed(command, "vm help lists what there is", "%s: there is no such option",
                          option);
}

bool vm_run_create(unsigned count, char **arguments)
{
    const char *template = NULL;
    char *settings[COMMAND_WORDS];
    unsigned setting_count = 0;
    for (unsigned i = 3; i < count; i++) {
        if (strcmp(arguments[i], "--template") == 0 && i + 1 < count)
            template = arguments[++i];
        else if (arguments[i][0] == '-')
            return unknown_option(arguments[0], arguments[i]);
        else
            settings[setting_count++] = arguments[i];
    }
    if (!vm_create(arguments[0], arguments[2], template, setting_count, settings))
        return false;
    terminal_print("%s is there: vm start %s starts it, vm show %s says what it has\n",
                   arguments[2], arguments[2], arguments[2]);
    return true;
}

bool vm_run_edit(unsigned count, char **arguments)
{
    return vm_edit(arguments[0], arguments[2], count - 3, arguments + 3);
}

/* Whether a person says yes. */
static bool confirm(const char *name, bool disks)
{
    terminal_print("Delete %s%s? y or n ", name, disks ? " and everything in its folder" : "");
    int key = terminal_key();
    terminal_print("%c\n", key >= ' ' && key <= '~' ? key : ' ');
    return key == 'y' || key == 'Y';
}

/* Disks that are not in its folder. */
static void name_other_disks(const char *name, const struct vm_config *config)
{
    char folder[VM_FILE_PATH_SIZE];
    vm_store_path(name, "", "x", folder);
    size_t length = strlen(folder) - 1;
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        if (config->disks[i][0] != '\0' && strncmp(config->disks[i], folder, length) != 0)
            terminal_print("%s is not in its folder: it stays\n", config->disks[i]);
}

static bool delete (const char *command, const char *name, bool disks)
{
    static char text[VM_TEXT_SIZE];
    static struct vm_config config;
    bool kept, known = vm_store_load(NULL, name, text, &config);
    if (!vm_store_delete(command, name, disks, &kept))
        return false;
    vm_forget(name);
    if (kept)
        terminal_print("%s is deleted; its disks are still in " VM_FOLDER "/%s\n", name, name);
    else
        terminal_print("%s is deleted\n", name);
    if (disks && known)
        name_other_disks(name, &config);
    return true;
}

bool vm_run_delete(unsigned count, char **arguments)
{
    const char *command = arguments[0], *name = arguments[2];
    bool disks = false, yes = false;
    for (unsigned i = 3; i < count; i++) {
        if (strcmp(arguments[i], "--disks") == 0)
            disks = true;
        else if (strcmp(arguments[i], "--yes") == 0)
            yes = true;
        else
            return unknown_option(command, arguments[i]);
    }
    if (!vm_store_exists(name))
        return command_failed(command, "vm list shows all", "%s: there is no such machine", name);
    if (vm_is_running(name))
        return command_failed(command, "vm stop or vm kill ends it", "%s runs", name);
    if (!yes && !confirm(name, disks))
        return command_failed(command, NULL, "%s is not deleted", name);
    return delete (command, name, disks);
}

bool vm_run_start(unsigned count, char **arguments)
{
    const char *name = arguments[2];
    (void)count;
    if (!vm_start(arguments[0], name))
        return false;
    terminal_print("%s is started: vm console %s is its serial port, vm log %s what it has said\n",
                   name, name, name);
    return true;
}

bool vm_run_stop(unsigned count, char **arguments)
{
    const char *command = arguments[0];
    uint64_t timeout = 0;
    bool force = false;
    for (unsigned i = 3; i < count; i++) {
        if (strcmp(arguments[i], "--force") == 0)
            force = true;
        else if (strcmp(arguments[i], "--timeout") != 0)
            return unknown_option(command, arguments[i]);
        else if (++i == count || !parse_number(arguments[i], &timeout) || timeout == 0 ||
                 timeout > TIMEOUT_MAX)
            return command_failed(command, NULL, "--timeout needs seconds, at most %u",
                                  TIMEOUT_MAX);
    }
    return vm_stop(command, arguments[2], (uint32_t)timeout, force);
}

bool vm_run_restart(unsigned count, char **arguments)
{
    (void)count;
    return vm_restart(arguments[0], arguments[2]);
}

bool vm_run_kill(unsigned count, char **arguments)
{
    (void)count;
    return vm_kill(arguments[0], arguments[2]);
}
