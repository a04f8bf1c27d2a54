/* What the fuzzers need: reading choices from the input, and a check that ends the run. */
#ifndef VENEER_TESTS_FUZZ_H
#define VENEER_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

/* The next @size (at most 8) bytes as a number; bytes behind the end are 0. */
static inline uint64_t fuzz_number(struct fuzz_input *input, size_t size)
{
    uint64_t value = 0;
    size_t taken = size < input->size ? size : input->size;

    memcpy(&value, input->data, taken);
    input->data += taken;
    input->size -= taken;
    return value;
}

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    return (uint8_t)fuzz_number(input, 1);
}

/* A NUL-terminated string: the input up to the next zero byte, cut to fit @size. */
static inline void fuzz_text(struct fuzz_input *input, char *text, size_t size)
{
    size_t length = 0;

    while (input->size > 0) {
        char c = (char)fuzz_byte(input);

        if (c == '\0')
            break;
        if (length + 1 < size)
            text[length++] = c;
    }
    text[length] = '\0';
}

#endif
