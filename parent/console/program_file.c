#include "parent/console/program_file.h"

#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/memory.h"
#include "parent/include/time.h"
#include "parent/kernel/boot.h"
#include "parent/services/store.h"

#define FILE_SIZE_MAX (16u << 20)
#define INTERRUPT_CHECK_US 100000

static bool open_module(const char *name, struct program_file *file)
{
    for (uint32_t i = 0; i < boot_info.module_count; i++) {
        if (strcmp(boot_info.modules[i].name, name) == 0) {
            *file = (struct program_file){.data = physical_to_virtual(boot_info.modules[i].base),
                                          .size = boot_info.modules[i].size};
            return true;
        }
    }
    return false;
}

bool program_is_module(const char *name)
{
    struct program_file file;

    return open_module(name, &file);
}

/* Copies the open file. */
static int read_file(struct fat_file *from, struct program_file *file)
{
    uint32_t length = fat_file_size(from);

    if (length == 0 || length > FILE_SIZE_MAX)
        return FS_TOO_LARGE;
    file->copy = heap_allocate(length);
    if (file->copy == NULL)
        return FS_NO_SPACE;
    file->data = file->copy;
    return fat_read(from, 0, file->copy, length, &file->size);
}

bool program_file_open(const char *command, const char *name, struct program_file *file)
{
    struct fat_file *from;

    if (open_module(name, file))
        return true;
    *file = (struct program_file){0};
    struct fat_volume *volume = store_take();
    int error = volume == NULL ? FS_NOT_FOUND : fat_open(volume, name, 0, &from);
    if (error == FS_OK) {
        error = read_file(from, file);
        fat_close(from);
    }
    if (volume != NULL)
        store_release();
    if (error == FS_OK)
        return true;
    program_file_close(file);
    return command_failed(command, "Programs are files on the store, or boot modules", "%s: %s",
                          name, fs_error_text(error));
}

void program_file_close(struct program_file *file)
{
    heap_free(file->copy);
    file->copy = NULL;
}

size_t program_join_words(unsigned count, char **words, char *text, size_t size)
{
    size_t length = 0;

    for (unsigned i = 0; i < count; i++) {
        size_t word = strlen(words[i]) + 1;
        if (word > size - length)
            return 0;
        memcpy(text + length, words[i], word);
        length += word;
    }
    return length;
}

bool program_end(const char *name, const struct system_process_end *end)
{
    if (end->cause == SYSTEM_END_EXIT) {
        terminal_print("%s ended with status %d\n", name, end->status);
        return end->status == 0;
    }
    return command_failed(name, "log has its report", "it was ended");
}

bool program_wait(struct process *process)
{
    struct system_process_end end;

    while (!process_wait(process, &end, time_now() + INTERRUPT_CHECK_US))
        if (terminal_interrupted())
            process_kill(process, STATUS_KILLED);
    if (end.cause != SYSTEM_END_EXIT)
        process_report(process, &end);
    bool success = program_end(process_name(process), &end);
    process_put(process);
    return success;
}
