/* How machines end. */
#include "include/machine_control.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/time.h"
#include "parent/services/child.h"
#include "parent/vmms/vm_internal.h"

#define US_PER_SECOND 1000000u
#define LOOK_INTERVAL_US 100000u

/* The machine called @name, which runs; NULL: printed that it does not. */
static struct vm *find_running(const char *command, const char *name)
{
    struct vm *vm = vm_find(name);
    if (vm && vm_runs(vm))
        return vm;
    command_failed(command, "vm list shows those that run", "%s: it does not run", name);
    return NULL;
}

/* Nothing if it has ended meanwhile. */
static void set_state(struct vm *vm, enum vm_state state)
{
    mutex_lock(&vm_lock);
    if (vm->child)
        vm->state = state;
    mutex_unlock(&vm_lock);
}

/* Asks its system to end: by its services on the bus, else by the power button. False: it does not
 * listen, or there is neither. */
static bool ask(struct vm *vm)
{
    struct machine_control_request request = {.type = MACHINE_CONTROL_BUTTON};
    struct machine_control_answer answer;
    const char *error;
    struct child *child = child_find(vm->name);
    if (!child)
        return false;
    bool asked = child_shutdown(child, SYSTEM_VM_POWER_OFF) == SYSTEM_OK ||
                 (child_is_emulated(child) && child_ask(child, &request, NULL, &answer, &error));
    child_put(child);
    if (asked)
        set_state(vm, VM_STOPPING);
    return asked;
}

static void end_at_once(struct vm *vm)
{
    struct child *child = child_find(vm->name);
    mutex_lock(&vm_lock);
    vm->killed = true;
    mutex_unlock(&vm_lock);
    if (!child)
        return;
    child_kill(child);
    child_put(child);
}

/* Waits, from the second second on with a sign of life. False: it has not ended in @seconds, or ^C.
 */
static bool wait_for_end(struct vm *vm, uint32_t seconds)
{
    uint64_t start = time_now(), total = (uint64_t)seconds * US_PER_SECOND, passed = 0;
    bool ended = vm_wait_end(vm, start + US_PER_SECOND);
    while (!ended && !(ended = vm_wait_end(vm, time_now() + LOOK_INTERVAL_US)) && passed < total &&
           !terminal_interrupted()) {
        passed = time_now() - start;
        terminal_progress("stopping", passed < total ? passed : total - 1, total);
    }
    terminal_progress_end();
    return ended;
}

bool vm_kill(const char *command, const char *name)
{
    struct vm *vm = find_running(command, name);
    if (!vm)
        return false;
    end_at_once(vm);
    vm_wait_end(vm, WAIT_FOREVER);
    return true;
}

bool vm_stop(const char *command, const char *name, uint32_t timeout, bool force)
{
    struct vm *vm = find_running(command, name);
    if (!vm)
        return false;
    uint32_t seconds = timeout > 0 ? timeout : vm->stop_timeout;
    bool asked = ask(vm);
    if (asked && wait_for_end(vm, seconds))
        return true;
    if (force)
        return vm_runs(vm) ? vm_kill(command, name) : true;
    set_state(vm, VM_RUNNING);
    if (!asked)
        return command_failed(command, "vm kill ends it at once", "%s has no driver that listens",
                              name);
    return command_failed(command, "vm kill ends it at once, vm console shows what it does",
                          "%s has been asked to end, but has not within %u s", name, seconds);
}

bool vm_restart(const char *command, const char *name)
{
    struct vm *vm = find_running(command, name);
    if (!vm)
        return false;
    struct child *child = child_find(name);
    bool asked = child && child_shutdown(child, SYSTEM_VM_RESTART) == SYSTEM_OK;
    if (child)
        child_put(child);
    if (asked) {
        vm_log_event(&vm->log, "asked to start anew");
        return true;
    }
    return vm_stop(command, name, 0, false) && vm_start(command, name);
}

/* --- When the system ends --- */

/* Those that are to be ended at once are; others are asked. */
static void begin_stop(struct vm *vm)
{
    if (vm->stop == VM_STOP_SHUTDOWN && ask(vm)) {
        terminal_print("%s: asked to shut down, has %u s\n", vm->name, vm->stop_timeout);
        return;
    }
    terminal_print("%s: ended at once%s\n", vm->name,
                   vm->stop == VM_STOP_SHUTDOWN ? ", as it does not listen" : "");
    end_at_once(vm);
}

static void finish_stop(struct vm *vm, uint64_t start)
{
    uint64_t limit = start + (uint64_t)vm->stop_timeout * US_PER_SECOND, now = time_now();
    uint32_t left = limit > now ? (uint32_t)((limit - now) / US_PER_SECOND) + 1 : 0;
    if (!wait_for_end(vm, left)) {
        terminal_print("%s: ended at once, as it has not shut down\n", vm->name);
        end_at_once(vm);
        vm_wait_end(vm, WAIT_FOREVER);
    }
    terminal_print("%s: off\n", vm->name);
}

void vm_stop_all(void)
{
    uint64_t start = time_now();
    LIST_FOR_EACH (first, &vm_list) {
        struct vm *vm = CONTAINER_OF(first, struct vm, link);
        vm->leaving = vm_runs(vm);
        if (vm->leaving)
            begin_stop(vm);
    }
    LIST_FOR_EACH (second, &vm_list) {
        struct vm *vm = CONTAINER_OF(second, struct vm, link);
        if (vm->leaving)
            finish_stop(vm, start);
    }
}
