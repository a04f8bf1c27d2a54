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
#define METHOD_OP 0x14
#define DUAL_NAME_PREFIX 0x2e
#define MULTI_NAME_PREFIX 0x2f
#define EXTENDED_PREFIX 0x5b
#define REGION_OP 0x80
#define FIELD_OP 0x81
#define DEVICE_OP 0x82
#define PROCESSOR_OP 0x83
#define NAME_SIZE 4u
#define REGION_PCI_CONFIG 2
#define FIELD_BYTE_ACCESS 1 /* and: no lock, other bits are preserved */
#define METHOD_SERIALIZED 0x08

/* 6.4.2 and 6.4.3: resource descriptors. */
#define IO_DESCRIPTOR 0x47
#define IO_DECODE_16 0x01
#define IRQ_DESCRIPTOR 0x22
#define DMA_DESCRIPTOR 0x2a
#define END_TAG 0x79
#define DWORD_DESCRIPTOR 0x87
#define WORD_DESCRIPTOR 0x88
#define QWORD_DESCRIPTOR 0x8a
#define WINDOW_FIXED_PRODUCER 0x0c /* MinFixed, MaxFixed, producer */
#define INTERRUPT_DESCRIPTOR 0x89
#define INTERRUPT_EDGE_CONSUMER 0x03
#define INTERRUPT_LEVEL_SHARED_CONSUMER 0x09

/* A PkgLength of three bytes: 20 bits. */
#define LENGTH_BYTES 3u
#define LENGTH_MAX 0xfffffu

static void put(struct aml *aml, uint64_t value, unsigned size)
{
    if (aml->overflow || size > aml->size - aml->used) {
        aml->overflow = true;
        return;
    }
    memcpy(aml->buffer + aml->used, &value, size);
    aml->used += size;
}

/* How many segments @name has, which are separated by dots. */
static unsigned segments(const char *name)
{
    unsigned count = 1;
    for (; *name; name++)
        count += *name == '.';
    return count;
}

