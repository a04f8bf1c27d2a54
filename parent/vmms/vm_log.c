#include "parent/vmms/vm_log.h"

#include <stdarg.h>

#include "lib/calendar.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/include/log.h"
#include "parent/include/time.h"
#include "parent/services/store.h"
#include "parent/vmms/vm_store.h"

#define EVENT_SIZE 256

void vm_log_init(struct vm_log *log, const char *name)
{
    memset(log, 0, sizeof(*log));
    string_copy(log->name, name, sizeof(log->name));
    mutex_init(&log->lock);
}

/* --- Writing; with the lock --- */

static int append(struct fat_volume *volume, const char *path, const char *old, const char *text,
                  size_t size)
{
    struct fat_file *file;
    size_t done;
    int error = fat_open(volume, path, FAT_OPEN_CREATE, &file);
    if (error != FS_OK)
        return error;
    uint32_t end = fat_file_size(file);
    if (end + size > VM_LOG_FILE_MAX) {
        fat_close(file);
        error = fat_rename(volume, path, old);
        if (error == FS_OK)
            error = fat_open(volume, path, FAT_OPEN_CREATE, &file);
        if (error != FS_OK)
            return error;
        end = fat_file_size(file);
    }
    error = fat_write(file, end, text, size, &done);
    int closed = fat_close(file);
    return error != FS_OK ? error : closed;
}

static void write_out(struct vm_log *log)
{
    char path[VM_FILE_PATH_SIZE], old[VM_FILE_PATH_SIZE];
    int error = FS_NOT_FOUND;
    if (log->used == 0)
        return;
    vm_store_path(log->name, "", "log", path);
    vm_store_path(log->name, "", "log.old", old);
    struct fat_volume *volume = store_take();
    if (volume) {
        error = append(volume, path, old, log->buffer, log->used);
        store_release();
    }
    log->used = 0;
    if (error != FS_OK && !log->complained)
        log_print(LOG_WARNING, "vmms: %s cannot be written: %s", path, fs_error_text(error));
    log->complained = error != FS_OK;
}

static void put(struct vm_log *log, char c)
{
    if (log->used == sizeof(log->buffer))
        write_out(log);
    log->buffer[log->used++] = c;
}

static void put_text(struct vm_log *log, const char *text)
{
    while (*text != '\0')
        put(log, *text++);
}

static void end_line(struct vm_log *log)
{
    put(log, '\n');
    log->in_line = false;
}

/* --- For everybody --- */

void vm_log_hear(struct vm_log *log, const char *bytes, size_t count)
{
    mutex_lock(&log->lock);
    for (size_t i = 0; i < count; i++) {
        char c = bytes[i];
        bool plain = (c >= ' ' && c <= '~') || c == '\t';
        if (!plain && c != '\n')
            continue;
        if (!log->in_line)
            put_text(log, "| ");
        log->in_line = true;
        if (plain)
            put(log, c);
        else
            end_line(log);
    }
    mutex_unlock(&log->lock);
}

void vm_log_event(struct vm_log *log, const char *format, ...)
{
    char text[EVENT_SIZE], date[32];
    struct calendar now;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    calendar_from_seconds(time_wall_clock(), &now);
    snprintf(date, sizeof(date), "%04u-%02u-%02u %02u:%02u:%02u ", now.year, now.month, now.day,
             now.hour, now.minute, now.second);
    mutex_lock(&log->lock);
    if (log->in_line)
        end_line(log);
    put_text(log, date);
    put_text(log, text);
    end_line(log);
    write_out(log);
    mutex_unlock(&log->lock);
}

void vm_log_flush(struct vm_log *log)
{
    mutex_lock(&log->lock);
    write_out(log);
    mutex_unlock(&log->lock);
}
