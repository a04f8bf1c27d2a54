#include "parent/services/child.h"

#include "include/child_start.h"
#include "lib/string.h"
#include "parent/include/channel_device.h"
#include "parent/include/input.h"
#include "parent/include/list.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/services/guest_console.h"
#include "parent/vmbus/bus.h"

#define KEY_LEAVE 0x1d /* ^] */
#define LOOK_INTERVAL_US 20000

/* A system that triple faults so soon after its start each time would do so for ever. */
#define FAULT_SOON_US (10u * 1000000u)
#define FAULTS_MAX 3u

struct child {
    struct child_plan plan;
    uint32_t references; /* by the table's lock */
    struct mutex lock;   /* all below, but for `ended` */
    struct process *process;
    struct guest_console *console;
    bool attached, killed;
    struct system_process_end end;
    struct completion ended;
    /* Of its thread. */
    uint64_t started; /* microseconds: when its machine was started last */
    uint32_t faults;  /* triple faults since one was not soon after the start */
};

static struct mutex table_lock;
static struct child *children[CHILDREN_MAX]; /* each with a reference */

/* --- Starting --- */

void child_plan_free(struct child_plan *plan)
{
    for (unsigned i = 0; i < plan->device_count; i++)
        channel_device_put(plan->devices[i]);
    program_file_close(&plan->initrd);
    program_file_close(&plan->kernel);
    program_file_close(&plan->worker);
}

/* Starts the worker once more. */
static bool start_worker(struct child *child, const char **error)
{
    const struct child_plan *plan = &child->plan;
    struct process_data data[] = {{plan->kernel.data, plan->kernel.size},
                                  {plan->initrd.data, plan->initrd.size}};
    struct object *objects[1 + CHILD_DEVICES_MAX];

    struct guest_console *console = guest_console_create();
    if (!console) {
        *error = "no memory is left";
        return false;
    }
    objects[0] = guest_console_object(console);
    for (unsigned i = 0; i < plan->device_count; i++)
        objects[1 + i] = channel_device_object(plan->devices[i]);
    struct process_program program = {.name = plan->name,
                                      .file = plan->worker.data,
                                      .size = plan->worker.size,
                                      .arguments = plan->words,
                                      .arguments_size = plan->words_size,
                                      .data = data,
                                      .data_count = 1 + (plan->initrd.size > 0),
                                      .objects = objects,
                                      .object_count = 1 + plan->device_count};
    struct process *process = process_start(&program, error);
    guest_console_given(console);
    if (!process) {
        guest_console_destroy(console);
        return false;
    }
    mutex_lock(&child->lock);
    struct guest_console *old = child->console;
    child->process = process;
    child->console = console;
    guest_console_attach(console, child->attached);
    mutex_unlock(&child->lock);
    if (old)
        guest_console_destroy(old);
    return true;
}

/* Waits for the worker's end. Its console stays, for who wants to see what it has said last. */
static void finish_worker(struct child *child)
{
    process_wait(child->process, &child->end, WAIT_FOREVER);
    mutex_lock(&child->lock);
    struct process *process = child->process;
    child->process = NULL;
    mutex_unlock(&child->lock);
    if (child->end.cause != SYSTEM_END_EXIT)
        process_report(process, &child->end);
    process_put(process);
}

static void free_child(struct child *child)
{
    if (child->console)
        guest_console_destroy(child->console);
    child_plan_free(&child->plan);
    heap_free(child);
}

/* A triple fault starts a machine anew, as a PC, but not for ever. */
static bool survives_triple_fault(struct child *child)
{
    bool soon = time_now() - child->started < FAULT_SOON_US;
    child->faults = soon ? child->faults + 1 : 1;
    if (child->faults < FAULTS_MAX) {
        log_print(LOG_WARNING, "child %s: a triple fault; it is started again", child->plan.name);
        return true;
    }
    log_print(LOG_ERROR,
              "child %s: triple faults %u times, each less than %u s after its start; it is not "
              "started again",
              child->plan.name, child->faults, FAULT_SOON_US / 1000000u);
    return false;
}

static bool wants_reset(struct child *child)
{
    if (child->end.cause != SYSTEM_END_EXIT || child->killed)
        return false;
    return child->end.status == CHILD_STATUS_RESET ||
           (child->end.status == CHILD_STATUS_TRIPLE_FAULT && survives_triple_fault(child));
}

/* False: it was not there. */
static bool leave_table(struct child *child)
{
    bool found = false;
    mutex_lock(&table_lock);
    for (unsigned i = 0; i < CHILDREN_MAX; i++) {
        if (children[i] != child)
            continue;
        children[i] = NULL;
        found = true;
    }
    mutex_unlock(&table_lock);
    return found;
}

static int run(void *argument)
{
    struct child *child = argument;
    const char *error;
    for (;;) {
        child->started = time_now();
        finish_worker(child);
        if (!wants_reset(child))
            break;
        if (!start_worker(child, &error)) {
            log_print(LOG_ERROR, "child %s: cannot be started again: %s", child->plan.name, error);
            child->end = (struct system_process_end){.cause = SYSTEM_END_KILLED, .status = -1};
            break;
        }
    }
    completion_signal(&child->ended);
    child_put(child);
    return 0;
}

