/* Text for the worker's console, and the end of the child. */
#ifndef VENEER_VSC_DEMO_CONSOLE_H
#define VENEER_VSC_DEMO_CONSOLE_H

#include <stdint.h>

/* As printf(); a call's text stays together. Any VP. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The child has ended with @status. */
_Noreturn void child_exit(uint32_t status);

/* Prints, and ends the child with status 2: it cannot go on. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
