/* Doubly linked circular lists whose links are members of the listed structures. */
#ifndef VENEER_PARENT_INCLUDE_LIST_H
#define VENEER_PARENT_INCLUDE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *previous;
};

/* The structure of @type whose member @member is *@pointer. */
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

static inline void list_init(struct list *list)
{
    list->next = list->previous = list;
}

static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_insert_after(struct list *position, struct list *item)
{
    item->next = position->next;
    item->previous = position;
    position->next->previous = item;
    position->next = item;
}

static inline void list_add_first(struct list *list, struct list *item)
{
    list_insert_after(list, item);
}

static inline void list_add_last(struct list *list, struct list *item)
{
    list_insert_after(list->previous, item);
}

/* Leaves @item as an empty list, so that removing it twice does no harm. */
static inline void list_remove(struct list *item)
{
    item->previous->next = item->next;
    item->next->previous = item->previous;
    list_init(item);
}

/* Removes and returns the first item; NULL if there is none. */
static inline struct list *list_take_first(struct list *list)
{
    struct list *item = list->next;

    if (item == list)
        return NULL;
    list_remove(item);
    return item;
}

#define LIST_FOR_EACH(item, head)                                                                  \
    for (struct list *item = (head)->next; item != (head); item = item->next)

#endif
