/* The lines of a configuration, for vm_config.c and what changes texts. Pure logic: any context. */
#ifndef VENEER_PARENT_VMMS_VM_TEXT_H
#define VENEER_PARENT_VMMS_VM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* One line: parts of the text, without spaces around them. */
struct vm_line {
    const char *start; /* of the line, which is @size bytes long, with its end */
    size_t size;
    const char *key; /* NULL: it is empty or a comment */
    size_t key_length;
    const char *value; /* NULL: it has no "=" */
    size_t value_length;
};

/* Takes the line at @text, of which @size > 0 bytes are left, apart. */
void vm_line_read(const char *text, size_t size, struct vm_line *line);

#endif
