#include "worker/control.h"

#include "lib/string.h"
#include "parent/user/system.h"
#include "worker/control_screen.h"
#include "worker/devices/disk.h"
#include "worker/devices/i8042.h"
#include "worker/devices/piix4_pm.h"
#include "worker/disk_host.h"
#include "worker/machine.h"

static const struct control *control;
static uint32_t pipe;

/* A request, and the handle that came with it: whoever keeps it sets it to 0. */
struct message {
    struct machine_control_request request;
    uint32_t handle;
};

/* Does one kind of request. Without the machine's lock. */
typedef enum machine_control_status action(struct message *message,
                                           struct machine_control_answer *answer);

/* --- Drives --- */

static struct disk *find_drive(const struct machine_control_request *request)
{
    for (uint32_t i = 0; i < control->drive_count; i++) {
        const struct control_drive *drive = &control->drives[i];
        if (strncmp(drive->name, request->drive, sizeof(drive->name)) == 0 &&
            drive->disk->removable)
            return drive->disk;
    }
    return NULL;
}

static enum machine_control_status insert(struct message *message,
                                          struct machine_control_answer *answer)
{
    struct disk *disk = find_drive(&message->request);
    enum machine_control_status status = MACHINE_CONTROL_NO_MEDIUM;
    (void)answer;
    if (!disk)
        return MACHINE_CONTROL_NO_DRIVE;
    lock_take(&machine.lock);
    if (disk_host_is_loaded(disk)) {
        status = MACHINE_CONTROL_NOT_EMPTY;
    } else if (disk_host_insert(disk, message->handle)) {
        message->handle = 0;
        status = MACHINE_CONTROL_DONE;
    }
    lock_release(&machine.lock);
    return status;
}

static enum machine_control_status eject(struct message *message,
                                         struct machine_control_answer *answer)
{
    struct disk *disk = find_drive(&message->request);
    (void)answer;
    if (!disk)
        return MACHINE_CONTROL_NO_DRIVE;
    lock_take(&machine.lock);
    bool removed = disk_host_remove(disk);
    lock_release(&machine.lock);
    return removed ? MACHINE_CONTROL_DONE : MACHINE_CONTROL_NO_MEDIUM;
}

/* --- Keyboard, mouse, power --- */

/* Types as many keys as the keyboard has room for. */
static enum machine_control_status type_keys(struct message *message,
                                             struct machine_control_answer *answer)
{
    const struct machine_control_request *request = &message->request;
    if (!control->keyboard)
        return MACHINE_CONTROL_UNAVAILABLE;
    if (request->count > MACHINE_CONTROL_MAX_KEYS)
        return MACHINE_CONTROL_INVALID;
    lock_take(&machine.lock);
    while (answer->done < request->count) {
        const struct machine_control_key *key = &request->keys[answer->done];
        if (!i8042_key(control->keyboard, key->prefix, key->code, key->released))
            break;
        answer->done++;
    }
    lock_release(&machine.lock);
    return MACHINE_CONTROL_DONE;
}

static enum machine_control_status move_mouse(struct message *message,
                                              struct machine_control_answer *answer)
{
    const struct machine_control_mouse *mouse = &message->request.mouse;
    (void)answer;
    if (!control->keyboard)
        return MACHINE_CONTROL_UNAVAILABLE;
    lock_take(&machine.lock);
    i8042_mouse(control->keyboard, mouse->dx, mouse->dy, mouse->dz, (uint8_t)mouse->buttons);
    lock_release(&machine.lock);
    return MACHINE_CONTROL_DONE;
}

static enum machine_control_status press_button(struct message *message,
                                                struct machine_control_answer *answer)
{
    (void)message, (void)answer;
    if (!control->power)
        return MACHINE_CONTROL_UNAVAILABLE;
    lock_take(&machine.lock);
    piix4_pm_power_button(control->power);
    lock_release(&machine.lock);
    return MACHINE_CONTROL_DONE;
}

/* --- The screen --- */

typedef enum machine_control_status screen_writer(const struct vga *vga, void *data, uint32_t size,
                                                  struct machine_control_answer *answer);

/* Lets @write fill the first `count` bytes of the memory that came with the request. */
static enum machine_control_status show_screen(const struct message *message,
                                               struct machine_control_answer *answer,
                                               screen_writer *write)
{
    void *data;
    uint32_t size = message->request.count;
    if (!control->screen)
        return MACHINE_CONTROL_UNAVAILABLE;
    if (system_memory_map(message->handle, 0, size, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE, &data) <
        0)
        return MACHINE_CONTROL_INVALID;
    enum machine_control_status status = write(control->screen, data, size, answer);
    system_memory_unmap(data);
    return status;
}

static enum machine_control_status show_text(struct message *message,
                                             struct machine_control_answer *answer)
{
    return show_screen(message, answer, control_text);
}

static enum machine_control_status show_picture(struct message *message,
                                                struct machine_control_answer *answer)
{
    return show_screen(message, answer, control_picture);
}

/* --- Requests --- */

static void serve(struct message *message)
{
    static action *const actions[] = {
        [MACHINE_CONTROL_INSERT] = insert,        [MACHINE_CONTROL_EJECT] = eject,
        [MACHINE_CONTROL_KEYS] = type_keys,       [MACHINE_CONTROL_MOUSE] = move_mouse,
        [MACHINE_CONTROL_BUTTON] = press_button,  [MACHINE_CONTROL_TEXT] = show_text,
        [MACHINE_CONTROL_PICTURE] = show_picture,
    };
    struct machine_control_answer answer = {
        .id = message->request.id,
        .status = MACHINE_CONTROL_INVALID,
    };
    if (message->request.type < sizeof(actions) / sizeof(actions[0]))
        answer.status = actions[message->request.type](message, &answer);
    if (message->handle != 0)
        system_handle_close(message->handle);
    system_pipe_send(pipe, &answer, sizeof(answer), NULL, 0, SYSTEM_FOREVER);
}

static void receive(void *argument)
{
    static struct message message;
    (void)argument;
    for (;;) {
        struct system_message got = {.buffer = (uintptr_t)&message.request,
                                     .size = sizeof(message.request)};
        if (system_pipe_receive(pipe, &got, SYSTEM_FOREVER) < 0)
            system_thread_exit(); /* nobody is there any more */
        message.handle = got.handle_count > 0 ? got.handles[0] : 0;
        if (got.size == sizeof(message.request))
            serve(&message);
    }
}

void control_start(const struct control *devices, uint32_t handle)
{
    control = devices;
    pipe = handle;
    machine_start_thread(receive, NULL);
}
