/* Looks for keys on random command lines, against a plain splitting into words. */
#include <errno.h>

#include "lib/cmdline.h"

#include "tests/fuzz/fuzz.h"

#define LINE_SIZE 256

/* The last word that is @key or begins with "@key=": its value in *@value. */
static bool find_by_splitting(const char *line, const char *key, char value[LINE_SIZE])
{
    char words[LINE_SIZE];
    char *rest = words;
    bool found = false;

    strcpy(words, line);
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
        size_t length = strlen(key);

        if (word[0] == '\0' || strncmp(word, key, length) != 0 ||
            (word[length] != '\0' && word[length] != '='))
            continue;
        strcpy(value, word[length] == '=' ? word + length + 1 : "");
        found = true;
    }
    return found;
}

static void check_find(const char *line, const char *key, size_t size)
{
    char expected[LINE_SIZE];
    char *actual = malloc(size > 0 ? size : 1); /* its exact size, for the address sanitizer */
    bool found = find_by_splitting(line, key, expected);

    actual[0] = '#';
    FUZZ_CHECK(cmdline_find(line, key, size > 0 ? actual : NULL, size) == found);
    if (found && size > 0) {
        FUZZ_CHECK(strlen(actual) < size);
        if (strlen(expected) >= size)
            expected[size - 1] = '\0';
        FUZZ_CHECK(strcmp(actual, expected) == 0);
    } else {
        FUZZ_CHECK(actual[0] == '#');
    }
    free(actual);
}

static void check_number(const char *text)
{
    uint64_t actual = 42;
    bool hexadecimal = strncmp(text, "0x", 2) == 0;
    const char *digits = hexadecimal ? text + 2 : text;
    size_t valid = strspn(digits, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789");
    char *end;

    errno = 0;
    uint64_t expected = strtoull(digits, &end, hexadecimal ? 16 : 10);
    bool good = valid > 0 && digits[valid] == '\0' && errno == 0;

    FUZZ_CHECK(parse_number(text, &actual) == good);
    FUZZ_CHECK(actual == (good ? expected : 42));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    size_t value_size = fuzz_byte(&input) % 32;
    char key[16], line[LINE_SIZE];

    fuzz_text(&input, key, sizeof(key));
    fuzz_text(&input, line, sizeof(line));
    /* An empty key is asked for by nobody, and one with a space or = cannot be there. */
    if (key[0] != '\0' && strpbrk(key, " =") == NULL)
        check_find(line, key, value_size);
    check_number(line);
    check_number(key);
    return 0;
}
