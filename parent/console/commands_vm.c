/* Commands on children that run in the background. */
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/services/child.h"
#include "parent/services/scsi_controller.h"

#define US_PER_SECOND 1000000u
#define START_SECONDS 60u /* that a system has to come up */
#define LOOK_INTERVAL_US 100000

static void list_child(struct child *child)
{
    struct system_process_end end;
    uint64_t age;
    if (child_wait(child, &end, 0))
        terminal_print("%-15s  has ended\n", child_name(child));
    else if (child_heartbeat(child, &age) == SYSTEM_OK)
        terminal_print("%-15s  running, last heartbeat %lu ms ago\n", child_name(child),
                       age / 1000);
    else
        terminal_print("%-15s  running\n", child_name(child));
}

static bool list(struct child *child, char **arguments)
{
    (void)child, (void)arguments;
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

static bool console(struct child *child, char **arguments)
{
    (void)arguments;
    terminal_print("^] leaves the console of %s.\n", child_name(child));
    child_be_terminal(child);
    return true;
}

/* The console until the end. */
static bool wait(struct child *child, char **arguments)
{
    if (!child_be_terminal(child))
        return command_failed(arguments[0], NULL, "%s still runs", child_name(child));
    return report_end(child);
}

/* The console shows how it goes. */
static bool shut_down(struct child *child, char **arguments)
{
    if (child_shutdown(child, SYSTEM_VM_POWER_OFF) != SYSTEM_OK)
        return command_failed(arguments[0], "vm kill ends it at once",
                              "%s has no driver that listens", child_name(child));
    return wait(child, arguments);
}

static bool restart(struct child *child, char **arguments)
{
    if (child_shutdown(child, SYSTEM_VM_RESTART) == SYSTEM_OK)
        return true;
    return command_failed(arguments[0], NULL, "%s has no driver that listens", child_name(child));
}

static bool kill(struct child *child, char **arguments)
{
    struct system_process_end end;
    (void)arguments;
    child_kill(child);
    child_wait(child, &end, WAIT_FOREVER);
    child_forget(child);
    return true;
}

static bool heartbeat(struct child *child, char **arguments)
{
    struct system_process_end end;
    uint64_t age, deadline = time_now() + START_SECONDS * US_PER_SECOND;
    while (child_heartbeat(child, &age) != SYSTEM_OK)
        if (child_wait(child, &end, time_now() + LOOK_INTERVAL_US) || terminal_interrupted() ||
            time_now() > deadline)
            return command_failed(arguments[0], NULL, "%s has no heartbeat", child_name(child));
    terminal_print("%s: last heartbeat %lu ms ago\n", child_name(child), age / 1000);
    return true;
}

/* Make code and prefix of a key, in hexadecimal with 0x or decimal. */
static bool key(struct child *child, char **arguments)
{
    uint64_t code;
    if (!parse_number(arguments[3], &code) || code > UINT8_MAX)
        return command_failed(arguments[0], "Make codes of scan code set 1 are from 1 to 0x7f",
                              "%s is no key", arguments[3]);
    if (child_key(child, (uint16_t)code, 0) == SYSTEM_OK &&
        child_key(child, (uint16_t)code, SYSTEM_VM_KEY_RELEASE) == SYSTEM_OK)
        return true;
    return command_failed(arguments[0], NULL, "%s has no driver that listens", child_name(child));
}

/* False, having said so, if @child was started without a disk. */
static bool has_controller(struct child *child, const char *command)
{
    return child_controller(child) != NULL ||
           command_failed(command,
                          "Start it with at least one disk=", "%s has no controller for disks",
                          child_name(child));
}

static bool attach(struct child *child, char **arguments)
{
    unsigned lun;
    if (!has_controller(child, arguments[0]) ||
        !scsi_controller_add(arguments[0], child_controller(child), arguments[3], &lun))
        return false;
    terminal_print("%s: %s is LUN %u\n", child_name(child), arguments[3], lun);
    return true;
}

static bool detach(struct child *child, char **arguments)
{
    uint64_t lun;
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
    bool (*run)(struct child *child, char **arguments); /* @child: NULL if there is no name */
    unsigned words;                                     /* the command and its own included */
} subcommands[] = {
    {"list", list, 2},           {"console", console, 3}, {"shutdown", shut_down, 3},
    {"restart", restart, 3},     {"kill", kill, 3},       {"wait", wait, 3},
    {"heartbeat", heartbeat, 3}, {"key", key, 4},         {"attach", attach, 4},
    {"detach", detach, 4},
};

static bool run_on(const struct subcommand *subcommand, char **arguments)
{
    struct child *child = child_find(arguments[2]);
    if (child == NULL)
        return command_failed(arguments[0], "vm list shows those that run", "%s: it does not run",
                              arguments[2]);
    bool success = subcommand->run(child, arguments);
    child_put(child);
    return success;
}

static bool run_vm(unsigned count, char **arguments)
{
    for (size_t i = 0; i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
        const struct subcommand *subcommand = &subcommands[i];
        if (strcmp(subcommand->name, arguments[1]) != 0 || subcommand->words != count)
            continue;
        return count == 2 ? subcommand->run(NULL, arguments) : run_on(subcommand, arguments);
    }
    return command_failed(arguments[0], "help vm shows what there is", "%s: not so", arguments[1]);
}

const struct command vm_commands[] = {
    {"vm",
     "list | console NAME | shutdown NAME | restart NAME | kill NAME | wait NAME | heartbeat NAME "
     "| key NAME CODE | "
     "attach NAME DISK | detach NAME LUN",
     "children that were started with a name: shows them, opens the console (^] leaves it), asks "
     "the system to end or to start anew, ends it at once, waits for its end or its heartbeat, "
     "types a key, adds and removes "
     "disks",
     "vm shutdown debian", 1, 3, WORDS_NONE, run_vm},
    {0},
};