/* Puts @child into the table if there is room and nobody has its name. */
static bool enter_table(struct child *child, const char **error)
{
    struct child **free = NULL;
    bool taken = false;
    mutex_lock(&table_lock);
    for (unsigned i = 0; i < CHILDREN_MAX; i++) {
        if (!children[i])
            free = &children[i];
        else
            taken = taken || strcmp(children[i]->plan.name, child->plan.name) == 0;
    }
    if (free && !taken)
        *free = child;
    mutex_unlock(&table_lock);
    *error = taken ? "there is a child of that name: vm wait or vm kill ends it"
                   : "there are too many children";
    return free && !taken;
}

struct child *child_start(struct child_plan *plan, const char **error)
{
    struct child *child = heap_allocate(sizeof(*child));
    if (!child) {
        *error = "no memory is left";
        child_plan_free(plan);
        return NULL;
    }
    memset(child, 0, sizeof(*child));
    child->plan = *plan;
    child->references = 3; /* the table's, the thread's and the caller's */
    mutex_init(&child->lock);
    completion_init(&child->ended);
    if (enter_table(child, error)) {
        if (start_worker(child, error)) {
            struct thread *thread =
                thread_create(plan->name, run, child, PRIORITY_NORMAL, THREAD_ANY_CPU);
            if (thread) {
                thread_detach(thread);
                return child;
            }
            *error = "no memory is left";
            process_kill(child->process, STATUS_KILLED);
            finish_worker(child);
        }
        leave_table(child);
    }
    free_child(child);
    return NULL;
}

/* --- References --- */

void child_init(void)
{
    mutex_init(&table_lock);
}

struct child *child_find(const char *name)
{
    struct child *found = NULL;
    mutex_lock(&table_lock);
    for (unsigned i = 0; i < CHILDREN_MAX && !found; i++)
        if (children[i] && strcmp(children[i]->plan.name, name) == 0)
            found = children[i];
    if (found)
        found->references++;
    mutex_unlock(&table_lock);
    return found;
}

void child_put(struct child *child)
{
    mutex_lock(&table_lock);
    bool last = --child->references == 0;
    mutex_unlock(&table_lock);
    if (last)
        free_child(child);
}

void child_forget(struct child *child)
{
    if (leave_table(child))
        child_put(child);
}

void child_for_each(void (*function)(struct child *child))
{
    mutex_lock(&table_lock);
    for (unsigned i = 0; i < CHILDREN_MAX; i++)
        if (children[i])
            function(children[i]);
    mutex_unlock(&table_lock);
}

const char *child_name(const struct child *child)
{
    return child->plan.name;
}

struct channel_device *child_controller(const struct child *child)
{
    return child->plan.controller;
}

/* --- Using one --- */

bool child_wait(struct child *child, struct system_process_end *end, uint64_t deadline)
{
    if (!completion_wait(&child->ended, deadline))
        return false;
    *end = child->end;
    return true;
}

static void attach(struct child *child, bool attached)
{
    mutex_lock(&child->lock);
    child->attached = attached;
    if (child->console)
        guest_console_attach(child->console, attached);
    mutex_unlock(&child->lock);
}

static void type(struct child *child, char key)
{
    mutex_lock(&child->lock);
    if (child->console)
        guest_console_key(child->console, key);
    mutex_unlock(&child->lock);
}

bool child_be_terminal(struct child *child)
{
    struct system_process_end end;
    int key = -1;
    attach(child, true);
    while (key != KEY_LEAVE && !child_wait(child, &end, time_now())) {
        key = input_get(time_now() + LOOK_INTERVAL_US);
        if (key >= 0 && key != KEY_LEAVE)
            type(child, (char)key);
    }
    attach(child, false);
    return key != KEY_LEAVE;
}

void child_kill(struct child *child)
{
    mutex_lock(&child->lock);
    child->killed = true;
    if (child->process)
        process_kill(child->process, STATUS_KILLED);
    mutex_unlock(&child->lock);
}

/* --- Its bus --- */

/* The bus of @child, as long as @partition is referred to, which the caller gives back; NULL: it
 * has none now. */
static struct bus *get_bus(struct child *child, struct object **partition)
{
    mutex_lock(&child->lock);
    *partition = child->process ? process_object(child->process, OBJECT_PARTITION) : NULL;
    mutex_unlock(&child->lock);
    return *partition ? bus_of(CONTAINER_OF(*partition, struct partition, object)) : NULL;
}

static enum system_error put_bus(struct object *partition, enum system_error error)
{
    if (partition)
        object_put(partition);
    return error;
}

enum system_error child_shutdown(struct child *child, enum system_vm_shutdown how)
{
    struct object *partition;
    struct bus *bus = get_bus(child, &partition);
    return put_bus(partition, bus ? bus_shutdown(bus, how) : SYSTEM_ERROR_UNAVAILABLE);
}

enum system_error child_heartbeat(struct child *child, uint64_t *age)
{
    struct object *partition;
    struct bus *bus = get_bus(child, &partition);
    return put_bus(partition, bus ? bus_heartbeat(bus, age) : SYSTEM_ERROR_UNAVAILABLE);
}

enum system_error child_key(struct child *child, uint16_t make_code, uint32_t flags)
{
    struct object *partition;
    struct bus *bus = get_bus(child, &partition);
    return put_bus(partition, bus ? bus_key(bus, make_code, flags) : SYSTEM_ERROR_UNAVAILABLE);
}
