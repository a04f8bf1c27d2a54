#include "parent/vmms/vm.h"

#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/memory.h"
#include "parent/include/time.h"
#include "parent/services/child.h"
#include "parent/services/child_end.h"
#include "parent/vmms/vm_internal.h"
#include "parent/vmms/vm_store.h"

#define FLUSH_INTERVAL_US 1000000u

struct mutex vm_lock;
struct list vm_list;
struct wait_queue vm_changed;

const char *vm_state_text(enum vm_state state)
{
    static const char *const texts[] = {"off", "starting", "running", "stopping", "failed"};
    return texts[state];
}

/* --- The machines --- */

struct vm *vm_find(const char *name)
{
    LIST_FOR_EACH (link, &vm_list) {
        struct vm *vm = CONTAINER_OF(link, struct vm, link);
        if (strcmp(vm->name, name) == 0)
            return vm;
    }
    return NULL;
}

/* The machine called @name, which is good; NULL: no memory. */
static struct vm *find_or_make(const char *name)
{
    struct vm *vm = vm_find(name);
    if (vm)
        return vm;
    vm = heap_allocate(sizeof(*vm));
    if (!vm)
        return NULL;
    memset(vm, 0, sizeof(*vm));
    string_copy(vm->name, name, sizeof(vm->name));
    vm_log_init(&vm->log, name);
    mutex_lock(&vm_lock);
    list_add_last(&vm_list, &vm->link);
    mutex_unlock(&vm_lock);
    return vm;
}

/* With the lock. */
static void set_state(struct vm *vm, enum vm_state state, const char *reason)
{
    vm->state = state;
    string_copy(vm->reason, reason, sizeof(vm->reason));
}

/* The state of a machine that does not run. */
static void set_idle_state(struct vm *vm, enum vm_state state, const char *reason)
{
    mutex_lock(&vm_lock);
    set_state(vm, state, reason);
    mutex_unlock(&vm_lock);
}

bool vm_runs(struct vm *vm)
{
    mutex_lock(&vm_lock);
    bool runs = vm->child != NULL;
    mutex_unlock(&vm_lock);
    return runs;
}

bool vm_wait_end(struct vm *vm, uint64_t deadline)
{
    return WAIT_UNTIL(&vm_changed, !vm_runs(vm), deadline);
}

bool vm_is_running(const char *name)
{
    struct vm *vm = vm_find(name);
    return vm && vm_runs(vm);
}

void vm_get_status(const char *name, struct vm_status *status)
{
    *status = (struct vm_status){.state = VM_OFF};
    mutex_lock(&vm_lock);
    struct vm *vm = vm_find(name);
    if (vm) {
        status->state = vm->state;
        string_copy(status->reason, vm->reason, sizeof(status->reason));
    }
    mutex_unlock(&vm_lock);
}

void vm_forget(const char *name)
{
    struct vm *vm = vm_find(name);
    if (!vm || vm_runs(vm))
        return;
    mutex_lock(&vm_lock);
    list_remove(&vm->link);
    mutex_unlock(&vm_lock);
    heap_free(vm);
}

void vm_flush_log(const char *name)
{
    struct vm *vm = vm_find(name);
    if (vm)
        vm_log_flush(&vm->log);
}

void vm_note(const char *name, const char *text)
{
    struct vm *vm = find_or_make(name);
    if (vm)
        vm_log_event(&vm->log, "%s", text);
}

/* --- Watching --- */

/* The child is given back before the state says that it has ended: who then starts or deletes the
 * machine finds its disks closed. */
static void note_end(struct vm *vm, struct child *child, const struct system_process_end *end)
{
    char reason[VM_WHY_SIZE];
    bool failed = child_end_failed(end, reason, sizeof(reason)) && !vm->killed;
    vm_log_event(&vm->log, "%s%s",
                 failed       ? "failed: "
                 : vm->killed ? "ended at once"
                              : "ended",
                 failed ? reason : "");
    child_forget(child);
    child_put(child);
    mutex_lock(&vm_lock);
    vm->child = NULL;
    set_state(vm, failed ? VM_FAILED : VM_OFF, failed ? reason : "");
    mutex_unlock(&vm_lock);
    wake_all(&vm_changed);
}

