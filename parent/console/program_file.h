/* What commands that start programs share: finding their files, their words, waiting for the end.
 * Thread. */
#ifndef VENEER_PARENT_CONSOLE_PROGRAM_FILE_H
#define VENEER_PARENT_CONSOLE_PROGRAM_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "parent/include/process.h"

/* The status of what the administrator ends. */
#define STATUS_KILLED (-1)

/* A boot module, or a copy of a file on the store. */
struct program_file {
    const void *data;
    size_t size; /* bytes, > 0 */
    void *copy;  /* NULL: a module */
};

bool program_is_module(const char *name);

/* Looks for @name, for the command called @command. False: there is none, which has been printed.
 */
bool program_file_open(const char *command, const char *name, struct program_file *file);
void program_file_close(struct program_file *file);

/* Puts the words after each other, each with its NUL; the length, 0 if @size is too small. */
size_t program_join_words(unsigned count, char **words, char *text, size_t size);

/* Says how the program @name ended. True: with status 0. */
bool program_end(const char *name, const struct system_process_end *end);

/* Waits for the end; ^C ends @process. Says how it ended, and gives the reference back. True: with
 * status 0. */
bool program_wait(struct process *process);

#endif
