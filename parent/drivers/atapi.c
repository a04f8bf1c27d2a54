#include "parent/drivers/atapi.h"

#include <stddef.h>

#include "lib/string.h"

#define TEST_UNIT_READY 0x00
#define REQUEST_SENSE 0x03
#define READ_CAPACITY_10 0x25
#define READ_12 0xa8

#define SENSE_KEY_NONE 0x0
#define SENSE_KEY_RECOVERED 0x1
#define SENSE_KEY_NOT_READY 0x2
#define SENSE_KEY_MEDIUM_ERROR 0x3
#define SENSE_KEY_ILLEGAL_REQUEST 0x5
#define SENSE_KEY_UNIT_ATTENTION 0x6
#define SENSE_CODE_BECOMING_READY 0x04
#define SENSE_CODE_OUT_OF_RANGE 0x21
#define SENSE_CODE_MEDIUM_NOT_PRESENT 0x3a

static void put_big_endian(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void atapi_make_read(uint8_t packet[ATAPI_PACKET_SIZE], uint64_t sector, uint32_t count)
{
    memset(packet, 0, ATAPI_PACKET_SIZE);
    packet[0] = READ_12;
    put_big_endian(packet + 2, (uint32_t)sector);
    put_big_endian(packet + 6, count);
}

void atapi_make_test_ready(uint8_t packet[ATAPI_PACKET_SIZE])
{
    memset(packet, 0, ATAPI_PACKET_SIZE);
    packet[0] = TEST_UNIT_READY;
}

void atapi_make_read_capacity(uint8_t packet[ATAPI_PACKET_SIZE])
{
    memset(packet, 0, ATAPI_PACKET_SIZE);
    packet[0] = READ_CAPACITY_10;
}

void atapi_make_request_sense(uint8_t packet[ATAPI_PACKET_SIZE])
{
    memset(packet, 0, ATAPI_PACKET_SIZE);
    packet[0] = REQUEST_SENSE;
    packet[4] = ATAPI_SENSE_SIZE;
}

bool atapi_parse_capacity(const uint8_t data[ATAPI_CAPACITY_SIZE], uint64_t *sector_count,
                          uint32_t *sector_size)
{
    uint32_t size = get_big_endian(data + 4);

    if (size < 512 || size > 4096 || (size & (size - 1)) != 0)
        return false;
    *sector_count = (uint64_t)get_big_endian(data) + 1; /* it says the last sector */
    *sector_size = size;
    return true;
}

void atapi_parse_sense(const uint8_t data[ATAPI_SENSE_SIZE], struct atapi_sense *sense)
{
    sense->key = data[2] & 0xf;
    sense->code = data[12];
    sense->qualifier = data[13];
}

enum block_status atapi_result(const struct atapi_sense *sense)
{
    switch (sense->key) {
    case SENSE_KEY_NOT_READY:
        if (sense->code == SENSE_CODE_BECOMING_READY)
            return BLOCK_BUSY;
        return sense->code == SENSE_CODE_MEDIUM_NOT_PRESENT ? BLOCK_ERROR_NO_MEDIUM
                                                            : BLOCK_ERROR_DEVICE;
    case SENSE_KEY_UNIT_ATTENTION:
        return BLOCK_BUSY;
    case SENSE_KEY_MEDIUM_ERROR:
        return BLOCK_ERROR_MEDIUM;
    case SENSE_KEY_ILLEGAL_REQUEST:
        return sense->code == SENSE_CODE_OUT_OF_RANGE ? BLOCK_ERROR_MEDIUM : BLOCK_ERROR_DEVICE;
    case SENSE_KEY_NONE:
    case SENSE_KEY_RECOVERED:
    default:
        return BLOCK_ERROR_DEVICE;
    }
}
