/* Commands on the files of the store. */
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/memory.h"
#include "parent/services/store.h"
#include "parent/services/store_files.h"

#define COPY_SIZE (64u << 10)
#define PATH_SIZE 512
#define HEX_COLUMNS 16

/* What to do about an error, where there is something. */
static const char *hint(int error)
{
    switch (error) {
    case FS_NOT_FOUND:
        return "ls shows what is there";
    case FS_NOT_EMPTY:
        return "Remove its files first, or use rm -r";
    case FS_BUSY:
        return "It is in use: end what uses it first";
    case FS_NO_SPACE:
        return "df shows how much is free; rm makes room";
    case FS_READ_ONLY:
        return "log shows why the store is read-only";
    case FS_DAMAGED:
        return "Save what you can, then check the store with fsck.fat on another system";
    default:
        return NULL;
    }
}

static bool failed(const char *name, const char *path, int error)
{
    return command_failed(name, hint(error), "%s: %s", path, fs_error_text(error));
}

/* The volume for this command; NULL with a message if there is none. */
static struct fat_volume *take(const char *name)
{
    struct fat_volume *volume = store_take();

    if (volume == NULL)
        command_failed(name, "disks shows the disks; the store is a FAT volume labelled VENEER",
                       "there is no store");
    return volume;
}

/* Releases the volume; true if @error is none, else with a message. */
static bool finish(const char *name, const char *path, int error)
{
    store_release();
    if (error == FS_OK)
        return true;
    failed(name, path, error);
    return false;
}

static void print_status(const struct fat_status *status)
{
    const struct fs_time *t = &status->modified;

    terminal_print("%10u  %04u-%02u-%02u %02u:%02u  %s%s\n", status->size, t->year, t->month,
                   t->day, t->hour, t->minute, status->name,
                   status->attributes & FAT_DIRECTORY ? "/" : "");
}

/* Prints an open directory, taking the volume for each entry only: paging may take long. */
static int print_directory(struct fat_file *file)
{
    static struct fat_status status; /* large, and one thread runs commands */
    uint32_t position = 0;
    int error = FS_OK;

    while (error == FS_OK && !terminal_interrupted()) {
        store_take();
        error = fat_read_directory(file, &position, &status);
        store_release();
        if (error == FS_OK)
            print_status(&status);
    }
    return error == FS_NOT_FOUND ? FS_OK : error;
}

static int close_file(struct fat_file *file)
{
    store_take();
    int error = fat_close(file);
    store_release();
    return error;
}

static bool run_ls(unsigned count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "/";
    struct fat_volume *volume = take("ls");
    struct fat_status status;
    struct fat_file *file;

    if (volume == NULL)
        return false;
    int error = fat_get_status(volume, path, &status);
    if (error == FS_OK && !(status.attributes & FAT_DIRECTORY)) {
        store_release();
        print_status(&status);
        return true;
    }
    if (error == FS_OK)
        error = fat_open(volume, path, FAT_OPEN_DIRECTORY, &file);
    if (!finish("ls", path, error))
        return false;
    error = print_directory(file);
    close_file(file);
    return error == FS_OK || failed("ls", path, error);
}

static int open_file(const char *name, const char *path, unsigned flags, struct fat_file **file)
{
    struct fat_volume *volume = take(name);

    if (volume == NULL)
        return FS_IO;
    int error = fat_open(volume, path, flags, file);
    return finish(name, path, error) ? FS_OK : error;
}

/* The next piece of a file: its length, 0 at the end, or a negative error. */
static int64_t read_piece(struct fat_file *file, uint64_t offset, void *buffer, size_t size)
{
    size_t done = 0;

    store_take();
    int error = fat_read(file, offset, buffer, size, &done);
    store_release();
    return error != FS_OK ? error : (int64_t)done;
}

/* Gives the file to @show piece by piece. */
static bool show_file(const char *name, const char *path, uint64_t offset, uint64_t limit,
                      void (*show)(uint64_t offset, const uint8_t *data, size_t size))
{
    static uint8_t buffer[4096];
    struct fat_file *file;
    int64_t length = 0;

    if (open_file(name, path, 0, &file) != FS_OK)
        return false;
    while (limit > 0 && !terminal_interrupted()) {
        length = read_piece(file, offset, buffer, limit < sizeof(buffer) ? limit : sizeof(buffer));
        if (length <= 0)
            break;
        show(offset, buffer, (size_t)length);
        offset += (uint64_t)length;
        limit -= (uint64_t)length;
    }
    close_file(file);
    return length >= 0 || failed(name, path, (int)length);
}

