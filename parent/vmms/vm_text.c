#include "parent/vmms/vm_text.h"

#include "lib/string.h"
#include "parent/vmms/vm_config.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes spaces off both ends. */
static void trim(const char **text, size_t *length)
{
    while (*length > 0 && is_space(**text)) {
        ++*text;
        --*length;
    }
    while (*length > 0 && is_space((*text)[*length - 1]))
        --*length;
}

void vm_line_read(const char *text, size_t size, struct vm_line *line)
{
    size_t length = 0, equals = 0;
    while (length < size && text[length] != '\n')
        length++;
    *line = (struct vm_line){.start = text, .size = length + (length < size)};
    trim(&text, &length);
    if (length == 0 || text[0] == '#')
        return;
    while (equals < length && text[equals] != '=')
        equals++;
    line->key = text;
    line->key_length = equals;
    if (equals < length) {
        line->value = text + equals + 1;
        line->value_length = length - equals - 1;
        trim(&line->value, &line->value_length);
    }
    trim(&line->key, &line->key_length);
}

/* The line of @key in @text; size 0, at the end of the text: there is none. */
static void find(const char *text, const char *key, struct vm_line *line)
{
    size_t left = strlen(text), length = strlen(key);
    while (left > 0) {
        vm_line_read(text, left, line);
        if (line->key && line->key_length == length && memcmp(line->key, key, length) == 0)
            return;
        text += line->size;
        left -= line->size;
    }
    *line = (struct vm_line){.start = text};
}

static char *append(char *to, const char *text)
{
    size_t length = strlen(text);
    memcpy(to, text, length);
    return to + length;
}

bool vm_text_set(char *text, const char *key, const char *value)
{
    struct vm_line line;
    find(text, key, &line);
    size_t length = strlen(text), at = (size_t)(line.start - text);
    bool removed = *value == '\0';
    bool open = line.size == 0 && length > 0 && text[length - 1] != '\n'; /* the last line */
    size_t added = removed ? 0 : open + strlen(key) + strlen(" = \n") + strlen(value);
    if (length - line.size + added >= VM_TEXT_SIZE)
        return false;
    memmove(text + at + added, text + at + line.size, length - at - line.size + 1);
    if (removed)
        return true;
    char *to = append(text + at, open ? "\n" : "");
    to = append(to, key);
    to = append(to, " = ");
    to = append(to, value);
    *to = '\n';
    return true;
}
