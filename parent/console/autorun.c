#include "parent/console/autorun.h"

#include <stddef.h>
#include <stdint.h>

#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/line_editor.h"
#include "parent/console/terminal.h"
#include "parent/include/memory.h"
#include "parent/kernel/boot.h"
#include "parent/services/store.h"

#define FILE_SIZE_MAX (1u << 20)
#define NAME_SIZE 128

static bool running, go_on_after_errors;
static void (*end_action)(void);

bool autorun_end_with(void (*action)(void))
{
    if (running)
        end_action = action;
    return running;
}

bool autorun_on_error(bool go_on)
{
    go_on_after_errors = go_on;
    return running;
}

static const char *module_text(const char *name, size_t *size)
{
    for (uint32_t i = 0; i < boot_info.module_count; i++) {
        if (strcmp(boot_info.modules[i].name, name) == 0) {
            *size = boot_info.modules[i].size;
            return physical_to_virtual(boot_info.modules[i].base);
        }
    }
    return NULL;
}

/* The whole file in memory that stays; NULL with a message if it cannot be read. */
static const char *file_text(const char *name, size_t *size)
{
    struct fat_volume *volume = store_take();
    struct fat_file *file;
    char *text = NULL;

    if (volume == NULL) {
        command_failed("autorun", NULL, "no module %s, and no store to look for a file", name);
        return NULL;
    }
    int error = fat_open(volume, name, 0, &file);
    if (error == FS_OK) {
        uint32_t length = fat_file_size(file);
        if (length > FILE_SIZE_MAX)
            error = FS_TOO_LARGE;
        else if ((text = heap_allocate(length + 1)) != NULL)
            error = fat_read(file, 0, text, length, size);
        fat_close(file);
    }
    store_release();
    if (error != FS_OK)
        command_failed("autorun", NULL, "%s: %s", name, fs_error_text(error));
    return error == FS_OK ? text : NULL;
}

/* Copies the line at *@text to @line; false at the end. */
static bool next_line(const char **text, const char *end, char line[LINE_SIZE])
{
    size_t length = 0;

    if (*text >= end)
        return false;
    for (; *text < end && **text != '\n'; (*text)++)
        if (**text != '\r' && length + 1 < LINE_SIZE)
            line[length++] = **text;
    line[length] = '\0';
    (*text)++;
    return true;
}

/* Returns the number of the first line that failed, or 0. */
static uint32_t run_text(const char *text, size_t size)
{
    const char *end = text + size;
    char line[LINE_SIZE];
    uint32_t number = 0, failed = 0;

    while (end_action == NULL && next_line(&text, end, line)) {
        number++;
        if (line[0] == '\0')
            continue;
        terminal_print("+ %s\n", line);
        if (command_run_line(line))
            continue;
        if (failed == 0)
            failed = number;
        if (!go_on_after_errors)
            break;
    }
    return failed;
}

void autorun(void)
{
    char name[NAME_SIZE];
    size_t size = 0;

    if (!boot_option("autorun", name, sizeof(name)))
        return;
    const char *text = module_text(name, &size);
    if (text == NULL)
        text = file_text(name, &size);
    running = true;
    uint32_t failed = text == NULL ? 1 : run_text(text, size);
    running = false;
    if (failed == 0)
        terminal_print("AUTORUN PASS\n");
    else
        terminal_print("AUTORUN FAIL at line %u of %s\n", failed, name);
    if (end_action != NULL)
        end_action();
}
