#include "vsc/demo/options.h"

#include "include/child_start.h"
#include "lib/cmdline.h"
#include "lib/string.h"

static char line[CHILD_COMMAND_LINE_SIZE];

void options_set(const char *command_line)
{
    string_copy(line, command_line, sizeof(line));
}

bool option(const char *key)
{
    return cmdline_find(line, key, NULL, 0);
}

bool option_is(const char *key, const char *value)
{
    char found[CHILD_COMMAND_LINE_SIZE];

    return cmdline_find(line, key, found, sizeof(found)) && strcmp(found, value) == 0;
}

/* Copies part @place of @list, whose parts are between commas, to @part; false: there is none. */
static bool list_part(const char *list, unsigned place, char *part, size_t size)
{
    for (;;) {
        size_t length = 0;

        while (list[length] != '\0' && list[length] != ',')
            length++;
        if (place == 0) {
            size_t copied = length < size ? length : size - 1;

            memcpy(part, list, copied);
            part[copied] = '\0';
            return true;
        }
        if (list[length] == '\0')
            return false;
        list += length + 1;
        place--;
    }
}

bool option_names(const char *key, const char *name)
{
    char list[CHILD_COMMAND_LINE_SIZE], part[32];

    if (!cmdline_find(line, key, list, sizeof(list)))
        return false;
    for (unsigned place = 0; list_part(list, place, part, sizeof(part)); place++) {
        if (strcmp(part, name) == 0)
            return true;
    }
    return false;
}

bool option_lists(const char *key, const char *name)
{
    return option_is(key, "") || option_names(key, name);
}

bool option_part(const char *key, unsigned place, char *part, size_t size)
{
    char list[CHILD_COMMAND_LINE_SIZE];

    return cmdline_find(line, key, list, sizeof(list)) && list_part(list, place, part, size);
}

uint64_t option_number(const char *key, unsigned place, uint64_t otherwise)
{
    char part[32];
    uint64_t number;

    if (!option_part(key, place, part, sizeof(part)) || !parse_number(part, &number))
        return otherwise;
    return number;
}
