#include "parent/services/child_drives.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/include/disk_object.h"
#include "parent/include/vdisk.h"
#include "parent/kernel/proc/object.h"

#define EMPTY "empty"
#define WORD_SIZE 32

static bool is_cd(const char *name)
{
    return strncmp(name, "cd:", 3) == 0;
}

static bool is_free(struct child_drives *drives, unsigned position)
{
    char disk[MACHINE_DRIVE_NAME], cd[MACHINE_DRIVE_NAME];
    snprintf(disk, sizeof(disk), "hd:%u", position);
    snprintf(cd, sizeof(cd), "cd:%u", position);
    return !child_drives_find(drives, disk) && !child_drives_find(drives, cd);
}

struct child_drive *child_drives_find(struct child_drives *drives, const char *name)
{
    for (unsigned i = 0; i < drives->count; i++)
        if (strcmp(drives->drives[i].name, name) == 0)
            return &drives->drives[i];
    return NULL;
}

struct object *child_drive_open(const char *command, const char *name, const char *path)
{
    const char *error;
    unsigned flags = is_cd(name) ? VDISK_OPEN_READ_ONLY : 0;
    uint32_t sector_size = is_cd(name) ? 2048 : 512;
    struct vdisk *disk = vdisk_open(path, flags, &error);
    if (!disk) {
        command_failed(command, NULL, "%s: %s", path, error);
        return NULL;
    }
    struct object *object = NULL;
    if (disk->sector_size != sector_size)
        command_failed(command, is_cd(name) ? "The name of a CD's image ends in .iso" : NULL,
                       "%s: it has sectors of %u bytes, and the drive needs %u", path,
                       disk->sector_size, sector_size);
    else if ((object = disk_object_create(disk)) == NULL)
        command_failed(command, NULL, "no memory is left");
    if (!object)
        vdisk_close(disk);
    return object;
}

/* Adds a drive called @name; @path is NULL if it is empty. */
static bool add(const char *command, struct child_drives *drives, const char *name,
                const char *path)
{
    struct child_drive *drive = &drives->drives[drives->count];
    struct object *disk = NULL;
    if (path)
        disk = child_drive_open(command, name, path);
    if (path && !disk)
        return false;
    string_copy(drive->name, name, sizeof(drive->name));
    drive->disk = disk;
    drives->count++;
    return true;
}

static const char *path_of(const char *path)
{
    return strcmp(path, EMPTY) == 0 ? NULL : path;
}

bool child_drives_add_disk(const char *command, struct child_drives *drives, unsigned position,
                           const char *path)
{
    char name[MACHINE_DRIVE_NAME];
    if (position >= CHILD_IDE_POSITIONS)
        return command_failed(command, NULL, "%s: the machine has room for %u disks and CD drives",
                              path, CHILD_IDE_POSITIONS);
    if (!is_free(drives, position))
        return command_failed(command, NULL, "%s: IDE position %u has a drive", path, position);
    snprintf(name, sizeof(name), "hd:%u", position);
    return add(command, drives, name, path);
}

bool child_drives_add_cd(const char *command, struct child_drives *drives, const char *path)
{
    char name[MACHINE_DRIVE_NAME];
    if (!is_free(drives, CHILD_CD_POSITION))
        return command_failed(command, NULL, "%s: the machine has one CD drive", path);
    snprintf(name, sizeof(name), "cd:%u", CHILD_CD_POSITION);
    return add(command, drives, name, path_of(path));
}

bool child_drives_add_floppy(const char *command, struct child_drives *drives, const char *path)
{
    static const char name[] = "fd:0";
    if (child_drives_find(drives, name))
        return command_failed(command, NULL, "%s: the machine has one floppy drive", path);
    return add(command, drives, name, path_of(path));
}

size_t child_drives_words(const struct child_drives *drives, char *text, size_t size)
{
    size_t length = 0;
    for (unsigned i = 0; i < drives->count; i++) {
        const struct child_drive *drive = &drives->drives[i];
        if (size - length < WORD_SIZE)
            return 0;
        snprintf(text + length, WORD_SIZE, "attach=%s%s", drive->name,
                 drive->disk ? "" : ":" EMPTY);
        length += strlen(text + length) + 1;
    }
    return length;
}

unsigned child_drives_share(const struct child_drives *drives, struct vdisk **disks, unsigned limit)
{
    unsigned count = 0;
    for (unsigned i = 0; i < drives->count && count < limit; i++) {
        const struct child_drive *drive = &drives->drives[i];
        if (strncmp(drive->name, "hd:", 3) == 0)
            disks[count++] = disk_object_share(drive->disk);
    }
    return count;
}

void child_drives_free(struct child_drives *drives)
{
    for (unsigned i = 0; i < drives->count; i++)
        if (drives->drives[i].disk)
            object_put(drives->drives[i].disk);
    drives->count = 0;
}
