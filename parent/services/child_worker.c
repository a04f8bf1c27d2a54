#include "parent/services/child_worker.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/include/channel_device.h"
#include "parent/include/memory.h"
#include "parent/services/child.h"
#include "parent/services/guest_console.h"
#include "parent/services/machine_pipe.h"

#define PORT_WORD_SIZE 24

/* The console, the control pipe, and what is attached. */
#define OBJECTS_MAX (2 + CHILD_DRIVES_MAX + CHILD_PORTS_MAX + CHILD_DEVICES_MAX)
_Static_assert(OBJECTS_MAX <= SYSTEM_MAX_START_HANDLES, "a process gets them all");

/* Appends the worker's words for what its machine has; their length, 0 if there is no room. */
static size_t write_words(const struct child_plan *plan, char words[SYSTEM_MAX_ARGUMENTS])
{
    size_t length = plan->words_size;
    memcpy(words, plan->words, length);
    if (plan->drives.count > 0) {
        size_t added =
            child_drives_words(&plan->drives, words + length, SYSTEM_MAX_ARGUMENTS - length);
        if (added == 0)
            return 0;
        length += added;
    }
    for (unsigned i = 0; i < plan->port_count; i++) {
        if (SYSTEM_MAX_ARGUMENTS - length < PORT_WORD_SIZE)
            return 0;
        snprintf(words + length, PORT_WORD_SIZE, "attach=nic:%u", i);
        length += strlen(words + length) + 1;
    }
    return length;
}

/* Collects what the worker gets handles for, in the order of its words; how many. */
static unsigned collect_objects(const struct child_plan *plan, struct guest_console *console,
                                struct machine_pipe *pipe, struct object **objects)
{
    unsigned count = 0;
    objects[count++] = guest_console_object(console);
    if (pipe)
        objects[count++] = machine_pipe_object(pipe);
    for (unsigned i = 0; i < plan->drives.count; i++)
        if (plan->drives.drives[i].disk)
            objects[count++] = plan->drives.drives[i].disk;
    for (unsigned i = 0; i < plan->port_count; i++)
        objects[count++] = plan->ports[i];
    for (unsigned i = 0; i < plan->device_count; i++)
        objects[count++] = channel_device_object(plan->devices[i]);
    return count;
}

struct process *child_worker_start(const struct child_plan *plan, struct guest_console *console,
                                   struct machine_pipe *pipe, const char **error)
{
    struct process_data data[] = {{plan->kernel.data, plan->kernel.size},
                                  {plan->initrd.data, plan->initrd.size}};
    struct object *objects[OBJECTS_MAX];
    struct process *process = NULL;
    *error = "no memory is left";
    char *words = heap_allocate(SYSTEM_MAX_ARGUMENTS);
    if (!words)
        return NULL;
    *error = "the words are too long";
    size_t size = write_words(plan, words);
    struct process_program program = {
        .name = plan->name,
        .file = plan->worker.data,
        .size = plan->worker.size,
        .arguments = words,
        .arguments_size = size,
        .data = data,
        .data_count = 1 + (plan->initrd.size > 0),
        .objects = objects,
        .object_count = collect_objects(plan, console, pipe, objects),
    };
    if (size > 0)
        process = process_start(&program, error);
    heap_free(words);
    return process;
}
