/* What handles refer to: things with a count of references that several processes may share. */
#ifndef VENEER_PARENT_PROC_OBJECT_H
#define VENEER_PARENT_PROC_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

enum object_type {
    OBJECT_MEMORY,
    OBJECT_PIPE_END,
    OBJECT_PROCESS,
    OBJECT_PARTITION,
    OBJECT_CHANNEL_DEVICE,
    OBJECT_DISK,
    OBJECT_WORKER_PORT,
};

struct object {
    enum object_type type;
    uint32_t references; /* atomic */
    /* Called when the last reference has gone. Thread. */
    void (*destroy)(struct object *object);
};

static inline void object_init(struct object *object, enum object_type type,
                               void (*destroy)(struct object *object))
{
    *object = (struct object){.type = type, .references = 1, .destroy = destroy};
}

static inline void object_get(struct object *object)
{
    __atomic_fetch_add(&object->references, 1, __ATOMIC_RELAXED);
}

/* For whoever found the object in a list that destroy() takes it out of. False: it is on its way
 * out. */
static inline bool object_try_get(struct object *object)
{
    uint32_t references = __atomic_load_n(&object->references, __ATOMIC_RELAXED);
    while (references != 0) {
        if (__atomic_compare_exchange_n(&object->references, &references, references + 1, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

static inline void object_put(struct object *object)
{
    if (__atomic_sub_fetch(&object->references, 1, __ATOMIC_ACQ_REL) == 0)
        object->destroy(object);
}

#endif
