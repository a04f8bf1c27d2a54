#include "parent/kernel/proc/process.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/proc/fault_report.h"
#include "parent/kernel/proc/program.h"
#include "parent/kernel/proc/user.h"
#include "parent/kernel/sched/scheduler.h"

static struct spinlock list_lock = SPINLOCK(LOCK_LEVEL_PROCESS_LIST); /* both below */
static struct list processes = {&processes, &processes};
static uint32_t last_id;

struct process *current_process(void)
{
    return current_thread()->process;
}

bool process_is_dying(void)
{
    const struct process *process = current_process();
    return process && __atomic_load_n(&process->dying, __ATOMIC_ACQUIRE);
}

/* --- References and the list of all --- */

static void destroy(struct object *object)
{
    struct process *process = CONTAINER_OF(object, struct process, object);
    uint64_t flags = spin_lock(&list_lock);
    list_remove(&process->all_link);
    spin_unlock(&list_lock, flags);
    job_give_process(process->job);
    job_put(process->job);
    heap_free(process);
}

void process_get(struct process *process)
{
    object_get(&process->object);
}

void process_put(struct process *process)
{
    object_put(&process->object);
}

/* A reference, unless the last one has gone and destroy() is about to take it off the list. */
static bool try_get(struct process *process)
{
    uint32_t old = __atomic_load_n(&process->object.references, __ATOMIC_RELAXED);
    while (old != 0) {
        if (__atomic_compare_exchange_n(&process->object.references, &old, old + 1, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

struct process *process_find(uint32_t id)
{
    struct process *found = NULL;
    uint64_t flags = spin_lock(&list_lock);
    LIST_FOR_EACH (item, &processes) {
        struct process *process = CONTAINER_OF(item, struct process, all_link);
        if (process->id == id && try_get(process))
            found = process;
    }
    spin_unlock(&list_lock, flags);
    return found;
}

uint32_t process_id(const struct process *process)
{
    return process->id;
}

const char *process_name(const struct process *process)
{
    return process->name;
}

static void describe(const struct process *process, struct process_information *information)
{
    *information = (struct process_information){
        .id = process->id,
        .starter_id = process->starter_id,
        .threads = process->thread_count,
        .handles = process->handles.count,
        .pages = process->space.page_count,
        .ended = __atomic_load_n(&process->ended, __ATOMIC_RELAXED),
    };
    memcpy(information->name, process->name, sizeof(information->name));
}

uint32_t process_list(struct process_information *list, uint32_t limit)
{
    uint32_t found = 0;
    uint64_t flags = spin_lock(&list_lock);
    LIST_FOR_EACH (item, &processes) {
        if (found < limit)
            describe(CONTAINER_OF(item, struct process, all_link), &list[found]);
        found++;
    }
    spin_unlock(&list_lock, flags);
    return found;
}

/* --- Creation --- */

static bool copy_handles(struct process *process, const struct process_plan *plan)
{
    for (uint32_t i = 0; i < plan->handle_count; i++) {
        object_get(plan->handles[i].object);
        if (!handle_add(&process->handles, plan->handles[i].object, plan->handles[i].rights)) {
            object_put(plan->handles[i].object);
            return false;
        }
    }
    return true;
}

/* The structure of a process without anything in it. It counts in its job from now on. */
static struct process *create_empty(const struct process_plan *plan)
{
    struct process *process = heap_allocate(sizeof(*process));
    struct job *job = plan->starter ? plan->starter->job : job_create();
    if (plan->starter)
        job_get(job);
    if (!process || !job || !job_take_process(job)) {
        heap_free(process);
        if (job)
            job_put(job);
        return NULL;
    }
    object_init(&process->object, OBJECT_PROCESS, destroy);
    process->job = job;
    process->starter_id = plan->starter ? plan->starter->id : 0;
    string_copy(process->name, plan->name, sizeof(process->name));
    handle_table_init(&process->handles);
    process->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_PROCESS);
    list_init(&process->threads);
    wait_queue_init(&process->ended_queue);
    uint64_t flags = spin_lock(&list_lock);
    process->id = ++last_id;
    list_add_last(&processes, &process->all_link);
    spin_unlock(&list_lock, flags);
    return process;
}

/* Gives back all that the process has, but for its structure. */
static void empty(struct process *process)
{
    handle_table_clear(&process->handles);
    if (process->space.tables.root)
        address_space_destroy(&process->space);
}

/* Puts data into memory behind the next handle. */
static enum system_error give_data(struct process *process, const struct process_data *data)
{
    enum system_error error;
    struct memory_object *memory =
        memory_object_create(process->job, (data->size + PAGE_SIZE - 1) >> PAGE_SHIFT, &error);
    if (!memory)
        return error;
    memory_object_write(memory, 0, data->bytes, data->size);
    if (handle_add(&process->handles, &memory->object, SYSTEM_RIGHT_READ) != 0)
        return SYSTEM_OK;
    object_put(&memory->object);
    return SYSTEM_ERROR_LIMIT;
}

static enum system_error fill(struct process *process, const struct process_plan *plan,
                              const char **text)
{
    struct trap_frame entry;
    if (!address_space_init(&process->space))
        return SYSTEM_ERROR_MEMORY;
    enum system_error error = program_load(process, plan, &entry, text);
    if (error != SYSTEM_OK)
        return error;
    for (uint32_t i = 0; error == SYSTEM_OK && i < plan->data_count; i++)
        error = give_data(process, &plan->data[i]);
    if (error != SYSTEM_OK)
        return error;
    if (!copy_handles(process, plan))
        return SYSTEM_ERROR_LIMIT;
    return process_add_thread(process, &entry);
}

struct process *process_create(const struct process_plan *plan, enum system_error *error,
                               const char **text)
{
    *text = NULL;
    *error = SYSTEM_ERROR_LIMIT;
    struct process *process = create_empty(plan);
    if (!process)
        return NULL;
    *error = fill(process, plan, text);
    if (*error == SYSTEM_OK)
        return process;
    empty(process);
    process_put(process);
    return NULL;
}

#define OBJECT_RIGHTS (SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE)

struct process *process_start(const struct process_program *program, const char **error)
{
    struct handle handles[SYSTEM_MAX_START_HANDLES];
    if (program->object_count > SYSTEM_MAX_START_HANDLES) {
        if (error)
            *error = "it would have too many devices";
        return NULL;
    }
    for (uint32_t i = 0; i < program->object_count; i++)
        handles[i] = (struct handle){.object = program->objects[i], .rights = OBJECT_RIGHTS};
    struct process_plan plan = {
        .name = program->name,
        .file = program->file,
        .size = program->size,
        .arguments = program->arguments,
        .arguments_size = program->arguments_size,
        .data = program->data,
        .data_count = program->data_count,
        .handles = handles,
        .handle_count = program->object_count,
    };
    enum system_error code;
    const char *text;
    struct process *process = process_create(&plan, &code, &text);
    if (!process && error)
        *error = text ? text : "there is not enough memory to start it";
    return process;
}

struct object *process_object(struct process *process, uint32_t type)
{
    return handle_find(&process->handles, type);
}

/* --- Threads --- */

/* The first and only thing that a thread of a process does in the kernel by itself. */
static int enter_ring_3(void *argument)
{
    (void)argument;
    interrupts_disable();
    process_check();
    user_enter((struct trap_frame *)current_thread()->stack - 1);
}

/* The registers with which the thread begins are at the top of its kernel stack, where those of its
 * system calls will be. */
static struct thread *prepare_thread(struct process *process, const struct trap_frame *entry)
{
    struct thread *thread = thread_prepare(process->name, enter_ring_3, NULL, PRIORITY_NORMAL,
                                           THREAD_ANY_CPU, sizeof(*entry));
    if (!thread)
        return NULL;
    *((struct trap_frame *)thread->stack - 1) = *entry;
    thread->process = process;
    thread->process_id = process->id;
    thread->root = process->space.tables.root;
    return thread;
}

enum system_error process_add_thread(struct process *process, const struct trap_frame *entry)
{
    struct thread *thread = prepare_thread(process, entry);
    if (!thread)
        return SYSTEM_ERROR_MEMORY;
    uint64_t flags = spin_lock(&process->lock);
    bool possible = !process->dying && process->thread_count < SYSTEM_MAX_THREADS;
    if (possible) {
        if (process->thread_count++ == 0)
            process_get(process); /* for the threads */
        else
            process->space.shared = true;
        list_add_last(&process->threads, &thread->process_link);
    }
    spin_unlock(&process->lock, flags);
    thread_detach(thread);
    if (possible)
        sched_start(thread);
    else
        thread_put(thread);
    return possible ? SYSTEM_OK : SYSTEM_ERROR_LIMIT;
}

/* --- Ends --- */

/* Has all threads end, for the given reason, which counts if it is the first. */
static void end(struct process *process, const struct system_process_end *reason)
{
    uint64_t flags = spin_lock(&process->lock);
    if (!process->dying) {
        process->end = *reason;
        __atomic_store_n(&process->dying, true, __ATOMIC_RELEASE);
        LIST_FOR_EACH (item, &process->threads) {
            struct thread *thread = CONTAINER_OF(item, struct thread, process_link);
            sched_wake(thread);      /* if it waits: the wait ends */
            sched_interrupt(thread); /* if it runs: it comes into the kernel */
        }
    }
    spin_unlock(&process->lock, flags);
}

void process_kill(struct process *process, int status)
{
    struct system_process_end reason = {.cause = SYSTEM_END_KILLED, .status = status};
    end(process, &reason);
}

void process_exit(int status)
{
    struct system_process_end reason = {.cause = SYSTEM_END_EXIT, .status = status};
    end(current_process(), &reason);
}

void process_fault(const struct trap_frame *frame, uint64_t cr2)
{
    struct system_process_end reason = {.cause = SYSTEM_END_FAULT, .status = -1};
    fault_report_make(frame, cr2, &reason.fault);
    end(current_process(), &reason);
}

_Noreturn void process_leave(void)
{
    struct thread *self = current_thread();
    struct process *process = self->process;
    /* The kernel's tables from here on: the process's own may go at any time. */
    interrupts_disable();
    self->root = memory_root();
    self->process = NULL;
    write_cr3(self->root);
    interrupts_enable();

    uint64_t flags = spin_lock(&process->lock);
    list_remove(&self->process_link);
    bool last = --process->thread_count == 0;
    if (last)
        __atomic_store_n(&process->dying, true, __ATOMIC_RELEASE); /* its end is fixed now */
    spin_unlock(&process->lock, flags);
    if (last) {
        empty(process);
        __atomic_store_n(&process->ended, true, __ATOMIC_RELEASE);
        wake_all(&process->ended_queue);
        process_put(process);
    }
    thread_exit(0);
}

bool process_wait(struct process *process, struct system_process_end *result, uint64_t deadline)
{
    WAIT_UNTIL(&process->ended_queue,
               __atomic_load_n(&process->ended, __ATOMIC_ACQUIRE) || process_is_dying(), deadline);
    if (!__atomic_load_n(&process->ended, __ATOMIC_ACQUIRE))
        return false;
    *result = process->end;
    return true;
}
