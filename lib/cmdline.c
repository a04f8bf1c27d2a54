#include "lib/cmdline.h"

#include "lib/string.h"

/* The value in @word of @length characters if it is @key, otherwise NULL. */
static const char *value_for_key(const char *word, size_t length, const char *key)
{
    size_t key_length = strlen(key);

    if (length < key_length || memcmp(word, key, key_length) != 0)
        return NULL;
    if (length == key_length)
        return word + length;
    return word[key_length] == '=' ? word + key_length + 1 : NULL;
}

bool cmdline_find(const char *line, const char *key, char *value, size_t size)
{
    const char *found = NULL;
    size_t found_length = 0;

    while (*line != '\0') {
        size_t length = 0;

        if (*line == ' ') {
            line++;
            continue;
        }
        while (line[length] != '\0' && line[length] != ' ')
            length++;

        const char *start = value_for_key(line, length, key);

        line += length;
        if (start != NULL) {
            found = start;
            found_length = (size_t)(line - start);
        }
    }
    if (found == NULL)
        return false;
    if (size > 0) {
        size_t copied = found_length < size ? found_length : size - 1;

        memcpy(value, found, copied);
        value[copied] = '\0';
    }
    return true;
}

/* The value of the digit @c, or 16 if it is none. */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

bool parse_number(const char *text, uint64_t *number)
{
    unsigned base = 10;
    uint64_t value = 0;

    if (text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
    }
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        unsigned digit = digit_value(*text);

        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *number = value;
    return true;
}

bool parse_size(const char *text, uint64_t *size)
{
    static const char units[] = "KMGT";
    const char *c = text;
    uint64_t value = 0;
    unsigned shift = 0;

    for (; *c >= '0' && *c <= '9'; c++)
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (unsigned)(*c - '0'), &value))
            return false;
    if (c == text)
        return false;
    for (unsigned i = 0; i < sizeof(units) - 1; i++)
        if ((*c & ~0x20) == units[i])
            shift = 10 * (i + 1);
    if (shift > 0)
        c++;
    if (*c != '\0' || value > UINT64_MAX >> shift)
        return false;
    *size = value << shift;
    return true;
}
