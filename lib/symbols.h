/* Names for code addresses, from a table that tools/symbols.py adds to each linked image, and
 * backtraces by frame pointers. */
#ifndef VENEER_LIB_SYMBOLS_H
#define VENEER_LIB_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_NAME_SIZE 64 /* longer names are cut */

/* The name of the function that @address lies in, and how far in. False, and nothing else, outside
 * the image's code. */
bool symbol_find(uint64_t address, char name[SYMBOL_NAME_SIZE], uint64_t *offset);

/* The calls that led to frame pointer @rbp, innermost first: at most @limit of them to @addresses,
 * each the address of the call's last byte (behind a call that never returns there may be another
 * function). Reads only inside the stack [@stack_low, @stack_high). Returns their number. */
size_t backtrace(uint64_t rbp, uint64_t stack_low, uint64_t stack_high, uint64_t *addresses,
                 size_t limit);

#endif
