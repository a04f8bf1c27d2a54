#include "lib/symbols.h"

#include "lib/string.h"

#define FIRST_PAIR 128 /* smaller bytes of names are characters */
#define PAIR_DEPTH 16  /* of pairs in pairs */

/* What tools/symbols.py writes. Of each function, ascending: its distance from the one before, then
 * the name with a NUL. A distance has two bytes, low one first; with bit 15 set, two more with bits
 * 30:15. A byte of a name from FIRST_PAIR on stands for a pair of bytes, which may be such
 * themselves. An empty name stands for the end of code: the last entry has one. */
struct symbol_table {
    uint64_t base;  /* address of the first function */
    uint32_t count; /* 0 in an image's first link */
    uint8_t pairs[256 - FIRST_PAIR][2];
    uint8_t functions[];
};

extern const struct symbol_table symbol_table;

/* Copies @packed to @name. Of a pair the second half waits while the first is taken apart. */
static void unpack(const uint8_t *packed, char name[SYMBOL_NAME_SIZE])
{
    uint8_t waiting[PAIR_DEPTH];
    size_t depth = 0, length = 0;

    while (length < SYMBOL_NAME_SIZE - 1 && (depth > 0 || *packed != '\0')) {
        uint8_t byte = depth > 0 ? waiting[--depth] : *packed++;
        while (byte >= FIRST_PAIR && depth < PAIR_DEPTH) {
            waiting[depth++] = symbol_table.pairs[byte - FIRST_PAIR][1];
            byte = symbol_table.pairs[byte - FIRST_PAIR][0];
        }
        name[length++] = (char)byte;
    }
    name[length] = '\0';
}

static const uint8_t *read_distance(const uint8_t *from, uint64_t *distance)
{
    *distance = from[0] | (uint64_t)(from[1] & 0x7f) << 8;
    if ((from[1] & 0x80) == 0)
        return from + 2;
    *distance |= (uint64_t)from[2] << 15 | (uint64_t)from[3] << 23;
    return from + 4;
}

bool symbol_find(uint64_t address, char name[SYMBOL_NAME_SIZE], uint64_t *offset)
{
    const uint8_t *next = symbol_table.functions, *found = NULL;
    uint64_t start = symbol_table.base, distance, into = 0;

    for (uint32_t i = 0; i < symbol_table.count; i++) {
        next = read_distance(next, &distance);
        start += distance;
        if (start > address)
            break;
        into = address - start;
        found = next;
        next += strlen((const char *)next) + 1;
    }
    if (found == NULL || *found == '\0')
        return false;
    unpack(found, name);
    *offset = into;
    return true;
}

size_t backtrace(uint64_t rbp, uint64_t stack_low, uint64_t stack_high, uint64_t *addresses,
                 size_t limit)
{
    /* What the code of each function builds first: the caller's RBP and the return address. */
    struct frame {
        uint64_t rbp, return_address;
    };
    size_t count = 0;

    while (count < limit && rbp % sizeof(uint64_t) == 0 && rbp >= stack_low && rbp < stack_high &&
           stack_high - rbp >= sizeof(struct frame)) {
        const struct frame *frame = (const struct frame *)(uintptr_t)rbp;

        if (frame->return_address == 0)
            break;
        addresses[count++] = frame->return_address - 1;
        /* Callers are further up; everything else is a damaged stack, and could be a ring. */
        if (frame->rbp <= rbp)
            break;
        rbp = frame->rbp;
    }
    return count;
}
