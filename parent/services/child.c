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
#include "parent/services/child_worker.h"
#include "parent/services/guest_console.h"
#include "parent/services/machine_pipe.h"
#include "parent/vmbus/bus.h"

#define KEY_LEAVE 0x1d /* ^] */
#define LOOK_INTERVAL_US 20000
#define SETTLE_US 1000000u

/* A system that triple faults so soon after its start each time would do so for ever. */
#define FAULT_SOON_US (10u * 1000000u)
#define FAULTS_MAX 3u

struct child {
    struct child_plan plan;
    uint32_t references; /* by the table's lock */
    struct mutex lock;   /* all below, but for `ended` */
    struct process *process;
    struct guest_console *console;
    struct machine_pipe *pipe; /* NULL: it has no emulated machine, or does not run */
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
    for (unsigned i = 0; i < plan->port_count; i++)
        object_put(plan->ports[i]);
    child_drives_free(&plan->drives);
    program_file_close(&plan->initrd);
    program_file_close(&plan->kernel);
    program_file_close(&plan->worker);
}

/* The ends that were made for a worker: given to it, or, if there is none, not needed. */
static void finish_start(const struct process *process, struct guest_console *console,
                         struct machine_pipe *pipe)
{
    if (console)
        guest_console_given(console);
    if (pipe)
        machine_pipe_given(pipe);
    if (process)
        return;
    if (console)
        guest_console_destroy(console);
    if (pipe)
        machine_pipe_destroy(pipe);
}

/* Starts the worker once more. */
static bool start_worker(struct child *child, const char **error)
{
    const struct child_plan *plan = &child->plan;
    struct process *process = NULL;
    struct guest_console *console = guest_console_create(&plan->listener);
    struct machine_pipe *pipe = plan->emulated ? machine_pipe_create() : NULL;

    *error = "no memory is left";
    mutex_lock(&child->lock); /* drives get and lose their media by it */
    if (console && (pipe || !plan->emulated))
        process = child_worker_start(plan, console, pipe, error);
    struct guest_console *old = child->console;
    if (process) {
        child->process = process;
        child->console = console;
        child->pipe = pipe;
        guest_console_attach(console, child->attached);
    }
    mutex_unlock(&child->lock);
    finish_start(process, console, pipe);
    if (process && old)
        guest_console_destroy(old);
    return process != NULL;
}

/* Waits for the worker's end. Its console stays, for who wants to see what it has said last. */
static void finish_worker(struct child *child)
{
    process_wait(child->process, &child->end, WAIT_FOREVER);
    mutex_lock(&child->lock);
    struct process *process = child->process;
    struct machine_pipe *pipe = child->pipe;
    child->process = NULL;
    child->pipe = NULL;
    mutex_unlock(&child->lock);
    if (pipe)
        machine_pipe_destroy(pipe);
    guest_console_settle(child->console, time_now() + SETTLE_US);
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

/* --- Its emulated machine --- */

bool child_is_emulated(const struct child *child)
{
    return child->plan.emulated;
}

/* With the child's lock: the pipe stays. */
static bool ask(struct child *child, struct machine_control_request *request, struct object *object,
                struct machine_control_answer *answer, const char **error)
{
    *error = child->plan.emulated ? "it does not run now" : "it was not started with machine=pc";
    if (!child->pipe)
        return false;
    *error = "its worker does not answer";
    if (!machine_pipe_ask(child->pipe, request, object, answer))
        return false;
    *error = machine_pipe_status_text(answer->status);
    return answer->status == MACHINE_CONTROL_DONE;
}

bool child_ask(struct child *child, struct machine_control_request *request, struct object *object,
               struct machine_control_answer *answer, const char **error)
{
    mutex_lock(&child->lock);
    bool done = ask(child, request, object, answer, error);
    mutex_unlock(&child->lock);
    return done;
}

/* The drive called @name, which takes media. With the lock. */
static struct child_drive *find_drive(struct child *child, const char *name, const char **error)
{
    struct child_drive *drive = child_drives_find(&child->plan.drives, name);
    *error = machine_pipe_status_text(MACHINE_CONTROL_NO_DRIVE);
    return drive && strncmp(name, "hd:", 3) != 0 ? drive : NULL;
}

bool child_insert(struct child *child, const char *name, struct object *disk, const char **error)
{
    struct machine_control_request request = {.type = MACHINE_CONTROL_INSERT};
    struct machine_control_answer answer;
    mutex_lock(&child->lock);
    struct child_drive *drive = find_drive(child, name, error);
    bool done = false;
    if (drive && drive->disk) {
        *error = machine_pipe_status_text(MACHINE_CONTROL_NOT_EMPTY);
    } else if (drive) {
        string_copy(request.drive, name, sizeof(request.drive));
        done = ask(child, &request, disk, &answer, error);
        if (done)
            drive->disk = disk;
    }
    mutex_unlock(&child->lock);
    return done;
}

bool child_eject(struct child *child, const char *name, const char **error)
{
    struct machine_control_request request = {.type = MACHINE_CONTROL_EJECT};
    struct machine_control_answer answer;
    struct object *disk = NULL;
    mutex_lock(&child->lock);
    struct child_drive *drive = find_drive(child, name, error);
    if (drive && !drive->disk) {
        *error = machine_pipe_status_text(MACHINE_CONTROL_NO_MEDIUM);
    } else if (drive) {
        string_copy(request.drive, name, sizeof(request.drive));
        if (ask(child, &request, NULL, &answer, error)) {
            disk = drive->disk;
            drive->disk = NULL;
        }
    }
    mutex_unlock(&child->lock);
    if (disk)
        object_put(disk);
    return disk != NULL;
}
