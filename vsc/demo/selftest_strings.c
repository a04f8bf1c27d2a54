/* Tests of INS and OUTS, with and without REP, in both directions. */
#include "vsc/demo/selftest.h"

#include "include/child_start.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

#define ELEMENTS 1500 /* across pages */

/* For string_io(): instruction @name with REP. */
#define REP(name)                                                                                  \
    do {                                                                                           \
        if (down)                                                                                  \
            __asm__ volatile("std\n\trep " name "\n\tcld"                                          \
                             : "+S"(from), "+D"(to), "+c"(*count)                                  \
                             : "d"(CHILD_PORT_STRING)                                              \
                             : "memory", "cc");                                                    \
        else                                                                                       \
            __asm__ volatile("rep " name                                                           \
                             : "+S"(from), "+D"(to), "+c"(*count)                                  \
                             : "d"(CHILD_PORT_STRING)                                              \
                             : "memory", "cc");                                                    \
    } while (0)

static uint32_t buffer[ELEMENTS];

/* Moves *@count elements of @size bytes from or to *@at; leaves RCX, and RSI or RDI there. */
static void string_io(bool in, unsigned size, bool down, uint8_t **at, uint64_t *count)
{
    uint8_t *from = *at, *to = *at;

    if (in && size == 1)
        REP("insb");
    else if (in && size == 2)
        REP("insw");
    else if (in)
        REP("insl");
    else if (size == 1)
        REP("outsb");
    else if (size == 2)
        REP("outsw");
    else
        REP("outsl");
    *at = in ? to : from;
}

static uint32_t element(unsigned size, unsigned index)
{
    uint32_t value = 0;

    memcpy(&value, (uint8_t *)buffer + size * index, size);
    return value;
}

/* RSI or RDI and RCX after @count elements from element @first on. */
static void check_registers(unsigned size, bool down, const uint8_t *at, uint64_t left,
                            const uint8_t *start, unsigned count)
{
    int64_t step = down ? -(int64_t)size : (int64_t)size;

    check_equal(left, 0, "RCX");
    check_equal((uint64_t)at, (uint64_t)start + (uint64_t)(step * count), "the pointer");
}

static void check_out(unsigned size, bool down, unsigned count)
{
    uint8_t *start = (uint8_t *)buffer + (down ? size * (count == 0 ? 0 : count - 1) : 0);
    uint8_t *at = start;
    uint64_t left = count;
    uint32_t sum = inl(CHILD_PORT_POSTED_SUM);

    for (unsigned i = 0; i < ELEMENTS; i++)
        buffer[i] = i * 0x01234567u + 0x89u;
    for (unsigned i = 0; i < count; i++)
        sum += element(size, i);
    string_io(false, size, down, &at, &left);
    check_registers(size, down, at, left, start, count);
    check(inl(CHILD_PORT_POSTED_SUM) == sum, "out: %u elements of %u bytes %s have another sum",
          count, size, down ? "downwards" : "upwards");
}

/* The worker gives 1, 2, 3, …, wherever it is in that when the instruction begins. */
static void check_in(unsigned size, bool down, unsigned count)
{
    uint8_t *start = (uint8_t *)buffer + (down ? size * (count == 0 ? 0 : count - 1) : 0);
    uint8_t *at = start;
    uint64_t left = count;
    uint32_t mask = size == 4 ? ~0u : (1u << 8 * size) - 1;

    memset(buffer, 0xee, sizeof(buffer));
    string_io(true, size, down, &at, &left);
    check_registers(size, down, at, left, start, count);
    for (unsigned i = 1; i < count; i++) {
        uint32_t here = element(size, i), before = element(size, i - 1);
        uint32_t step = down ? before - here : here - before;

        if (!check((step & mask) == 1, "in: element %u of %u, %u bytes %s, is %x behind %x", i,
                   count, size, down ? "downwards" : "upwards", here, before))
            return;
    }
    check_equal(((uint8_t *)buffer)[size * count], 0xee, "the byte behind");
}

void test_strings(void)
{
    static const unsigned counts[] = {0, 1, 2, 100, ELEMENTS - 1};

    for (unsigned size = 1; size <= 4; size *= 2) {
        for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
            check_out(size, false, counts[i]);
            check_out(size, true, counts[i]);
            check_in(size, false, counts[i]);
            check_in(size, true, counts[i]);
        }
    }
}
