/* How requests are checked and cut into commands. Pure logic. */
#ifndef VENEER_PARENT_BLOCK_SPLIT_H
#define VENEER_PARENT_BLOCK_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/block.h"

/* Whether @device can do @request: BLOCK_OK, or why not. Fills in its rest, next_sector (of the
 * disk), bytes, is_one_command and flush_wanted. */
enum block_status block_check_request(const struct block_device *device,
                                      struct block_request *request);

/* How many sectors from @rest on fit into one command of @disk; 0: not even one. */
uint32_t block_command_sectors(const struct block_device *disk, struct block_cursor rest);

/* Moves on by @bytes <= @cursor->left. */
void block_skip(struct block_cursor *cursor, uint64_t bytes);

/* Whether the next @bytes of @cursor are all at addresses up to @limit. */
bool block_reachable(struct block_cursor cursor, uint64_t bytes, uint64_t limit);

#endif
