#include "lib/symbols.h"

#include "lib/string.h"

/* What tools/symbols.py writes. Behind the offsets, which ascend, stand the names in the same
 * order, each with a NUL. An empty name stands for the end of code: the last entry has one. */
struct symbol_table {
    uint64_t base;      /* address of the first function */
    uint32_t count;     /* 0 in an image's first link */
    uint32_t offsets[]; /* of the functions, from `base` */
};

extern const struct symbol_table symbol_table;

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    uint64_t target = address - symbol_table.base;
    uint32_t index = 0;

    if (symbol_table.count == 0 || address < symbol_table.base)
        return NULL;
    while (index + 1 < symbol_table.count && symbol_table.offsets[index + 1] <= target)
        index++;

    const char *name = (const char *)&symbol_table.offsets[symbol_table.count];

    for (uint32_t i = 0; i < index; i++)
        name += strlen(name) + 1;
    if (*name == '\0')
        return NULL;
    *offset = target - symbol_table.offsets[index];
    return name;
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
