#include "parent/kernel/proc/handle.h"

#include <stddef.h>

void handle_table_init(struct handle_table *table)
{
    *table = (struct handle_table){.lock = SPINLOCK(LOCK_LEVEL_PROCESS)};
}

/* Number 1 is the first entry. NULL: there is no such handle. The lock is held. */
static struct handle *find(struct handle_table *table, uint64_t number)
{
    if (number == 0 || number > SYSTEM_MAX_HANDLES || !table->handles[number - 1].object)
        return NULL;
    return &table->handles[number - 1];
}

uint32_t handle_add(struct handle_table *table, struct object *object, uint32_t rights)
{
    uint32_t number = 0;
    uint64_t flags = spin_lock(&table->lock);
    for (uint32_t i = 0; number == 0 && i < SYSTEM_MAX_HANDLES; i++) {
        if (!table->handles[i].object) {
            table->handles[i] = (struct handle){object, rights};
            table->count++;
            number = i + 1;
        }
    }
    spin_unlock(&table->lock, flags);
    return number;
}

enum system_error handle_copy(struct handle_table *table, uint64_t number, uint32_t rights,
                              struct handle *handle)
{
    enum system_error error = SYSTEM_ERROR_HANDLE;
    uint64_t flags = spin_lock(&table->lock);
    struct handle *found = find(table, number);
    if (found)
        error = (found->rights & rights) == rights ? SYSTEM_OK : SYSTEM_ERROR_RIGHTS;
    if (error == SYSTEM_OK) {
        *handle = *found;
        object_get(handle->object);
    }
    spin_unlock(&table->lock, flags);
    return error;
}

enum system_error handle_get(struct handle_table *table, uint64_t number, enum object_type type,
                             uint32_t rights, struct object **object)
{
    enum system_error error = SYSTEM_ERROR_HANDLE;
    uint64_t flags = spin_lock(&table->lock);
    struct handle *found = find(table, number);
    if (found && found->object->type == type)
        error = (found->rights & rights) == rights ? SYSTEM_OK : SYSTEM_ERROR_RIGHTS;
    if (error == SYSTEM_OK) {
        *object = found->object;
        object_get(*object);
    }
    spin_unlock(&table->lock, flags);
    return error;
}

/* Empties the handle with @number; its object, whose reference is the caller's now, or NULL. */
static struct object *take(struct handle_table *table, uint64_t number)
{
    struct object *object = NULL;
    uint64_t flags = spin_lock(&table->lock);
    struct handle *found = find(table, number);
    if (found) {
        object = found->object;
        *found = (struct handle){0};
        table->count--;
    }
    spin_unlock(&table->lock, flags);
    return object;
}

enum system_error handle_close(struct handle_table *table, uint64_t number)
{
    struct object *object = take(table, number);
    if (!object)
        return SYSTEM_ERROR_HANDLE;
    object_put(object);
    return SYSTEM_OK;
}

void handle_table_clear(struct handle_table *table)
{
    for (uint32_t number = 1; number <= SYSTEM_MAX_HANDLES; number++)
        handle_close(table, number);
}

struct object *handle_find(struct handle_table *table, enum object_type type)
{
    struct object *found = NULL;
    uint64_t flags = spin_lock(&table->lock);
    for (uint32_t i = 0; i < SYSTEM_MAX_HANDLES && !found; i++) {
        struct object *object = table->handles[i].object;
        if (object && object->type == type)
            found = object;
    }
    if (found)
        object_get(found);
    spin_unlock(&table->lock, flags);
    return found;
}
