/* Commands on children that run in the background. */
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/console/vm_machine.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/exception.h"
#include "parent/services/child.h"
#include "parent/services/scsi_controller.h"

#define US_PER_SECOND 1000000u
#define START_SECONDS 60u /* that a system has to come up */
#define LOOK_INTERVAL_US 100000

/* How a child has ended. */
static void list_end(const char *name, const struct system_process_end *end)
{
    if (end->cause == SYSTEM_END_FAULT)
        terminal_print("%-15s  has failed: its worker made an exception, %s at %lx; log has the "
                       "report\n",
                       name, exception_name(end->fault.vector), end->fault.rip);
    else if (end->cause == SYSTEM_END_KILLED)
        terminal_print("%-15s  has failed: its worker was killed\n", name);
    else if (end->status != 0)
        terminal_print("%-15s  has failed: its worker ended with status %d\n", name, end->status);
    else
        terminal_print("%-15s  has ended\n", name);
}

static void list_child(struct child *child)
{
    struct system_process_end end;
    uint64_t age;
    if (child_wait(child, &end, 0))
        list_end(child_name(child), &end);
    else if (child_heartbeat(child, &age) == SYSTEM_OK)
        terminal_print("%-15s  running, last heartbeat %lu ms ago\n", child_name(child),
                       age / 1000);
    else
        terminal_print("%-15s  running\n", child_name(child));
}

static bool list(struct child *child, unsigned count, char **arguments)
{
    (void)child, (void)count, (void)arguments;
    child_for_each(list_child);
    return true;
}

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

static const struct subcommand {
    const char *name;
    vm_subcommand *run;        /* @child: NULL if there is no name */
    unsigned minimum, maximum; /* words, the command and its own included */
} subcommands[] = {
    {"list", list, 2, 2},
    {"console", console, 3, 3},
    {"shutdown", shut_down, 3, 3},
    {"restart", restart, 3, 3},
    {"kill", kill, 3, 3},
    {"wait", wait, 3, 3},
    {"heartbeat", heartbeat, 3, 3},
    {"attach", attach, 4, 4},
    {"detach", detach, 4, 4},
    {"insert", vm_insert, 5, 5},
    {"eject", vm_eject, 4, 4},
    {"type", vm_type, 4, COMMAND_WORDS},
    {"key", vm_keys, 4, COMMAND_WORDS},
    {"keys", vm_keys, 4, COMMAND_WORDS},
    {"mouse", vm_mouse, 5, 6},
    {"button", vm_button, 3, 3},
    {"screen", vm_screen, 3, 3},
    {"screenshot", vm_screenshot, 4, 4},
};

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
    for (size_t i = 0; i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
        const struct subcommand *subcommand = &subcommands[i];
        if (strcmp(subcommand->name, arguments[1]) != 0 || count < subcommand->minimum ||
            count > subcommand->maximum)
            continue;
        return count == 2 ? subcommand->run(NULL, count, arguments)
                          : run_on(subcommand, count, arguments);
    }
    return command_failed(arguments[0], "help vm shows what there is", "%s: not so", arguments[1]);
}

const struct command vm_commands[] = {
    {"vm",
     "list | console NAME | shutdown NAME | restart NAME | kill NAME | wait NAME | heartbeat NAME "
     "| attach NAME DISK | detach NAME LUN | insert NAME DRIVE PATH | eject NAME DRIVE | "
     "type NAME TEXT... | keys NAME KEY... | mouse NAME DX DY [BUTTONS] | button NAME | "
     "screen NAME | screenshot NAME FILE",
     "children that were started with a name: shows them, opens the console (^] leaves it), asks "
     "the system to end or to start anew, ends it at once, waits for its end or its heartbeat, "
     "adds and removes disks, changes the medium of a drive (cd:2 or fd:0 of machine=pc, else a "
     "LUN), types text (\\n is Enter) or keys (ctrl-alt-delete); of machine=pc moves the mouse, "
     "presses the power button, prints the text screen, writes its picture to a file (PPM)",
     "vm shutdown debian", 1, COMMAND_WORDS - 1, WORDS_NONE, run_vm},
    {0},
};
