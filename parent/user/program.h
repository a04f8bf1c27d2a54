/* What a program is: its main() gets words like any other's, the first of which is up to the
 * starter, and ends the process with its result. Handles that the starter gave have the numbers 1
 * to program_handle_count(). */
#ifndef VENEER_PARENT_USER_PROGRAM_H
#define VENEER_PARENT_USER_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

int main(int argc, char **argv);

uint32_t program_handle_count(void);

/* As in the C standard; to the console, at most PRINTF_SIZE - 1 characters at once. */
#define PRINTF_SIZE 512
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As in the C standard. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *pointer, size_t size);
void free(void *pointer);
_Noreturn void abort(void);

#endif
