/* Random additions, claims and allocations, against a model that knows each 256-byte cell of a
 * small memory. */
#include "hypervisor/boot/memory_map.h"

#include "tests/fuzz/fuzz.h"
#include "tests/memory_map_check.h"

#define PAGES 48
#define CELL 256ull
#define PAGE_CELLS 16
#define PAGE_BYTES 4096ull
#define MEMORY_BYTES (PAGES * PAGE_BYTES)

static struct {
    bool ram;                   /* a range of RAM covers the page as a whole */
    uint32_t claimed;           /* type, or 0 */
    uint32_t other[PAGE_CELLS]; /* of the types but RAM, the one that allows least; 0: none */
} pages[PAGES];

static struct memory_map map;

/* Position of a type in the order in which types win. */
static unsigned rank(uint32_t type)
{
    static const uint32_t order[] = {0,
                                     BOOT_MEMORY_RAM,
                                     BOOT_MEMORY_ACPI_RECLAIM,
                                     BOOT_MEMORY_ACPI_NVS,
                                     BOOT_MEMORY_RESERVED,
                                     BOOT_MEMORY_BAD};
    unsigned i = 0;

    while (order[i] != type)
        i++;
    return i;
}

static bool model_is_ram(size_t page)
{
    for (size_t i = 0; i < PAGE_CELLS; i++) {
        if (pages[page].other[i] != 0)
            return false;
    }
    return pages[page].ram && pages[page].claimed == 0;
}

/* The type of a cell, 0 if it is in no range. */
static uint32_t model_type(size_t page, size_t cell)
{
    if (pages[page].claimed != 0)
        return pages[page].claimed;
    return model_is_ram(page) ? BOOT_MEMORY_RAM : pages[page].other[cell];
}

static void model_add(uint64_t base, uint64_t size, uint32_t type)
{
    for (size_t page = 0; page < PAGES; page++) {
        uint64_t start = page * PAGE_BYTES;

        if (type == BOOT_MEMORY_RAM) {
            pages[page].ram |= start >= base && start + PAGE_BYTES <= base + size;
            continue;
        }
        for (size_t i = 0; i < PAGE_CELLS; i++) {
            uint64_t address = start + i * CELL;

            if (address - base < size && rank(type) > rank(pages[page].other[i]))
                pages[page].other[i] = type;
        }
    }
}

static bool model_can_claim(uint64_t base, uint64_t size)
{
    if (base % PAGE_BYTES != 0 || size % PAGE_BYTES != 0 || size == 0 || base >= MEMORY_BYTES ||
        size > MEMORY_BYTES - base)
        return false;
    for (size_t page = base / PAGE_BYTES; page < (base + size) / PAGE_BYTES; page++) {
        if (!model_is_ram(page))
            return false;
    }
    return true;
}

static void model_claim(uint64_t base, uint64_t size, uint32_t type)
{
    for (size_t page = base / PAGE_BYTES; page < (base + size) / PAGE_BYTES; page++)
        pages[page].claimed = type;
}

static uint64_t model_allocate(uint64_t size, uint64_t alignment, uint64_t low, uint64_t high)
{
    for (uint64_t base = MEMORY_BYTES; base >= PAGE_BYTES; base -= PAGE_BYTES) {
        if (base % alignment == 0 && base >= low && base + size <= high &&
            model_can_claim(base, size))
            return base;
    }
    return 0;
}

static void check_against_model(void)
{
    uint64_t ram = 0;

    FUZZ_CHECK(memory_map_check(&map) == NULL);
    for (size_t page = 0; page < PAGES; page++) {
        for (size_t cell = 0; cell < PAGE_CELLS; cell++) {
            uint64_t address = page * PAGE_BYTES + cell * CELL;
            const struct boot_memory_range *range = memory_map_find(&map, address + 7);
            uint32_t expected = model_type(page, cell);

            FUZZ_CHECK((range == NULL ? 0 : range->type) == expected);
            ram += expected == BOOT_MEMORY_RAM ? CELL : 0;
        }
    }
    FUZZ_CHECK(memory_map_total(&map, BOOT_MEMORY_RAM) == ram);
}

static uint64_t choose_cells(struct fuzz_input *input)
{
    return fuzz_number(input, 2) % (MEMORY_BYTES / CELL) * CELL;
}

static uint64_t choose_pages(struct fuzz_input *input)
{
    return fuzz_byte(input) % PAGES * PAGE_BYTES;
}

/* One operation on the map and the model; false if the map is full. */
static bool step(struct fuzz_input *input)
{
    uint8_t kind = fuzz_byte(input);
    uint32_t claim_type = BOOT_MEMORY_HYPERVISOR + (kind >> 4) % 4;
    uint64_t base, size, alignment;

    switch (kind % 4) {
    case 0:
    case 1:
        base = kind % 4 == 0 ? choose_cells(input) : choose_pages(input);
        size = kind % 4 == 0 ? choose_cells(input) % (4 * PAGE_BYTES) : choose_pages(input);
        /* The model ends here. */
        if (size > MEMORY_BYTES - base)
            size = MEMORY_BYTES - base;
        if (!memory_map_add(&map, base, size, 1 + (kind >> 4) % 5))
            return false;
        model_add(base, size, 1 + (kind >> 4) % 5);
        return true;
    case 2: {
        base = kind & 4 ? choose_cells(input) : choose_pages(input);
        size = choose_pages(input) % (8 * PAGE_BYTES);

        bool possible = model_can_claim(base, size);

        if (memory_map_claim(&map, base, size, claim_type))
            model_claim(base, size, claim_type);
        else if (possible)
            return false;
        else
            return true;
        FUZZ_CHECK(possible);
        return true;
    }
    default: {
        size = choose_pages(input) % (8 * PAGE_BYTES);
        alignment = PAGE_BYTES << (kind >> 2 & 3);

        uint64_t low = choose_cells(input);
        uint64_t high = choose_cells(input);
        uint64_t expected = model_allocate(size, alignment, low, high);
        bool full = map.count + 2 > MEMORY_MAP_MAX_RANGES;

        base = memory_map_allocate(&map, size, alignment, low, high, claim_type);
        FUZZ_CHECK(base == (full ? 0 : expected));
        if (base != 0)
            model_claim(base, size, claim_type);
        return true;
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};

    memset(&map, 0, sizeof(map));
    memset(pages, 0, sizeof(pages));
    while (input.size > 0) {
        if (!step(&input))
            break;
        FUZZ_CHECK(memory_map_check(&map) == NULL);
    }
    /* A full map may hold only part of the last range. */
    if (map.count + 2 <= MEMORY_MAP_MAX_RANGES)
        check_against_model();

    /* Ranges at the edges of the address space, of any type. */
    input = (struct fuzz_input){data, size};
    while (input.size > 0) {
        uint64_t base = fuzz_number(&input, 8) << (fuzz_byte(&input) % 16);
        uint64_t length = fuzz_number(&input, 8) >> (fuzz_byte(&input) % 64);

        if (!memory_map_add(&map, base, length, fuzz_byte(&input) % 7))
            break;
        FUZZ_CHECK(memory_map_check(&map) == NULL);
    }
    return 0;
}
