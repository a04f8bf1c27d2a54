#include "worker/aml.h"

#include "lib/string.h"

/* 20.2: operators and prefixes. */
#define NAME_OP 0x08
#define BYTE_PREFIX 0x0a
#define DWORD_PREFIX 0x0c
#define STRING_PREFIX 0x0d
#define SCOPE_OP 0x10
#define BUFFER_OP 0x11
#define PACKAGE_OP 0x12
#define EXTENDED_PREFIX 0x5b
#define DEVICE_OP 0x82
#define NAME_SIZE 4u

/* 6.4.2 and 6.4.3: resource descriptors. */
#define IO_DESCRIPTOR 0x47
#define IO_DECODE_16 0x01
#define END_TAG 0x79
#define QWORD_DESCRIPTOR 0x8a
#define QWORD_LENGTH 0x2b
#define QWORD_MEMORY 0
#define QWORD_FIXED_PRODUCER 0x0c /* MinFixed, MaxFixed, producer */
#define QWORD_READ_WRITE 0x01
#define INTERRUPT_DESCRIPTOR 0x89
#define INTERRUPT_LENGTH 6
#define INTERRUPT_EDGE_CONSUMER 0x03

/* A PkgLength of two bytes: 12 bits. */
#define LENGTH_BYTES 2u
#define LENGTH_MAX 0xfffu

static void put(struct aml *aml, uint64_t value, unsigned size)
{
    if (aml->overflow || size > aml->size - aml->used) {
        aml->overflow = true;
        return;
    }
    memcpy(aml->buffer + aml->used, &value, size);
    aml->used += size;
}

static void put_name(struct aml *aml, const char *name)
{
    if (*name == '\\')
        put(aml, (uint8_t)*name++, 1);
    for (unsigned i = 0; i < NAME_SIZE; i++)
        put(aml, (uint8_t)(*name ? *name++ : '_'), 1);
}

static size_t begin(struct aml *aml)
{
    size_t start = aml->used;
    put(aml, 0, LENGTH_BYTES);
    return start;
}

/* The length counts itself (20.2.4). */
void aml_end(struct aml *aml, size_t start)
{
    size_t length = aml->used - start;
    if (length > LENGTH_MAX)
        aml->overflow = true;
    if (aml->overflow)
        return;
    aml->buffer[start] = (uint8_t)(1 << 6 | (length & 0xf));
    aml->buffer[start + 1] = (uint8_t)(length >> 4);
}

size_t aml_scope(struct aml *aml, const char *name)
{
    put(aml, SCOPE_OP, 1);
    size_t start = begin(aml);
    put_name(aml, name);
    return start;
}

size_t aml_device(struct aml *aml, const char *name)
{
    put(aml, EXTENDED_PREFIX, 1);
    put(aml, DEVICE_OP, 1);
    size_t start = begin(aml);
    put_name(aml, name);
    return start;
}

static void begin_name(struct aml *aml, const char *name)
{
    put(aml, NAME_OP, 1);
    put_name(aml, name);
}

void aml_name_integer(struct aml *aml, const char *name, uint32_t value)
{
    begin_name(aml, name);
    put(aml, DWORD_PREFIX, 1);
    put(aml, value, sizeof(value));
}

void aml_name_string(struct aml *aml, const char *name, const char *value)
{
    begin_name(aml, name);
    put(aml, STRING_PREFIX, 1);
    do
        put(aml, (uint8_t)*value, 1);
    while (*value++);
}

static unsigned hexadecimal(char digit)
{
    return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)(digit - 'A' + 10);
}

/* Three letters of 5 bits and four digits, the most significant byte first. */
void aml_name_eisa_id(struct aml *aml, const char *name, const char *id)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 3; i++)
        value = value << 5 | (id[i] & 0x1f);
    for (unsigned i = 3; i < 7; i++)
        value = value << 4 | hexadecimal(id[i]);
    begin_name(aml, name);
    put(aml, DWORD_PREFIX, 1);
    put(aml, __builtin_bswap32(value), sizeof(value));
}

void aml_name_package(struct aml *aml, const char *name, const uint8_t *values, unsigned count)
{
    begin_name(aml, name);
    put(aml, PACKAGE_OP, 1);
    size_t start = begin(aml);
    put(aml, count, 1);
    for (unsigned i = 0; i < count; i++) {
        put(aml, BYTE_PREFIX, 1);
        put(aml, values[i], 1);
    }
    aml_end(aml, start);
}

/* A buffer, whose size is not known yet. */
size_t aml_resources(struct aml *aml)
{
    begin_name(aml, "_CRS");
    put(aml, BUFFER_OP, 1);
    size_t start = begin(aml);
    put(aml, DWORD_PREFIX, 1);
    put(aml, 0, sizeof(uint32_t));
    return start;
}

void aml_resources_end(struct aml *aml, size_t start)
{
    put(aml, END_TAG, 1);
    put(aml, 0, 1); /* as a checksum: it is not used */
    size_t data = start + LENGTH_BYTES + 1 + sizeof(uint32_t);
    uint32_t size = (uint32_t)(aml->used - data);
    if (!aml->overflow)
        memcpy(aml->buffer + data - sizeof(size), &size, sizeof(size));
    aml_end(aml, start);
}

void aml_io(struct aml *aml, uint16_t first, uint8_t count)
{
    put(aml, IO_DESCRIPTOR, 1);
    put(aml, IO_DECODE_16, 1);
    put(aml, first, 2);
    put(aml, first, 2);
    put(aml, 1, 1);
    put(aml, count, 1);
}

void aml_interrupt(struct aml *aml, uint32_t number)
{
    put(aml, INTERRUPT_DESCRIPTOR, 1);
    put(aml, INTERRUPT_LENGTH, 2);
    put(aml, INTERRUPT_EDGE_CONSUMER, 1);
    put(aml, 1, 1);
    put(aml, number, 4);
}

void aml_memory_window(struct aml *aml, uint64_t address, uint64_t size)
{
    put(aml, QWORD_DESCRIPTOR, 1);
    put(aml, QWORD_LENGTH, 2);
    put(aml, QWORD_MEMORY, 1);
    put(aml, QWORD_FIXED_PRODUCER, 1);
    put(aml, QWORD_READ_WRITE, 1);
    put(aml, 0, 8); /* granularity */
    put(aml, address, 8);
    put(aml, address + size - 1, 8);
    put(aml, 0, 8); /* translation */
    put(aml, size, 8);
}
