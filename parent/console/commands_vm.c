/* Commands on children that run in the background. */
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/console/vm_list.h"
#include "parent/console/vm_machine.h"
#include "parent/console/vm_manage.h"
#include "parent/console/vm_names.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/services/child.h"
#include "parent/services/scsi_controller.h"
#include "parent/vmms/vm.h"
#include "parent/vmms/vm_edit.h"

#define US_PER_SECOND 1000000u
#define START_SECONDS 60u /* that a system has to come up */
#define LOOK_INTERVAL_US 100000

/* Says how @child has ended, and forgets it. */
static bool report_end(struct child *child)
{
    struct system_process_end end;
    child_wait(child, &end, WAIT_FOREVER);
    child_forget(child);
    return program_end(child_name(child), &end);
}

static bool console(struct child *child, unsigned count, char **arguments)
{
    (void)count, (void)arguments;
    terminal_print("^] leaves the console of %s.\n", child_name(child));
    child_be_terminal(child);
    return true;
}

/* The console until the end. */
static bool wait(struct child *child, unsigned count, char **arguments)
{
    (void)count;
    if (!child_be_terminal(child))
        return command_failed(arguments[0], NULL, "%s still runs", child_name(child));
    return report_end(child);
}

/* The console shows how it goes. */
static bool shut_down(struct child *child, unsigned count, char **arguments)
{
    if (child_shutdown(child, SYSTEM_VM_POWER_OFF) != SYSTEM_OK)
        return command_failed(arguments[0], "vm kill ends it at once",
                              "%s has no driver that listens", child_name(child));
    return wait(child, count, arguments);
}

static bool restart(struct child *child, unsigned count, char **arguments)
{
    (void)count;
    if (child_shutdown(child, SYSTEM_VM_RESTART) == SYSTEM_OK)
        return true;
    return command_failed(arguments[0], NULL, "%s has no driver that listens", child_name(child));
}

static bool kill(struct child *child, unsigned count, char **arguments)
{
    struct system_process_end end;
    (void)count, (void)arguments;
    child_kill(child);
    child_wait(child, &end, WAIT_FOREVER);
    child_forget(child);
    return true;
}

static bool heartbeat(struct child *child, unsigned count, char **arguments)
{
    struct system_process_end end;
    uint64_t age, deadline = time_now() + START_SECONDS * US_PER_SECOND;
    (void)count;
    while (child_heartbeat(child, &age) != SYSTEM_OK)
        if (child_wait(child, &end, time_now() + LOOK_INTERVAL_US) || terminal_interrupted() ||
            time_now() > deadline)
            return command_failed(arguments[0], NULL, "%s has no heartbeat", child_name(child));
    terminal_print("%s: last heartbeat %lu ms ago\n", child_name(child), age / 1000);
    return true;
}

/* False, having said so, if @child was started without a disk. */
static bool has_controller(struct child *child, const char *command)
{
    return child_controller(child) != NULL ||
           command_failed(command,
                          "Start it with at least one disk=", "%s has no controller for disks",
                          child_name(child));
}

static bool attach(struct child *child, unsigned count, char **arguments)
{
    unsigned lun;
    (void)count;
    if (!has_controller(child, arguments[0]) ||
        !scsi_controller_add(arguments[0], child_controller(child), arguments[3], &lun))
        return false;
    terminal_print("%s: %s is LUN %u\n", child_name(child), arguments[3], lun);
    return true;
}

static bool detach(struct child *child, unsigned count, char **arguments)
{
    uint64_t lun;
    (void)count;
    if (!has_controller(child, arguments[0]))
        return false;
    if (!parse_number(arguments[3], &lun) || lun >= SCSI_CONTROLLER_DISKS ||
        !scsi_controller_remove(child_controller(child), (unsigned)lun))
        return command_failed(arguments[0], NULL, "%s has no LUN %s", child_name(child),
                              arguments[3]);
    return true;
}

static bool help(unsigned count, char **arguments);

