/* Memory and string functions with the meaning of the C standard. */
#ifndef VENEER_LIB_STRING_H
#define VENEER_LIB_STRING_H

#include <stddef.h>

void *memcpy(void *destination, const void *source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);

/* Copies @source, cut to fit, into @destination of @size > 0 bytes; always terminates it.
 * Returns the length of @source: a result >= @size says that it was cut. */
size_t string_copy(char *destination, const char *source, size_t size);

#endif
