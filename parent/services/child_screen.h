/* What the screen of an emulated machine shows, as its worker tells it: numbers are checked, what
 * it looks like is the worker's. Thread. */
#ifndef VENEER_PARENT_SERVICES_CHILD_SCREEN_H
#define VENEER_PARENT_SERVICES_CHILD_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child;
struct memory_object;

struct child_screen {
    uint32_t width, height;       /* columns and rows, or pixels */
    uint32_t size;                /* bytes: UTF-8, a line per row; or 3 for each pixel: RGB */
    struct memory_object *memory; /* shared with the worker, which may change it */
};

/* Has the worker of @child draw its text screen or, if @picture, its picture. False: *@error says
 * why not. Ends with child_screen_free(). */
bool child_screen_take(struct child *child, bool picture, struct child_screen *screen,
                       const char **error);
void child_screen_free(struct child_screen *screen);

/* Copies @size bytes from @offset on; both lie inside. */
void child_screen_read(const struct child_screen *screen, uint32_t offset, void *data, size_t size);

#endif
