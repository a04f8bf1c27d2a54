/* The command line. */
#ifndef VENEER_VSC_DEMO_OPTIONS_H
#define VENEER_VSC_DEMO_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void options_set(const char *command_line);

/* Whether there is a word @key or @key=…; whether there is exactly @key=@value. */
bool option(const char *key);
bool option_is(const char *key, const char *value);

/* Whether the list of names behind @key= has @name; a bare @key has them all. */
bool option_lists(const char *key, const char *name);

/* Whether the list behind @key= has @name by itself: a bare @key does not. */
bool option_names(const char *key, const char *name);

/* Copies part @place (0, 1, …) of the list behind @key=, cut to fit; false: there is none. */
bool option_part(const char *key, unsigned place, char *part, size_t size);

/* Number @place (0, 1, …) of those behind @key=, or @otherwise. */
uint64_t option_number(const char *key, unsigned place, uint64_t otherwise);

#endif