static void show_text(uint64_t offset, const uint8_t *data, size_t size)
{
    (void)offset;
    for (size_t i = 0; i < size; i++)
        if (data[i] != '\r')
            terminal_print("%c",
                           data[i] == '\n' || data[i] == '\t' || data[i] >= ' ' ? data[i] : '.');
}

static bool run_cat(unsigned count, char **arguments)
{
    (void)count;
    return show_file("cat", arguments[1], 0, UINT64_MAX, show_text);
}

static void show_hex(uint64_t offset, const uint8_t *data, size_t size)
{
    for (size_t line = 0; line < size; line += HEX_COLUMNS) {
        size_t length = size - line < HEX_COLUMNS ? size - line : HEX_COLUMNS;
        terminal_print("%08llx ", (unsigned long long)(offset + line));
        for (size_t i = 0; i < HEX_COLUMNS; i++) {
            if (i < length)
                terminal_print(" %02x", data[line + i]);
            else
                terminal_print("   ");
        }
        terminal_print("  ");
        for (size_t i = 0; i < length; i++)
            terminal_print("%c",
                           data[line + i] >= ' ' && data[line + i] < 0x7f ? data[line + i] : '.');
        terminal_print("\n");
    }
}

static bool run_hexdump(unsigned count, char **arguments)
{
    (void)count;
    return show_file("hexdump", arguments[1], 0, UINT64_MAX, show_hex);
}

static int write_piece(struct fat_file *file, uint64_t offset, const void *buffer, size_t size)
{
    size_t done;

    store_take();
    int error = fat_write(file, offset, buffer, size, &done);
    store_release();
    return error;
}

static int copy_data(struct fat_file *from, struct fat_file *to, uint64_t size, void *buffer)
{
    uint64_t offset = 0;
    int64_t length = 1;
    int error = FS_OK;

    while (error == FS_OK && !terminal_interrupted()) {
        terminal_progress("copying", offset, size);
        length = read_piece(from, offset, buffer, COPY_SIZE);
        if (length <= 0)
            return (int)length;
        error = write_piece(to, offset, buffer, (size_t)length);
        offset += (uint64_t)length;
    }
    return error;
}

/* @to, or if that is a directory, the name of @from in it. */
static void target_path(const char *from, const char *to, char path[PATH_SIZE])
{
    struct fat_volume *volume = store_take();
    struct fat_status status;
    size_t length = string_copy(path, to, PATH_SIZE);
    const char *name = from;

    if (volume == NULL)
        return;
    bool directory =
        fat_get_status(volume, to, &status) == FS_OK && (status.attributes & FAT_DIRECTORY) != 0;
    store_release();
    for (const char *c = from; *c != '\0'; c++)
        if (*c == '/' && c[1] != '\0')
            name = c + 1;
    if (directory && length + 1 < PATH_SIZE) {
        path[length] = '/';
        string_copy(path + length + 1, name, PATH_SIZE - length - 1);
    }
}

static bool run_cp(unsigned count, char **arguments)
{
    char path[PATH_SIZE];
    struct fat_file *from, *to;

    (void)count;
    target_path(arguments[1], arguments[2], path);
    if (open_file("cp", arguments[1], 0, &from) != FS_OK)
        return false;
    if (open_file("cp", path, FAT_OPEN_CREATE | FAT_OPEN_TRUNCATE, &to) != FS_OK) {
        close_file(from);
        return false;
    }
    void *buffer = heap_allocate(COPY_SIZE);
    uint64_t size = fat_file_size(from);
    int error = buffer == NULL ? FS_NO_SPACE : copy_data(from, to, size, buffer);
    terminal_progress("copying", size, size);
    heap_free(buffer);
    close_file(from);
    int close_error = close_file(to);
    if (error == FS_OK)
        error = close_error;
    return error == FS_OK || failed("cp", path, error);
}

static bool run_mv(unsigned count, char **arguments)
{
    char path[PATH_SIZE];

    (void)count;
    target_path(arguments[1], arguments[2], path);
    struct fat_volume *volume = take("mv");
    if (volume == NULL)
        return false;
    return finish("mv", arguments[1], fat_rename(volume, arguments[1], path));
}

