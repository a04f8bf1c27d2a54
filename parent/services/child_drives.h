/* The drives of an emulated machine and the disks in them, as the plan of a child has them: so they
 * are the same at each start of its worker. Thread. */
#ifndef VENEER_PARENT_SERVICES_CHILD_DRIVES_H
#define VENEER_PARENT_SERVICES_CHILD_DRIVES_H

#include <stdbool.h>
#include <stddef.h>

#include "include/machine_control.h"

#define CHILD_IDE_POSITIONS 4u /* 0, 1: primary; 2, 3: secondary */
#define CHILD_CD_POSITION 2u
#define CHILD_DRIVES_MAX 5 /* those and the floppy */

struct object;
struct vdisk;

/* KIND:POSITION as the worker's words name it: hd:0 to hd:3, cd:0 to cd:3, fd:0. */
struct child_drive {
    char name[MACHINE_DRIVE_NAME];
    struct object *disk; /* with a reference; NULL: it is empty */
};

struct child_drives {
    struct child_drive drives[CHILD_DRIVES_MAX];
    unsigned count;
};

/* Adds a drive with the disk at @path (see vdisk_open()): a hard disk at @position, a CD at
 * position 2, a floppy. The path "empty" is a CD drive or a floppy drive without medium. False: it
 * has been printed why, for the command called @command. */
bool child_drives_add_disk(const char *command, struct child_drives *drives, unsigned position,
                           const char *path);
bool child_drives_add_cd(const char *command, struct child_drives *drives, const char *path);
bool child_drives_add_floppy(const char *command, struct child_drives *drives, const char *path);

/* The drive called @name, NULL: there is none. */
struct child_drive *child_drives_find(struct child_drives *drives, const char *name);

/* Opens the disk at @path as one for the drive called @name. The result is a reference; NULL:
 * printed, as above. */
struct object *child_drive_open(const char *command, const char *name, const char *path);

/* Writes the worker's words for the drives to @text, each with its NUL; returns their length, 0 if
 * @size is too small. */
size_t child_drives_words(const struct child_drives *drives, char *text, size_t size);

/* Stores the disks that are in drives for hard disks, at most @limit, in their order; how many.
 * Each has one more user, who has to vdisk_close() it. */
unsigned child_drives_share(const struct child_drives *drives, struct vdisk **disks,
                            unsigned limit);

/* Gives the disks back. */
void child_drives_free(struct child_drives *drives);

#endif
