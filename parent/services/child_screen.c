#include "parent/services/child_screen.h"

#include "include/machine_control.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/proc/memory_object.h"
#include "parent/services/child.h"

#define TEXT_SIZE 65536u /* bytes: of the largest text screen */
#define WIDTH_MAX 2560u
#define HEIGHT_MAX 1600u
#define PIXEL_SIZE 3u
#define PICTURE_SIZE (WIDTH_MAX * HEIGHT_MAX * PIXEL_SIZE)

static struct memory_object *create_memory(uint32_t size)
{
    enum system_error error;
    struct job *job = job_create();
    if (!job)
        return NULL;
    struct memory_object *memory =
        memory_object_create(job, (size + PAGE_SIZE - 1) >> PAGE_SHIFT, &error);
    job_put(job); /* the memory keeps it */
    return memory;
}

static bool measure(struct child_screen *screen, const struct machine_control_answer *answer,
                    bool picture)
{
    if (answer->width == 0 || answer->width > WIDTH_MAX || answer->height == 0 ||
        answer->height > HEIGHT_MAX || answer->done > TEXT_SIZE)
        return false;
    screen->width = answer->width;
    screen->height = answer->height;
    screen->size = picture ? answer->width * answer->height * PIXEL_SIZE : answer->done;
    return true;
}

bool child_screen_take(struct child *child, bool picture, struct child_screen *screen,
                       const char **error)
{
    uint32_t limit = picture ? PICTURE_SIZE : TEXT_SIZE;
    struct machine_control_request request = {
        .type = picture ? MACHINE_CONTROL_PICTURE : MACHINE_CONTROL_TEXT,
        .count = limit,
    };
    struct machine_control_answer answer;

    *error = "no memory is left";
    screen->memory = create_memory(limit);
    if (!screen->memory)
        return false;
    bool done = child_ask(child, &request, &screen->memory->object, &answer, error);
    if (done && !measure(screen, &answer, picture)) {
        *error = "its worker says that it has an impossible size";
        done = false;
    }
    if (!done)
        child_screen_free(screen);
    return done;
}

void child_screen_free(struct child_screen *screen)
{
    object_put(&screen->memory->object);
}

void child_screen_read(const struct child_screen *screen, uint32_t offset, void *data, size_t size)
{
    memory_object_read(screen->memory, offset, data, size);
}
