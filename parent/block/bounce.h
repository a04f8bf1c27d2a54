/* A buffer in the reach of a device, for memory that is not: one per queue, used by one command at
 * a time. The caller serialises. */
#ifndef VENEER_PARENT_BLOCK_BOUNCE_H
#define VENEER_PARENT_BLOCK_BOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/block.h"

struct bounce {
    struct block_segment segment; /* the whole buffer; length 0: the device reaches everything */
    bool taken;
};

/* Allocates the buffer if @address_limit says that it may be needed. False: no memory in reach.
 * Thread. */
bool bounce_init(struct bounce *bounce, uint64_t address_limit);
void bounce_free(struct bounce *bounce);

bool bounce_taken(const struct bounce *bounce);

/* How many of @bytes, in sectors of @disk, one command can do by the buffer. */
uint32_t bounce_sectors(const struct block_device *disk, uint64_t bytes);

/* Puts the buffer in place of the data of @command; what is to be written is copied. */
void bounce_take(struct bounce *bounce, struct block_command *command);

/* Gives it back; if @good, what was read is copied to where it belongs. */
void bounce_release(struct bounce *bounce, struct block_command *command, bool good);

#endif
