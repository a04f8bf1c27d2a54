/* How a child has ended, in words. */
#ifndef VENEER_PARENT_SERVICES_CHILD_END_H
#define VENEER_PARENT_SERVICES_CHILD_END_H

#include <stdbool.h>
#include <stddef.h>

struct system_process_end;

/* Says in @text of @size bytes why a child that ended so has failed. False: it has not. Any. */
bool child_end_failed(const struct system_process_end *end, char *text, size_t size);

#endif