static bool run_rm(unsigned count, char **arguments)
{
    bool tree = strcmp(arguments[1], "-r") == 0;
    const char *path = arguments[count - 1];

    if (tree && count < 3)
        return command_failed("rm", NULL, "-r needs the name of a directory");
    struct fat_volume *volume = take("rm");
    if (volume == NULL)
        return false;
    return finish("rm", path, tree ? store_remove_tree(volume, path) : fat_remove(volume, path));
}

static bool run_mkdir(unsigned count, char **arguments)
{
    struct fat_volume *volume = take("mkdir");

    (void)count;
    if (volume == NULL)
        return false;
    return finish("mkdir", arguments[1], fat_make_directory(volume, arguments[1]));
}

static bool run_df(unsigned count, char **arguments)
{
    struct fat_volume *volume = take("df");
    struct fat_info info;

    (void)count;
    (void)arguments;
    if (volume == NULL)
        return false;
    fat_get_info(volume, &info);
    store_release();
    uint64_t cluster = info.cluster_size;
    terminal_print("%s on %s: FAT%u, %llu KiB, %llu KiB free%s%s\n", info.label,
                   store_device()->name, info.fat_bits,
                   (unsigned long long)(info.cluster_count * cluster >> 10),
                   (unsigned long long)(info.free_clusters * cluster >> 10),
                   info.read_only ? ", read-only" : "", info.damaged ? ", damaged" : "");
    return true;
}

static bool run_sync(unsigned count, char **arguments)
{
    struct fat_volume *volume = take("sync");

    (void)count;
    (void)arguments;
    if (volume == NULL)
        return false;
    return finish("sync", "the store", fat_sync(volume));
}

/* echo TEXT... > FILE writes a line; everything else is printed. */
static bool run_echo(unsigned count, char **arguments)
{
    bool to_file = count >= 3 && strcmp(arguments[count - 2], ">") == 0;
    unsigned words = to_file ? count - 2 : count;
    char text[PATH_SIZE];
    struct fat_file *file;
    size_t length = 0;

    for (unsigned i = 1; i < words; i++) {
        length += string_copy(text + length, arguments[i], sizeof(text) - length - 1);
        if (length >= sizeof(text) - 2)
            return command_failed("echo", NULL, "the text is too long");
        text[length++] = i + 1 < words ? ' ' : '\n';
    }
    if (length == 0)
        text[length++] = '\n';
    if (!to_file) {
        terminal_print("%.*s", (int)length, text);
        return true;
    }
    const char *path = arguments[count - 1];
    if (open_file("echo", path, FAT_OPEN_CREATE | FAT_OPEN_TRUNCATE, &file) != FS_OK)
        return false;
    int error = write_piece(file, 0, text, length);
    int close_error = close_file(file);
    if (error == FS_OK)
        error = close_error;
    return error == FS_OK || failed("echo", path, error);
}

const struct command file_commands[] = {
    {"ls", "[PATH]", "lists a directory", "ls /vms", 0, 1, WORDS_PATH, run_ls},
    {"cat", "FILE", "shows a text file", "cat /notes.txt", 1, 1, WORDS_PATH, run_cat},
    {"hexdump", "FILE", "shows a file's bytes", "hexdump /disk.vhd", 1, 1, WORDS_PATH, run_hexdump},
    {"cp", "FROM TO", "copies a file", "cp /a.txt /backup/", 2, 2, WORDS_PATH, run_cp},
    {"mv", "FROM TO", "renames or moves a file or directory", "mv /a.txt /b.txt", 2, 2, WORDS_PATH,
     run_mv},
    {"rm", "[-r] PATH", "removes a file, or with -r a directory and all in it", "rm /a.txt", 1, 2,
     WORDS_PATH, run_rm},
    {"mkdir", "PATH", "makes a directory", "mkdir /vms", 1, 1, WORDS_PATH, run_mkdir},
    {"df", "", "shows how much of the store is free", "df", 0, 0, WORDS_NONE, run_df},
    {"sync", "", "writes everything to the disk now", "sync", 0, 0, WORDS_NONE, run_sync},
    {"echo", "[TEXT...] [> FILE]", "prints text, or writes it to a file", "echo hello > /hello.txt",
     0, COMMAND_WORDS - 1, WORDS_PATH, run_echo},
    {0},
};
