#include "parent/console/command.h"

#include <stdarg.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/terminal.h"

#define MESSAGE_SIZE 256

static const struct command *const tables[] = {system_commands,  device_commands, network_commands,
                                               switch_commands,  file_commands,   disk_commands,
                                               process_commands, child_commands,  vm_commands};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

const struct command *command_next(const struct command *previous)
{
    if (previous == NULL)
        return tables[0];
    if (previous[1].name != NULL)
        return previous + 1;
    /* The end of a table: the next one's first entry. */
    for (size_t i = 0; i + 1 < TABLE_COUNT; i++)
        for (const struct command *c = tables[i]; c->name != NULL; c++)
            if (c == previous)
                return tables[i + 1];
    return NULL;
}

const struct command *command_find(const char *name)
{
    const struct command *command = NULL;

    while ((command = command_next(command)) != NULL)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static char message[MESSAGE_SIZE]; /* the last one */

const char *command_message(void)
{
    return message;
}

bool command_failed(const char *name, const char *hint, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    terminal_print("%s: %s%s%s\n", name, message, hint != NULL ? ". " : "",
                   hint != NULL ? hint : "");
    return false;
}

/* Ends the word at @text, which may have quotes, and returns what follows; NULL if a quote is
 * missing. */
static char *end_word(char *text)
{
    char *to = text;
    bool quoted = false;

    for (; *text != '\0' && (quoted || *text != ' '); text++) {
        if (*text == '"')
            quoted = !quoted;
        else
            *to++ = *text;
    }
    char *rest = *text == '\0' ? text : text + 1;
    *to = '\0';
    return quoted ? NULL : rest;
}

/* Splits @line; returns the number of words, or COMMAND_WORDS + 1 if there are too many, or a quote
 * is missing. */
static unsigned split(char *line, char **words)
{
    unsigned count = 0;

    for (;;) {
        while (*line == ' ' || *line == '\t')
            line++;
        if (*line == '\0')
            return count;
        if (count == COMMAND_WORDS)
            return COMMAND_WORDS + 1;
        words[count++] = line;
        line = end_word(line);
        if (line == NULL)
            return COMMAND_WORDS + 1;
    }
}

bool command_run_line(char *line)
{
    char *words[COMMAND_WORDS];
    unsigned count = split(line, words);

    if (count == 0 || words[0][0] == '#')
        return true;
    if (count > COMMAND_WORDS)
        return command_failed("console", "Quote words with spaces like \"this one\"",
                              "too many words, or a quote without its end");
    const struct command *command = command_find(words[0]);
    if (command == NULL)
        return command_failed(words[0], "help lists all commands", "there is no such command");
    if (count - 1 < command->minimum || count - 1 > command->maximum) {
        terminal_print("usage: %s %s\nfor example: %s\n", command->name, command->usage,
                       command->example);
        return false;
    }
    return command->run(count, words);
}
