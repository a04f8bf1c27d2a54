/* Commands on the system as a whole. */
#include "include/version.h"
#include "lib/calendar.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/autorun.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/include/vdisk.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/power.h"
#include "parent/services/store.h"
#include "parent/vid/arena.h"
#include "parent/vmms/vm.h"

#define SLEEP_MAX 3600u
#define SLEEP_STEP_US 50000
#define US_PER_SECOND 1000000u
#define KIB_PER_PAGE 4u

static bool help_all(void)
{
    const struct command *command = NULL;

    while ((command = command_next(command)) != NULL)
        terminal_print("%-9s %s\n", command->name, command->summary);
    terminal_print("help COMMAND says more. Tab completes; the arrow keys recall earlier lines.\n");
    return true;
}

static bool run_help(unsigned count, char **arguments)
{
    if (count == 1)
        return help_all();
    const struct command *command = command_find(arguments[1]);
    if (command == NULL)
        return command_failed("help", "help alone lists all commands",
                              "%s: there is no such command", arguments[1]);
    terminal_print("%s %s\n  %s\n  for example: %s\n", command->name, command->usage,
                   command->summary, command->example);
    return true;
}

static bool run_version(unsigned count, char **arguments)
{
    struct hv_identity hypervisor;

    (void)count;
    (void)arguments;
    hyperv_identify(&hypervisor);
    terminal_print("Veneer %s (%s build)\nhypervisor: %s, version %u.%u.%u\n", VENEER_VERSION,
                   VENEER_DEBUG ? "debug" : "release", hypervisor.vendor, hypervisor.major,
                   hypervisor.minor, hypervisor.build);
    return true;
}

static bool run_uptime(unsigned count, char **arguments)
{
    uint64_t seconds = time_now() / 1000000;

    (void)count;
    (void)arguments;
    terminal_print("up %llu days %02llu:%02llu:%02llu\n", (unsigned long long)seconds / 86400,
                   (unsigned long long)seconds / 3600 % 24, (unsigned long long)seconds / 60 % 60,
                   (unsigned long long)seconds % 60);
    return true;
}

static bool run_date(unsigned count, char **arguments)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct calendar date;

    (void)count;
    (void)arguments;
    calendar_from_seconds(time_wall_clock(), &date);
    terminal_print("%s %04u-%02u-%02u %02u:%02u:%02u UTC\n", days[date.weekday % 7], date.year,
                   date.month, date.day, date.hour, date.minute, date.second);
    return true;
}

static bool run_cpus(unsigned count, char **arguments)
{
    (void)count;
    (void)arguments;
    for (uint32_t i = 0; i < cpu_count; i++)
        terminal_print("cpu %-3u APIC id %-3u %llu interrupts\n", i, cpus[i]->apic_id,
                       (unsigned long long)cpus[i]->interrupt_count);
    return true;
}

static bool run_memory(unsigned count, char **arguments)
{
    struct memory_statistics memory;
    struct arena_statistics arena;

    (void)count;
    (void)arguments;
    memory_get_statistics(&memory);
    arena_get_statistics(&arena);
    terminal_print("%llu MiB of RAM, %llu KiB free\n",
                   (unsigned long long)boot_memory_total(BOOT_MEMORY_RAM) >> 20,
                   (unsigned long long)memory.pages_free * KIB_PER_PAGE);
    terminal_print("the kernel's heap has %llu KiB, with %llu blocks\n",
                   (unsigned long long)memory.heap_pages * KIB_PER_PAGE,
                   (unsigned long long)memory.heap_blocks);
    terminal_print("the hypervisor has %llu KiB, and for children %llu of %llu KiB\n",
                   (unsigned long long)boot_memory_total(BOOT_MEMORY_HYPERVISOR) >> 10,
                   (unsigned long long)(arena.pages_total - arena.pages_free) * KIB_PER_PAGE,
                   (unsigned long long)arena.pages_total * KIB_PER_PAGE);
    return true;
}

static bool run_log(unsigned count, char **arguments)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    struct log_line line;
    uint64_t position = 0;

    (void)count;
    (void)arguments;
    while (log_read(&position, &line) && !terminal_interrupted())
        terminal_print("[%5llu.%06llu] %-7s %s\n", (unsigned long long)line.time / 1000000,
                       (unsigned long long)line.time % 1000000, levels[line.level % 4], line.text);
    return true;
}

static void leave(void (*action)(void))
{
    if (autorun_end_with(action))
        return;
    action();
}

static void switch_off(void)
{
    vm_stop_all();
    vdisk_stop_all();
    store_unmount();
    power_off();
}

static void restart(void)
{
    vm_stop_all();
    vdisk_stop_all();
    store_unmount();
    power_reset();
}

static bool run_poweroff(unsigned count, char **arguments)
{
    (void)count;
    (void)arguments;
    leave(switch_off);
    return true;
}

static bool run_reboot(unsigned count, char **arguments)
{
    (void)count;
    (void)arguments;
    leave(restart);
    return true;
}

static bool run_sleep(unsigned count, char **arguments)
{
    uint64_t seconds;

    (void)count;
    if (!parse_number(arguments[1], &seconds) || seconds > SLEEP_MAX)
        return command_failed("sleep", NULL, "say a number of seconds, at most %u", SLEEP_MAX);
    for (uint64_t end = time_now() + seconds * US_PER_SECOND; time_now() < end;) {
        if (terminal_interrupted())
            return false;
        thread_sleep(SLEEP_STEP_US);
    }
    return true;
}

static bool run_onerror(unsigned count, char **arguments)
{
    bool go_on = strcmp(arguments[1], "continue") == 0;

    (void)count;
    if (!go_on && strcmp(arguments[1], "stop") != 0)
        return command_failed("onerror", NULL, "say continue or stop");
    if (!autorun_on_error(go_on))
        return command_failed("onerror", NULL, "only for files of commands");
    return true;
}

const struct command system_commands[] = {
    {"help", "[COMMAND]", "lists the commands, or explains one", "help cp", 0, 1, WORDS_COMMAND,
     run_help},
    {"version", "", "shows the versions of Veneer and its hypervisor", "version", 0, 0, WORDS_NONE,
     run_version},
    {"uptime", "", "shows how long the system has been running", "uptime", 0, 0, WORDS_NONE,
     run_uptime},
    {"date", "", "shows date and time", "date", 0, 0, WORDS_NONE, run_date},
    {"cpus", "", "lists the processors", "cpus", 0, 0, WORDS_NONE, run_cpus},
    {"memory", "", "shows how much memory is free", "memory", 0, 0, WORDS_NONE, run_memory},
    {"log", "", "shows the kernel's log", "log", 0, 0, WORDS_NONE, run_log},
    {"onerror", "continue | stop", "in a file of commands: what to do after one that fails",
     "onerror continue", 1, 1, WORDS_NONE, run_onerror},
    {"sleep", "SECONDS", "waits; ^C ends it", "sleep 10", 1, 1, WORDS_NONE, run_sleep},
    {"reboot", "", "restarts the machine", "reboot", 0, 0, WORDS_NONE, run_reboot},
    {"poweroff", "", "switches the machine off", "poweroff", 0, 0, WORDS_NONE, run_poweroff},
    {0},
};