static void put_name(struct aml *aml, const char *name)
{
    unsigned count = segments(name);
    if (*name == '\\')
        put(aml, (uint8_t)*name++, 1);
    if (count == 2)
        put(aml, DUAL_NAME_PREFIX, 1);
    if (count > 2) {
        put(aml, MULTI_NAME_PREFIX, 1);
        put(aml, count, 1);
    }
    for (; count > 0; count--) {
        for (unsigned i = 0; i < NAME_SIZE; i++)
            put(aml, (uint8_t)(*name && *name != '.' ? *name++ : '_'), 1);
        name += *name == '.';
    }
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
    aml->buffer[start] = (uint8_t)((LENGTH_BYTES - 1) << 6 | (length & 0xf));
    for (unsigned i = 1; i < LENGTH_BYTES; i++)
        aml->buffer[start + i] = (uint8_t)(length >> (8 * i - 4));
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

void aml_processor(struct aml *aml, const char *name, uint8_t id)
{
    put(aml, EXTENDED_PREFIX, 1);
    put(aml, PROCESSOR_OP, 1);
    size_t start = begin(aml);
    put_name(aml, name);
    put(aml, id, 1);
    put(aml, 0, 4); /* no block of registers, */
    put(aml, 0, 1); /* of no length */
    aml_end(aml, start);
}

size_t aml_method(struct aml *aml, const char *name, unsigned arguments)
{
    put(aml, METHOD_OP, 1);
    size_t start = begin(aml);
    put_name(aml, name);
    put(aml, METHOD_SERIALIZED | arguments, 1);
    return start;
}

void aml_code(struct aml *aml, const uint8_t *code, size_t size)
{
    for (size_t i = 0; i < size; i++)
        put(aml, code[i], 1);
}

void aml_pci_bytes(struct aml *aml, const char *region, uint8_t offset, const char *const *names,
                   uint8_t count)
{
    put(aml, EXTENDED_PREFIX, 1);
    put(aml, REGION_OP, 1);
    put_name(aml, region);
    put(aml, REGION_PCI_CONFIG, 1);
    put(aml, BYTE_PREFIX | offset << 8, 2);
    put(aml, BYTE_PREFIX | count << 8, 2);
    put(aml, EXTENDED_PREFIX, 1);
    put(aml, FIELD_OP, 1);
    size_t start = begin(aml);
    put_name(aml, region);
    put(aml, FIELD_BYTE_ACCESS, 1);
    for (unsigned i = 0; i < count; i++) {
        put_name(aml, names[i]);
        put(aml, 8, 1); /* bits */
    }
    aml_end(aml, start);
}

static void begin_name(struct aml *aml, const char *name)
{
    put(aml, NAME_OP, 1);
    put_name(aml, name);
}

void aml_integer(struct aml *aml, uint32_t value)
{
    put(aml, DWORD_PREFIX, 1);
    put(aml, value, sizeof(value));
}

void aml_reference(struct aml *aml, const char *name)
{
    put_name(aml, name);
}

size_t aml_package(struct aml *aml, uint8_t count)
{
    put(aml, PACKAGE_OP, 1);
    size_t start = begin(aml);
    put(aml, count, 1);
    return start;
}

size_t aml_name_of_package(struct aml *aml, const char *name, uint8_t count)
{
    begin_name(aml, name);
    return aml_package(aml, count);
}

void aml_name_integer(struct aml *aml, const char *name, uint32_t value)
{
    begin_name(aml, name);
    aml_integer(aml, value);
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
    aml_name_integer(aml, name, __builtin_bswap32(value));
}

void aml_name_package(struct aml *aml, const char *name, const uint8_t *values, unsigned count)
{
    size_t start = aml_name_of_package(aml, name, (uint8_t)count);
    for (unsigned i = 0; i < count; i++) {
        put(aml, BYTE_PREFIX, 1);
        put(aml, values[i], 1);
    }
    aml_end(aml, start);
}

/* A buffer, whose size is not known yet. */
size_t aml_resources(struct aml *aml, const char *name)
{
    begin_name(aml, name);
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

static void put_interrupts(struct aml *aml, uint8_t flags, const uint8_t *numbers, uint8_t count)
{
    put(aml, INTERRUPT_DESCRIPTOR, 1);
    put(aml, 2 + 4 * (uint64_t)count, 2);
    put(aml, flags, 1);
    put(aml, count, 1);
    for (unsigned i = 0; i < count; i++)
        put(aml, numbers[i], 4);
}

void aml_interrupt(struct aml *aml, uint8_t number)
{
    put_interrupts(aml, INTERRUPT_EDGE_CONSUMER, &number, 1);
}

void aml_shared_interrupts(struct aml *aml, const uint8_t *numbers, uint8_t count)
{
    put_interrupts(aml, INTERRUPT_LEVEL_SHARED_CONSUMER, numbers, count);
}

void aml_irq(struct aml *aml, uint8_t irq)
{
    put(aml, IRQ_DESCRIPTOR, 1);
    put(aml, 1u << irq, 2);
}

void aml_dma(struct aml *aml, uint8_t channel)
{
    put(aml, DMA_DESCRIPTOR, 1);
    put(aml, 1u << channel, 1);
    put(aml, 0, 1); /* bytes, no bus master, compatible timing */
}

void aml_window(struct aml *aml, enum aml_window window, unsigned width, uint64_t first,
                uint64_t size)
{
    /* Memory: read-write, not cached. Ports: all of them. */
    static const uint8_t flags[] = {[AML_MEMORY] = 0x01, [AML_PORTS] = 0x03, [AML_BUSES] = 0x00};

    put(aml, width == 2 ? WORD_DESCRIPTOR : width == 4 ? DWORD_DESCRIPTOR : QWORD_DESCRIPTOR, 1);
    put(aml, 3 + 5 * width, 2);
    put(aml, window, 1);
    put(aml, WINDOW_FIXED_PRODUCER, 1);
    put(aml, flags[window], 1);
    put(aml, 0, width); /* granularity */
    put(aml, first, width);
    put(aml, first + size - 1, width);
    put(aml, 0, width); /* translation */
    put(aml, size, width);
}
