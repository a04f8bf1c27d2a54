/* Test program in place of the worker of an emulated machine: says what it was started with, and
 * serves the control pipe, as vps= says:
 *     1  as it should be      2  not at all
 *     3  by nonsense          4  by an exception
 * With 1 the power button ends it with status 0. */
#include <stdbool.h>

#include "include/machine_control.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

/* Handles: the firmware, the serial port's pipe, the control pipe, what is attached. */
#define SERIAL 2u
#define CONTROL 3u
#define KEYS_AT_ONCE 3u
#define JUNK 100
#define PICTURE_WIDTH 3u
#define PICTURE_HEIGHT 2u

/* The handles of the media in the two drives for them; 0: none. */
static uint32_t cd, floppy;

static uint32_t *find_drive(const char *name)
{
    if (strcmp(name, "cd:2") == 0)
        return &cd;
    return strcmp(name, "fd:0") == 0 ? &floppy : NULL;
}

static void describe(uint32_t handle, const char *name)
{
    struct system_disk_information disk;
    if (system_disk_information(handle, &disk) == 0)
        printf("machine: %s is handle %u: %lu sectors of %u bytes%s\n", name, handle,
               disk.sector_count, disk.sector_size,
               disk.flags & SYSTEM_DISK_IS_READ_ONLY ? ", read-only" : "");
    else
        printf("machine: %s is handle %u and no disk\n", name, handle);
}

/* Says what the words and handles are; the number that vps= gives. */
static uint64_t read_words(int argc, char **argv)
{
    uint32_t handle = CONTROL + 1;
    uint64_t mode = 0;
    for (int i = 1; i < argc; i++) {
        size_t length = strlen(argv[i]);
        printf("machine: word %s\n", argv[i]);
        if (strncmp(argv[i], "vps=", 4) == 0)
            parse_number(argv[i] + 4, &mode);
        if (strncmp(argv[i], "attach=", 7) != 0 ||
            (length > 6 && strcmp(argv[i] + length - 6, ":empty") == 0))
            continue;
        if (find_drive(argv[i] + 7))
            *find_drive(argv[i] + 7) = handle;
        describe(handle++, argv[i]);
    }
    printf("machine: %u handles, %u of them known\n", program_handle_count(), handle - 1);
    return mode;
}

static uint32_t show(uint32_t memory, uint32_t size, const char *bytes, uint32_t count)
{
    void *data;
    if (system_memory_map(memory, 0, size, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE, &data) < 0)
        return MACHINE_CONTROL_INVALID;
    memcpy(data, bytes, count);
    system_memory_unmap(data);
    return MACHINE_CONTROL_DONE;
}

static uint32_t type(const struct machine_control_request *request,
                     struct machine_control_answer *answer)
{
    while (answer->done < request->count && answer->done < KEYS_AT_ONCE) {
        const struct machine_control_key *key = &request->keys[answer->done++];
        printf("machine: key %x %s\n", key->prefix << 8 | key->code, key->released ? "up" : "down");
    }
    return MACHINE_CONTROL_DONE;
}

static uint32_t insert(const struct machine_control_request *request, uint32_t handle)
{
    uint32_t *drive = find_drive(request->drive);
    if (!drive)
        return MACHINE_CONTROL_NO_DRIVE;
    describe(handle, request->drive);
    *drive = handle;
    return MACHINE_CONTROL_DONE;
}

static uint32_t eject(const struct machine_control_request *request)
{
    uint32_t *drive = find_drive(request->drive);
    if (!drive || system_handle_close(*drive) < 0)
        return MACHINE_CONTROL_NO_MEDIUM;
    return MACHINE_CONTROL_DONE;
}

static uint32_t serve(const struct machine_control_request *request, uint32_t handle,
                      struct machine_control_answer *answer)
{
    static const char text[] = "First \x1b[31m row\nSecond \xc3\xa4 row\n";
    switch (request->type) {
    case MACHINE_CONTROL_INSERT:
        return insert(request, handle);
    case MACHINE_CONTROL_EJECT:
        return eject(request);
    case MACHINE_CONTROL_KEYS:
        return type(request, answer);
    case MACHINE_CONTROL_MOUSE:
        printf("machine: mouse %d %d buttons %u\n", request->mouse.dx, request->mouse.dy,
               request->mouse.buttons);
        return MACHINE_CONTROL_DONE;
    case MACHINE_CONTROL_TEXT:
        answer->width = 80;
        answer->height = 2;
        answer->done = sizeof(text) - 1;
        return show(handle, request->count, text, sizeof(text) - 1);
    case MACHINE_CONTROL_PICTURE:
        answer->width = PICTURE_WIDTH;
        answer->height = PICTURE_HEIGHT;
        return show(handle, request->count, "rgbRGBrgbRGBrgbRGB",
                    3 * PICTURE_WIDTH * PICTURE_HEIGHT);
    default:
        return MACHINE_CONTROL_DONE;
    }
}

/* Junk of all sizes, and an answer whose numbers cannot be. */
static void answer_nonsense(const struct machine_control_request *request)
{
    static uint8_t junk[SYSTEM_MAX_MESSAGE];
    struct machine_control_answer answer = {
        .id = request->id,
        .status = request->type == MACHINE_CONTROL_BUTTON ? UINT32_MAX : MACHINE_CONTROL_DONE,
        .done = UINT32_MAX,
        .width = UINT32_MAX,
        .height = UINT32_MAX,
    };
    for (uint32_t i = 0; i < JUNK; i++)
        system_pipe_send(CONTROL, junk, sizeof(answer) * (i % 7 + 1), NULL, 0, SYSTEM_FOREVER);
    system_pipe_send(CONTROL, &answer, sizeof(answer), NULL, 0, SYSTEM_FOREVER);
}

static void handle_request(uint64_t mode, const struct machine_control_request *request,
                           uint32_t handle)
{
    struct machine_control_answer answer = {.id = request->id};
    if (mode == 4)
        abort();
    if (mode == 3) {
        answer_nonsense(request);
        return;
    }
    answer.status = serve(request, handle, &answer);
    system_pipe_send(CONTROL, &answer, sizeof(answer), NULL, 0, SYSTEM_FOREVER);
    if (request->type == MACHINE_CONTROL_BUTTON)
        system_exit(0);
}

/* As a guest that tries to make up events in its log. */
static void say_on_serial_port(void)
{
    static const char text[] = "serial \x1b[31mport\r\n2099-01-01 00:00:00 ended\nno end";
    system_pipe_send(SERIAL, text, sizeof(text) - 1, NULL, 0, SYSTEM_FOREVER);
}

int main(int argc, char **argv)
{
    static struct machine_control_request request;
    uint64_t mode = read_words(argc, argv);
    say_on_serial_port();
    if (mode == 2)
        system_sleep(SYSTEM_FOREVER);
    for (;;) {
        struct system_message message = {.buffer = (uint64_t)&request, .size = sizeof(request)};
        if (system_pipe_receive(CONTROL, &message, SYSTEM_FOREVER) < 0)
            return 1;
        handle_request(mode, &request, message.handle_count > 0 ? message.handles[0] : 0);
    }
}