static int watch(void *argument)
{
    struct vm *vm = argument;
    struct child *child = vm->child;
    struct system_process_end end;
    while (!child_wait(child, &end, time_now() + FLUSH_INTERVAL_US))
        vm_log_flush(&vm->log);
    note_end(vm, child, &end);
    return 0;
}

/* --- Starting --- */

static bool start_watcher(struct vm *vm)
{
    struct thread *thread = thread_create(vm->name, watch, vm, PRIORITY_NORMAL, THREAD_ANY_CPU);
    if (thread)
        thread_detach(thread);
    return thread != NULL;
}

/* Starts its worker. False: printed why. */
static bool start_child(const char *command, struct vm *vm, const struct vm_config *config)
{
    static struct child_plan plan; /* large, and one thread starts machines */
    struct system_process_end end;
    const char *error;
    if (!vm_plan_open(command, vm, config, &plan))
        return false;
    vm_log_event(&vm->log, "starting with %u processors and %u MiB", config->processors,
                 config->memory);
    struct child *child = child_start(&plan, &error);
    if (!child)
        return command_failed(command, NULL, "%s: %s", vm->name, error);
    mutex_lock(&vm_lock);
    vm->child = child;
    vm->killed = false;
    vm->stop = config->stop;
    vm->stop_timeout = config->stop_timeout;
    mutex_unlock(&vm_lock);
    if (start_watcher(vm))
        return true;
    child_kill(child);
    child_wait(child, &end, WAIT_FOREVER);
    note_end(vm, child, &end);
    return command_failed(command, NULL, "%s: no memory is left", vm->name);
}

/* Whether it runs and has not ended: then its watcher only has to give back what it had. */
static bool still_runs(struct vm *vm)
{
    struct system_process_end end;
    if (!vm_runs(vm))
        return false;
    struct child *child = child_find(vm->name);
    bool ended = !child || child_wait(child, &end, 0);
    if (child)
        child_put(child);
    return !ended || !vm_wait_end(vm, WAIT_FOREVER);
}

bool vm_start(const char *command, const char *name)
{
    static char text[VM_TEXT_SIZE];
    static struct vm_config config;
    if (!vm_store_exists(name))
        return command_failed(command, "vm list shows all", "%s: there is no such machine", name);
    struct vm *vm = find_or_make(name);
    if (!vm)
        return command_failed(command, NULL, "no memory is left");
    if (still_runs(vm))
        return command_failed(command, NULL, "%s: it runs already", name);
    set_idle_state(vm, VM_STARTING, "");
    if (vm_store_load(command, name, text, &config) && start_child(command, vm, &config)) {
        mutex_lock(&vm_lock); /* unless it has ended by now */
        if (vm->state == VM_STARTING)
            vm->state = VM_RUNNING;
        mutex_unlock(&vm_lock);
        return true;
    }
    vm_log_event(&vm->log, "not started: %s", command_message());
    set_idle_state(vm, VM_FAILED, command_message());
    return false;
}

static void start_with_system(void *context, const char *name)
{
    static char text[VM_TEXT_SIZE];
    static struct vm_config config;
    (void)context;
    bool wanted = vm_store_load(NULL, name, text, &config) ? config.autostart : false;
    if (wanted && vm_start("autostart", name))
        terminal_print("autostart: %s is started\n", name);
}

void vm_service_start(void)
{
    mutex_init(&vm_lock);
    list_init(&vm_list);
    wait_queue_init(&vm_changed);
    vm_store_recover();
    vm_store_for_each(start_with_system, NULL);
}
