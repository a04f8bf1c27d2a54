/* What every unit test needs: checks that count and report failures, and go on. */
#ifndef VENEER_TESTS_UNIT_H
#define VENEER_TESTS_UNIT_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned unit_failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);              \
            unit_failures++;                                                                       \
        }                                                                                          \
    } while (0)

/* Compares two integers of any type. */
#define CHECK_EQUAL(actual, expected)                                                              \
    do {                                                                                           \
        uint64_t unit_actual = (uint64_t)(actual);                                                 \
        uint64_t unit_expected = (uint64_t)(expected);                                             \
        if (unit_actual != unit_expected) {                                                        \
            fprintf(stderr, "%s:%d: %s is 0x%llx, expected 0x%llx\n", __FILE__, __LINE__, #actual, \
                    (unsigned long long)unit_actual, (unsigned long long)unit_expected);           \
            unit_failures++;                                                                       \
        }                                                                                          \
    } while (0)

/* Compares two strings; the actual one may be NULL. */
#define CHECK_TEXT(actual, expected)                                                               \
    do {                                                                                           \
        const char *unit_actual = (actual);                                                        \
        const char *unit_expected = (expected);                                                    \
        if (unit_actual == NULL || strcmp(unit_actual, unit_expected) != 0) {                      \
            fprintf(stderr, "%s:%d: %s is \"%s\", expected \"%s\"\n", __FILE__, __LINE__, #actual, \
                    unit_actual == NULL ? "(NULL)" : unit_actual, unit_expected);                  \
            unit_failures++;                                                                       \
        }                                                                                          \
    } while (0)

/* The exit status of the test. */
static inline int unit_result(void)
{
    if (unit_failures > 0)
        fprintf(stderr, "%u checks failed\n", unit_failures);
    return unit_failures > 0 ? 1 : 0;
}

#endif
