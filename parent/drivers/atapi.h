/* Packet commands for CD and DVD drives (SPC-3, MMC-5). Pure logic. */
#ifndef VENEER_PARENT_DRIVERS_ATAPI_H
#define VENEER_PARENT_DRIVERS_ATAPI_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/block.h"

#define ATAPI_PACKET_SIZE 12
#define ATAPI_CAPACITY_SIZE 8
#define ATAPI_SENSE_SIZE 18

void atapi_make_read(uint8_t packet[ATAPI_PACKET_SIZE], uint64_t sector, uint32_t count);
void atapi_make_test_ready(uint8_t packet[ATAPI_PACKET_SIZE]);
void atapi_make_read_capacity(uint8_t packet[ATAPI_PACKET_SIZE]);
void atapi_make_request_sense(uint8_t packet[ATAPI_PACKET_SIZE]);

/* Reads the answer to READ CAPACITY; false if it makes no sense. */
bool atapi_parse_capacity(const uint8_t data[ATAPI_CAPACITY_SIZE], uint64_t *sector_count,
                          uint32_t *sector_size);

/* Why a command failed. */
struct atapi_sense {
    uint8_t key, code, qualifier;
};

void atapi_parse_sense(const uint8_t data[ATAPI_SENSE_SIZE], struct atapi_sense *sense);

/* BLOCK_BUSY: not yet, or not again: repeating it helps. */
enum block_status atapi_result(const struct atapi_sense *sense);

#endif
