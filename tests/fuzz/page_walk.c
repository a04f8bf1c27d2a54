/* Fuzzer of walks through page tables: any tables, in any mode; each entry is looked at where one
 * can be, and what is found is a page that the tables name. */
#include "worker/page_walk.h"
#include "worker/emulator/emulator.h"

#include "tests/fuzz/fuzz.h"

#define MEMORY_SIZE 0x4000u
#define TABLE_PAGES 4u

static _Alignas(4096) uint8_t memory[MEMORY_SIZE];
static unsigned entry_size, looks;

static void *entry(void *context, uint64_t physical, bool write)
{
    (void)context;
    FUZZ_CHECK(physical % entry_size == 0 && physical < 1ull << 52);
    FUZZ_CHECK(++looks <= 16);
    /* The last page is one that cannot be written. */
    if (physical >= MEMORY_SIZE || (write && physical >= MEMORY_SIZE - 0x1000))
        return NULL;
    return memory + physical;
}

/* Entries that mostly lead from table to table. */
static void fill(struct fuzz_input *in)
{
    memset(memory, 0, sizeof(memory));
    for (unsigned count = fuzz_byte(in); count > 0 && in->size > 0; count--) {
        uint32_t at = (uint32_t)fuzz_number(in, 2) % (MEMORY_SIZE / 8) * 8;
        uint64_t value = fuzz_number(in, 2), high = fuzz_byte(in);
        value = (value & 0xfff) | (value >> 12) % (TABLE_PAGES + 1) << 12;
        if (high & 1)
            value |= fuzz_number(in, 8) & 0xfff0000000000000;
        if (high & 2)
            value |= fuzz_number(in, 6) << 12;
        memcpy(memory + at, &value, sizeof(value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint64_t flags = fuzz_number(&in, 2), physical = 0;
    uint32_t code = 0;
    struct page_walk walk = {.cr0 = 0x80000001 | (flags & 1) << 16,
                             .cr3 = fuzz_byte(&in) % TABLE_PAGES << 12 | fuzz_byte(&in),
                             .cr4 = (flags & 0x30) | (flags & 0xc) << 18,
                             .efer = (flags & 0x40 ? 0x500 : 0) | (flags & 0x80) << 4,
                             .rflags = (flags & 0x100) << 10,
                             .physical_bits = 40,
                             .entry = entry};
    unsigned access = flags >> 9 & 0xf;
    uint64_t linear = fuzz_number(&in, 8);
    bool long_mode = walk.efer & 0x400;
    if (!long_mode)
        linear = (uint32_t)linear;
    entry_size = long_mode || walk.cr4 & 0x20 ? 8 : 4;
    fill(&in);
    looks = 0;
    if (page_walk(&walk, linear, access, &physical, &code))
        FUZZ_CHECK(physical >> 52 == 0 && physical % 0x1000 == linear % 0x1000);
    else
        FUZZ_CHECK((code & ~0x1fu) == 0 && (!(code & 8) || code & 1));
    return 0;
}
