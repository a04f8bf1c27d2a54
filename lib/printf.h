/* Formatted text. Understood: %s %c %d %i %u %x %X %p %%, the flags 0 and -, a width (or *),
 * a precision for %s (or .*), and the lengths l, ll, z. %p is 0x and 16 digits. */
#ifndef VENEER_LIB_PRINTF_H
#define VENEER_LIB_PRINTF_H

#include <stdarg.h>
#include <stddef.h>

typedef void (*print_put_t)(void *context, char c);

/* Gives each character of the formatted text to @put, in order; returns their number. */
size_t print_format(print_put_t put, void *context, const char *format, va_list arguments);

/* As in the C standard: writes at most @size bytes including the NUL, returns the full length. */
int vsnprintf(char *buffer, size_t size, const char *format, va_list arguments);
int snprintf(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
