#include "parent/console/vm_machine.h"

#include "lib/cmdline.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/keys.h"
#include "parent/console/terminal.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/proc/object.h"
#include "parent/services/child.h"
#include "parent/services/child_screen.h"
#include "parent/services/scsi_controller.h"
#include "parent/services/store.h"

#define KEY_INTERVAL_US 30000    /* as a person who types fast: systems have small buffers */
#define KEY_PATIENCE_US 3000000u /* for a system that does not read its keyboard */
#define TEXT_PIECE 512u
#define PIECE_SIZE 4096u

static bool refused(const char *command, struct child *child, const char *error)
{
    return command_failed(command, NULL, "%s: %s", child_name(child), error);
}

/* --- Drives --- */

static bool parse_lun(const char *word, unsigned *lun)
{
    uint64_t number;
    bool good = parse_number(word, &number) && number < SCSI_CONTROLLER_DISKS;
    *lun = good ? (unsigned)number : 0;
    return good;
}

/* The controller on the bus and the LUN, for children whose machine is not emulated, and for drives
 * that are given by number. */
static struct channel_device *bus_drive(const char *command, struct child *child, const char *word,
                                        unsigned *lun)
{
    struct channel_device *controller = child_controller(child);
    if (controller && parse_lun(word, lun))
        return controller;
    command_failed(command,
                   "Drives on the bus are LUNs from 0 on; those of machine=pc cd:2 or fd:0",
                   "%s: %s is no drive", child_name(child), word);
    return NULL;
}

bool vm_insert(struct child *child, unsigned count, char **arguments)
{
    const char *command = arguments[0], *drive = arguments[3], *path = arguments[4], *error;
    (void)count;
    if (!child_is_emulated(child)) {
        unsigned lun;
        struct channel_device *controller = bus_drive(command, child, drive, &lun);
        return controller && scsi_controller_insert(command, controller, lun, path);
    }
    struct object *disk = child_drive_open(command, drive, path);
    if (!disk)
        return false;
    if (child_insert(child, drive, disk, &error))
        return true;
    object_put(disk);
    return refused(command, child, error);
}

bool vm_eject(struct child *child, unsigned count, char **arguments)
{
    const char *command = arguments[0], *drive = arguments[3], *error;
    (void)count;
    if (!child_is_emulated(child)) {
        unsigned lun;
        struct channel_device *controller = bus_drive(command, child, drive, &lun);
        return controller && scsi_controller_eject(command, controller, lun);
    }
    return child_eject(child, drive, &error) || refused(command, child, error);
}

/* --- Keyboard, mouse, power --- */

/* For children with the bus. */
static bool press_on_bus(struct child *child, const struct key_strokes *strokes, const char **error)
{
    *error = "it has no keyboard driver that listens";
    for (uint32_t i = 0; i < strokes->count; i++) {
        const struct machine_control_key *key = &strokes->keys[i];
        uint32_t flags = (key->prefix == 0xe0 ? SYSTEM_VM_KEY_E0 : 0) |
                         (key->released ? SYSTEM_VM_KEY_RELEASE : 0);
        if (child_key(child, key->code, flags) != SYSTEM_OK)
            return false;
    }
    return true;
}

/* The keyboard takes what it has room for: the rest is tried again for a while. */
static bool press_on_machine(struct child *child, const struct key_strokes *strokes,
                             const char **error)
{
    struct machine_control_request request = {.type = MACHINE_CONTROL_KEYS};
    struct machine_control_answer answer;
    uint64_t deadline = time_now() + KEY_PATIENCE_US;
    uint32_t done = 0;
    while (done < strokes->count) {
        request.count = strokes->count - done;
        memcpy(request.keys, strokes->keys + done, request.count * sizeof(request.keys[0]));
        if (!child_ask(child, &request, NULL, &answer, error))
            return false;
        *error = "its system does not read the keyboard";
        if (answer.done > request.count || time_now() > deadline)
            return false;
        done += answer.done;
        if (done < strokes->count)
            thread_sleep(KEY_INTERVAL_US);
    }
    return true;
}

_Static_assert(KEYS_MAX_STROKES <= MACHINE_CONTROL_MAX_KEYS, "a request takes them all");

static bool press(const char *command, struct child *child, const struct key_strokes *strokes)
{
    const char *error;
    bool done = child_is_emulated(child) ? press_on_machine(child, strokes, &error)
                                         : press_on_bus(child, strokes, &error);
    thread_sleep(KEY_INTERVAL_US);
    return done || refused(command, child, error);
}

/* Words are separated by a space. \n at the end of a word is Enter. */
bool vm_type(struct child *child, unsigned count, char **arguments)
{
    struct key_strokes strokes;
    for (unsigned i = 3; i < count; i++) {
        if (i > 3 && (!keys_of_character(' ', &strokes) || !press(arguments[0], child, &strokes)))
            return false;
        for (const char *c = arguments[i]; *c != '\0'; c++) {
            bool enter = c[0] == '\\' && c[1] == 'n';
            if (!keys_of_character(enter ? '\n' : *c, &strokes))
                return command_failed(arguments[0], NULL, "no key of a US keyboard types %c", *c);
            if (!press(arguments[0], child, &strokes))
                return false;
            c += enter;
        }
    }
    return true;
}

