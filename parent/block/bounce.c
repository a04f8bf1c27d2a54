#include "parent/block/bounce.h"

#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"

/* Aligned to its size, so that it is one piece for every device: boundaries are not smaller. */
#define BOUNCE_SIZE 65536u
#define BOUNCE_PAGES (BOUNCE_SIZE / PAGE_SIZE)

bool bounce_init(struct bounce *bounce, uint64_t address_limit)
{
    uint64_t address;

    *bounce = (struct bounce){0};
    if (address_limit == UINT64_MAX)
        return true;
    address = pages_allocate(BOUNCE_PAGES, BOUNCE_PAGES);
    if (address == 0)
        return false;
    bounce->segment = (struct block_segment){.address = address, .length = BOUNCE_SIZE};
    if (address + BOUNCE_SIZE - 1 > address_limit) {
        bounce_free(bounce);
        return false;
    }
    return true;
}

void bounce_free(struct bounce *bounce)
{
    if (bounce->segment.length > 0)
        pages_free(bounce->segment.address, BOUNCE_PAGES);
    bounce->segment.length = 0;
}

bool bounce_taken(const struct bounce *bounce)
{
    return bounce->taken;
}

uint32_t bounce_sectors(const struct block_device *disk, uint64_t bytes)
{
    uint64_t sectors = (bytes < BOUNCE_SIZE ? bytes : BOUNCE_SIZE) / disk->sector_size;

    return (uint32_t)(sectors < disk->max_sectors ? sectors : disk->max_sectors);
}

/* Copies between the buffer and the memory that the request names. */
static void copy(const struct bounce *bounce, struct block_cursor memory, bool to_buffer)
{
    uint8_t *buffer = physical_to_virtual(bounce->segment.address);
    struct block_segment piece;

    while (block_next_piece(&memory, 1u << 31, &piece)) {
        void *at = physical_to_virtual(piece.address);

        if (to_buffer)
            memcpy(buffer, at, piece.length);
        else
            memcpy(at, buffer, piece.length);
        buffer += piece.length;
    }
}

void bounce_take(struct bounce *bounce, struct block_command *command)
{
    bounce->taken = true;
    command->original = command->data;
    command->data = (struct block_cursor){.segment = &bounce->segment, .left = command->data.left};
    if (command->operation == BLOCK_WRITE)
        copy(bounce, command->original, true);
}

void bounce_release(struct bounce *bounce, struct block_command *command, bool good)
{
    bounce->taken = false;
    if (good && command->operation == BLOCK_READ)
        copy(bounce, command->original, false);
}
