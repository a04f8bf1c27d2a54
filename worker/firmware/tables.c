/* Tables of the worker's for operating systems, which have to be in segment F000h. */

#include "worker/firmware/memory.h"
#include "worker/firmware/post.h"

#define ALIGNMENT 16
#define FIXED_ENTRIES 0xe000 /* what is free ends there */

extern uint8_t image_end[]; /* firmware.ld */

void tables_copy(void)
{
    const struct firmware_info *info = firmware_info();
    uint32_t to = (uint32_t)(uintptr_t)image_end;

    for (unsigned i = 0; info && i < FIRMWARE_COPIES; i++) {
        const struct firmware_copy *copy = &info->copies[i];
        uint32_t from = copy->address - FIRMWARE_TABLES_ADDRESS;

        to = (to + ALIGNMENT - 1) & ~(ALIGNMENT - 1u);
        if (!copy->size || from >= FIRMWARE_TABLES_SIZE ||
            copy->size > FIRMWARE_TABLES_SIZE - from || copy->size > FIXED_ENTRIES - to)
            continue;
        far_move(FIRMWARE_CODE, (uint16_t)to, FIRMWARE_TABLES_ADDRESS >> 4, (uint16_t)from,
                 (uint16_t)copy->size);
        to += copy->size;
    }
}
