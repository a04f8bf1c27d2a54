#include "lib/string.h"

#include <stdint.h>

/* GCC recognises the loops of a few functions below and would replace them by a call of the very
 * function that they are the body of. */
#if defined(__GNUC__) && !defined(__clang__)
#define NO_LOOP_PATTERNS __attribute__((optimize("no-tree-loop-distribute-patterns")))
#else
#define NO_LOOP_PATTERNS
#endif

void *memcpy(void *destination, const void *source, size_t size)
{
    void *to = destination;
    size_t words = size / 8;
    size_t rest = size % 8;

    __asm__ volatile("rep movsq" : "+D"(to), "+S"(source), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(source), "+c"(rest) : : "memory");
    return destination;
}

NO_LOOP_PATTERNS void *memmove(void *destination, const void *source, size_t size)
{
    uint8_t *to = destination;
    const uint8_t *from = source;

    /* memcpy() works upwards, so it is right unless the destination begins inside the source. */
    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(destination, source, size);
    /* Not with the direction flag: an interrupt or NMI may come between. */
    while (size-- > 0)
        to[size] = from[size];
    return destination;
}

void *memset(void *destination, int value, size_t size)
{
    void *to = destination;
    uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
    size_t words = size / 8;
    size_t rest = size % 8;

    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
    return destination;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *left = a;
    const uint8_t *right = b;

    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i])
            return left[i] - right[i];
    }
    return 0;
}

NO_LOOP_PATTERNS size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (size_t i = 0; i < limit; i++) {
        if (a[i] != b[i])
            return (uint8_t)a[i] - (uint8_t)b[i];
        if (a[i] == '\0')
            break;
    }
    return 0;
}

size_t string_copy(char *destination, const char *source, size_t size)
{
    size_t length = strlen(source);
    size_t copied = length < size ? length : size - 1;

    memcpy(destination, source, copied);
    destination[copied] = '\0';
    return length;
}
