/* Handles: a process's numbers for objects, each with rights. */
#ifndef VENEER_PARENT_PROC_HANDLE_H
#define VENEER_PARENT_PROC_HANDLE_H

#include <stdint.h>

#include "parent/include/spinlock.h"
#include "parent/include/system_call.h"
#include "parent/kernel/proc/object.h"

struct handle {
    struct object *object; /* with a reference; NULL: free */
    uint32_t rights;       /* enum system_right */
};

struct handle_table {
    struct spinlock lock; /* all below */
    uint32_t count;       /* in use */
    struct handle handles[SYSTEM_MAX_HANDLES];
};

void handle_table_init(struct handle_table *table);

/* Closes all. Thread. */
void handle_table_clear(struct handle_table *table);

/* Takes over the caller's reference to @object. The handle, or 0 if there is none left: then the
 * reference stays the caller's. Any. */
uint32_t handle_add(struct handle_table *table, struct object *object, uint32_t rights);

/* What @number refers to, if its type is @type and it has all of @rights, with a reference for the
 * caller. */
enum system_error handle_get(struct handle_table *table, uint64_t number, enum object_type type,
                             uint32_t rights, struct object **object);

/* The same whatever the type; stores the whole handle. */
enum system_error handle_copy(struct handle_table *table, uint64_t number, uint32_t rights,
                              struct handle *handle);

/* The first object of this type that a handle refers to, with a reference for the caller; NULL:
 * there is none. Any. */
struct object *handle_find(struct handle_table *table, enum object_type type);

/* Thread. */
enum system_error handle_close(struct handle_table *table, uint64_t number);

#endif
