/* What Tab offers on the console: commands, and the words that fit each. */
#ifndef VENEER_PARENT_CONSOLE_COMPLETION_H
#define VENEER_PARENT_CONSOLE_COMPLETION_H

#include "parent/console/line_editor.h"

/* A completer_t. */
void completion_find(void *context, const char *line, size_t word, size_t cursor,
                     completion_add_t add, void *list);

#endif