bool vm_keys(struct child *child, unsigned count, char **arguments)
{
    struct key_strokes strokes;
    for (unsigned i = 3; i < count; i++) {
        if (!keys_of_name(arguments[i], &strokes))
            return command_failed(arguments[0],
                                  "Examples: enter, f1, a, ctrl-alt-delete, 0x1c (a make code)",
                                  "%s is no key", arguments[i]);
        if (!press(arguments[0], child, &strokes))
            return false;
    }
    return true;
}

#define DISTANCE_MAX 10000

static bool parse_distance(const char *word, int32_t *distance)
{
    uint64_t number;
    bool negative = *word == '-';
    if (!parse_number(word + negative, &number) || number > DISTANCE_MAX)
        return false;
    *distance = negative ? -(int32_t)number : (int32_t)number;
    return true;
}

bool vm_mouse(struct child *child, unsigned count, char **arguments)
{
    struct machine_control_request request = {.type = MACHINE_CONTROL_MOUSE};
    struct machine_control_answer answer;
    const char *error;
    int32_t buttons = 0;
    if (!parse_distance(arguments[3], &request.mouse.dx) ||
        !parse_distance(arguments[4], &request.mouse.dy) ||
        (count > 5 && (!parse_distance(arguments[5], &buttons) || buttons < 0 || buttons > 7)))
        return command_failed(arguments[0], "Buttons: 1 left, 2 right, 4 middle, or their sum",
                              "this is no movement");
    request.mouse.buttons = (uint32_t)buttons;
    return child_ask(child, &request, NULL, &answer, &error) || refused(arguments[0], child, error);
}

bool vm_button(struct child *child, unsigned count, char **arguments)
{
    struct machine_control_request request = {.type = MACHINE_CONTROL_BUTTON};
    struct machine_control_answer answer;
    const char *error;
    (void)count;
    return child_ask(child, &request, NULL, &answer, &error) || refused(arguments[0], child, error);
}

/* --- The screen --- */

/* What comes from a worker is not for our terminal but as plain characters: those that are not
 * ASCII become question marks. Returns the length of @text then. */
static size_t make_plain(char *text, size_t length)
{
    size_t plain = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)text[i];
        if (byte == '\n' || (byte >= ' ' && byte <= '~'))
            text[plain++] = (char)byte;
        else if (byte < 0x80 || byte >= 0xc0) /* not the rest of a sequence of UTF-8 */
            text[plain++] = '?';
    }
    return plain;
}

bool vm_screen(struct child *child, unsigned count, char **arguments)
{
    struct child_screen screen;
    const char *error;
    char piece[TEXT_PIECE];
    (void)count;
    if (!child_screen_take(child, false, &screen, &error))
        return refused(arguments[0], child, error);
    for (uint32_t offset = 0; offset < screen.size && !terminal_interrupted();
         offset += TEXT_PIECE) {
        uint32_t size = screen.size - offset < TEXT_PIECE ? screen.size - offset : TEXT_PIECE;
        child_screen_read(&screen, offset, piece, size);
        terminal_write(piece, make_plain(piece, size));
    }
    child_screen_free(&screen);
    return true;
}

static int write_piece(struct fat_file *file, uint64_t offset, const void *data, size_t size)
{
    size_t done;
    store_take();
    int error = fat_write(file, offset, data, size, &done);
    store_release();
    return error;
}

/* Writes the picture as a binary PPM. */
static int write_picture(struct fat_file *file, const struct child_screen *screen)
{
    static char piece[PIECE_SIZE]; /* one thread runs commands */
    int header = snprintf(piece, sizeof(piece), "P6\n%u %u\n255\n", screen->width, screen->height);
    int error = write_piece(file, 0, piece, (size_t)header);
    for (uint32_t offset = 0; error == FS_OK && offset < screen->size; offset += PIECE_SIZE) {
        uint32_t size = screen->size - offset < PIECE_SIZE ? screen->size - offset : PIECE_SIZE;
        child_screen_read(screen, offset, piece, size);
        error = write_piece(file, (uint64_t)header + offset, piece, size);
    }
    return error;
}

static int save_picture(const char *path, const struct child_screen *screen)
{
    struct fat_file *file;
    struct fat_volume *volume = store_take();
    if (!volume)
        return FS_NOT_FOUND;
    int error = fat_open(volume, path, FAT_OPEN_CREATE | FAT_OPEN_TRUNCATE, &file);
    store_release();
    if (error != FS_OK)
        return error;
    error = write_picture(file, screen);
    store_take();
    fat_close(file);
    int synced = fat_sync(volume);
    store_release();
    return error != FS_OK ? error : synced;
}

bool vm_screenshot(struct child *child, unsigned count, char **arguments)
{
    struct child_screen screen;
    const char *error;
    (void)count;
    if (!child_screen_take(child, true, &screen, &error))
        return refused(arguments[0], child, error);
    int result = save_picture(arguments[3], &screen);
    child_screen_free(&screen);
    if (result != FS_OK)
        return command_failed(arguments[0], NULL, "%s: %s", arguments[3], fs_error_text(result));
    terminal_print("%s: %u by %u pixels\n", arguments[3], screen.width, screen.height);
    return true;
}
