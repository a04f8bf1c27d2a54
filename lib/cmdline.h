/* Options on a command line: words separated by spaces, each "key" or "key=value". */
#ifndef VENEER_LIB_CMDLINE_H
#define VENEER_LIB_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Looks for the last word with @key. If it is there, copies its value (empty for a bare "key"), cut
 * to fit, to @value of @size bytes (NULL and 0: not wanted), and returns true; otherwise leaves
 * @value alone. */
bool cmdline_find(const char *line, const char *key, char *value, size_t size);

/* Reads all of @text as an unsigned number, decimal or with 0x hexadecimal. False, and *@number
 * unchanged, if it is empty, has other characters or does not fit. */
bool parse_number(const char *text, uint64_t *number);

/* Reads all of @text as a number of bytes: decimal, with K, M, G or T behind it in units of 2^10 to
 * 2^40. False, and *@size unchanged, if it is something else or does not fit. */
bool parse_size(const char *text, uint64_t *size);

#endif