/* What `vm` can do; counts are of words, the command and its own included. */
static const struct subcommand {
    const char *name, *words, *summary;
    /* On machines by their names; on a child that runs; both: the second for those that are no
     * machines. */
    bool (*manage)(unsigned count, char **arguments);
    vm_subcommand *run;
    unsigned minimum, maximum;
} subcommands[] = {
    {"list", "[--json]", "shows all machines", vm_list_all, NULL, 2, 3},
    {"create", "NAME [KEY=VALUE...] [--template WHICH]",
     "makes a machine; disk.0=4G makes a disk, nic.0=SWITCH an adapter with an address",
     vm_run_create, NULL, 3, COMMAND_WORDS},
    {"show", "NAME [--json]", "shows what a machine has", vm_show, NULL, 3, 4},
    {"edit", "NAME KEY=VALUE...", "changes it; KEY= goes back to the default", vm_run_edit, NULL, 4,
     COMMAND_WORDS},
    {"delete", "NAME [--disks] [--yes]", "deletes it; asks, but with --yes", vm_run_delete, NULL, 3,
     5},
    {"start", "NAME", "starts it", vm_run_start, NULL, 3, 3},
    {"stop", "NAME [--timeout SECONDS] [--force]",
     "asks its system to switch itself off and waits; --force ends it if that does not help",
     vm_run_stop, NULL, 3, 6},
    {"restart", "NAME", "lets its system start anew", vm_run_restart, restart, 3, 3},
    {"kill", "NAME", "ends it at once", vm_run_kill, kill, 3, 3},
    {"console", "NAME", "the terminal is its serial port; ^] leaves", NULL, console, 3, 3},
    {"log", "NAME [LINES]", "shows the end of what it has said, and when it was started and ended",
     vm_print_log, NULL, 3, 4},
    {"shutdown", "NAME", "as stop, but shows its serial port meanwhile", NULL, shut_down, 3, 3},
    {"wait", "NAME", "shows its serial port until it ends", NULL, wait, 3, 3},
    {"heartbeat", "NAME", "waits until its system has come up", NULL, heartbeat, 3, 3},
    {"attach", "NAME DISK", "adds a disk", NULL, attach, 4, 4},
    {"detach", "NAME LUN", "takes a disk away", NULL, detach, 4, 4},
    {"insert", "NAME DRIVE PATH", "puts an image into a drive: cd:2 or fd:0 of a pc, else a LUN",
     NULL, vm_insert, 5, 5},
    {"eject", "NAME DRIVE", "takes the image out", NULL, vm_eject, 4, 4},
    {"type", "NAME TEXT...", "types on its keyboard; \\n is Enter", NULL, vm_type, 4,
     COMMAND_WORDS},
    {"keys", "NAME KEY...", "presses keys, as ctrl-alt-delete", NULL, vm_keys, 4, COMMAND_WORDS},
    {"mouse", "NAME DX DY [BUTTONS]", "moves the mouse of a pc", NULL, vm_mouse, 5, 6},
    {"button", "NAME", "presses the power button of a pc", NULL, vm_button, 3, 3},
    {"screen", "NAME", "prints the text screen of a pc", NULL, vm_screen, 3, 3},
    {"screenshot", "NAME FILE", "writes the picture of a pc's screen (PPM)", NULL, vm_screenshot, 4,
     4},
    {"help", "[SUBCOMMAND | keys | templates]", "says more", help, NULL, 2, 3},
};

#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

const char *vm_subcommand_name(unsigned n)
{
    return n < SUBCOMMAND_COUNT ? subcommands[n].name : NULL;
}

static bool help_keys(void)
{
    const char *key;
    for (unsigned n = 0; (key = vm_config_key(n)) != NULL; n++)
        terminal_print("%s%s", n > 0 ? ", " : "", key);
    terminal_print("\ndocs/manual.md explains them; vm show NAME shows those of a machine.\n");
    return true;
}

static bool help_templates(void)
{
    const char *name, *summary;
    for (unsigned n = 0; (name = vm_template(n, &summary)) != NULL; n++)
        terminal_print("%-10s  %s\n", name, summary);
    return true;
}

static bool help(unsigned count, char **arguments)
{
    const char *about = count > 2 ? arguments[2] : NULL;
    bool found = false;
    if (about != NULL && strcmp(about, "keys") == 0)
        help_keys();
    if (about != NULL && strcmp(about, "templates") == 0)
        return help_templates();
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++) {
        const struct subcommand *subcommand = &subcommands[i];
        if (about != NULL && strcmp(about, subcommand->name) != 0)
            continue;
        terminal_print("vm %s %s\n    %s\n", subcommand->name, subcommand->words,
                       subcommand->summary);
        found = true;
    }
    return found || command_failed(arguments[0], "vm help lists all",
                                   "%s: there is no such "
                                   "subcommand",
                                   about);
}

static bool run_on(const struct subcommand *subcommand, unsigned count, char **arguments)
{
    struct child *child = child_find(arguments[2]);
    if (child == NULL)
        return command_failed(arguments[0], "vm list shows those that run", "%s: it does not run",
                              arguments[2]);
    bool success = subcommand->run(child, count, arguments);
    child_put(child);
    return success;
}

static bool run_vm(unsigned count, char **arguments)
{
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        const struct subcommand *subcommand = &subcommands[i];
        if (strcmp(subcommand->name, arguments[1]) != 0)
            continue;
        if (count < subcommand->minimum || count > subcommand->maximum)
            return command_failed(arguments[0], NULL, "say vm %s %s", subcommand->name,
                                  subcommand->words);
        bool manage =
            subcommand->manage != NULL && (subcommand->run == NULL || vm_is_running(arguments[2]));
        return manage ? subcommand->manage(count, arguments) : run_on(subcommand, count, arguments);
    }
    return command_failed(arguments[0], "vm help lists what there is",
                          "%s: there is no such subcommand", arguments[1]);
}

const struct command vm_commands[] = {
    {"vm", "help | list | SUBCOMMAND NAME ...",
     "makes, shows, starts, uses, ends and deletes virtual machines: vm help lists its "
     "subcommands; those on machines that run are for children with a name, too (see child)",
     "vm create web memory=128 disk.0=4G nic.0=lan", 1, COMMAND_WORDS - 1, WORDS_VM, run_vm},
    {0},
};
