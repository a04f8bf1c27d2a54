/* Commands of the console. A command is a function and an entry in one of the tables below.
 * docs/parent.md says how to add one. */
#ifndef VENEER_PARENT_CONSOLE_COMMAND_H
#define VENEER_PARENT_CONSOLE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define COMMAND_WORDS 32 /* of a line, the command included */

/* What Tab completes behind the command's name. */
enum command_words { WORDS_NONE, WORDS_PATH, WORDS_COMMAND, WORDS_DISK, WORDS_NIC, WORDS_VM };

struct command {
    const char *name;
    const char *usage;         /* words behind the name */
    const char *summary;       /* one line */
    const char *example;       /* a whole line */
    unsigned minimum, maximum; /* words behind the name */
    enum command_words words;
    /* @arguments[0] is the name, the words follow. False: it failed, and the reason has been
     * printed. */
    bool (*run)(unsigned count, char **arguments);
};

/* Tables, each ended by an entry without name. */
extern const struct command system_commands[], device_commands[], network_commands[],
    switch_commands[], file_commands[], disk_commands[], process_commands[], child_commands[],
    vm_commands[];

/* The command called @name, or NULL; and all, starting with NULL, in the order of the tables. */
const struct command *command_find(const char *name);
const struct command *command_next(const struct command *previous);

/* Runs the command on @line: words separated by spaces, "double quotes" around words with spaces.
 * The line is changed. True if it did what it should; an empty line, or one that begins with #,
 * does nothing and is true. */
bool command_run_line(char *line);

/* Prints "name: what went wrong" and, if @hint is not NULL, what to do next; returns false for the
 * caller to return. */
bool command_failed(const char *name, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What went wrong last, as command_failed() printed it. The console's thread. */
const char *command_message(void);

#endif
