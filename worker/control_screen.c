#include "worker/control_screen.h"

#include "worker/machine.h"
#include "worker/screen.h"

#define PIXEL_SIZE 3u

enum machine_control_status control_text(const struct vga *vga, void *data, uint32_t size,
                                         struct machine_control_answer *answer)
{
    struct screen_text text;
    if (size == 0)
        return MACHINE_CONTROL_TOO_LARGE;
    lock_take(&machine.lock);
    size_t length = screen_text(vga, &text, data, size);
    lock_release(&machine.lock);
    if (text.columns == 0)
        return MACHINE_CONTROL_NO_TEXT;
    answer->width = text.columns;
    answer->height = text.rows;
    answer->done = (uint32_t)length;
    return MACHINE_CONTROL_DONE;
}

/* The machine goes on while rows are drawn. */
enum machine_control_status control_picture(const struct vga *vga, void *data, uint32_t size,
                                            struct machine_control_answer *answer)
{
    static struct screen_picture picture; /* large; one thread serves requests */
    uint8_t *rgb = data;
    lock_take(&machine.lock);
    screen_picture(vga, &picture);
    lock_release(&machine.lock);
    uint64_t row_size = (uint64_t)picture.width * PIXEL_SIZE;
    if (row_size * picture.height > size)
        return MACHINE_CONTROL_TOO_LARGE;
    for (uint32_t row = 0; row < picture.height; row++)
        screen_picture_row(&picture, row, rgb + row * row_size);
    answer->width = picture.width;
    answer->height = picture.height;
    return MACHINE_CONTROL_DONE;
}
