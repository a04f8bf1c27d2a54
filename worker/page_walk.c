#include "worker/page_walk.h"

#include <stddef.h>

#include "worker/emulator/emulator.h"

#define CR0_WP (1ull << 16)
#define CR0_PG (1ull << 31)
#define CR4_PSE (1ull << 4)
#define CR4_PAE (1ull << 5)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)
#define RFLAGS_AC (1ull << 18)

#define ENTRY_PRESENT (1ull << 0)
#define ENTRY_WRITABLE (1ull << 1)
#define ENTRY_USER (1ull << 2)
#define ENTRY_ACCESSED (1ull << 5)
#define ENTRY_DIRTY (1ull << 6)
#define ENTRY_LARGE (1ull << 7)
#define ENTRY_NO_EXECUTE (1ull << 63)
#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define PDPTE_RESERVED 0x1e6ull /* of PAE paging */

/* Page fault error codes. */
#define FAULT_PRESENT 0x01u
#define FAULT_WRITE 0x02u
#define FAULT_USER 0x04u
#define FAULT_RESERVED 0x08u
#define FAULT_EXECUTE 0x10u

#define MAX_LEVELS 4u

/* What kind of tables there are. */
struct format {
    unsigned levels, entry_size, index_bits;
    bool pae_top; /* the first level is PAE's, whose entries have no rights */
};

static const struct format format_32 = {2, 4, 10, false};
static const struct format format_pae = {3, 8, 9, true};
static const struct format format_64 = {4, 8, 9, false};

/* The walk so far. */
struct progress {
    uint64_t entries[MAX_LEVELS]; /* physical addresses of those that have an accessed bit */
    uint64_t values[MAX_LEVELS];
    unsigned count;
    uint64_t rights;    /* WRITABLE and USER, of all levels; NO_EXECUTE of any */
    uint64_t page_size; /* of the last one */
};

static const struct format *format_of(const struct page_walk *walk)
{
    if (walk->efer & EFER_LMA)
        return &format_64;
    return walk->cr4 & CR4_PAE ? &format_pae : &format_32;
}

static uint64_t load(const void *entry, unsigned size)
{
    if (entry == NULL)
        return size == 4 ? UINT32_MAX : UINT64_MAX;
    return size == 4 ? __atomic_load_n((const uint32_t *)entry, __ATOMIC_RELAXED)
                     : __atomic_load_n((const uint64_t *)entry, __ATOMIC_RELAXED);
}

/* Sets @bits of an entry that was @old. False: the guest has changed it meanwhile. */
static bool set_bits(const struct page_walk *walk, uint64_t address, unsigned size, uint64_t old,
                     uint64_t bits)
{
    uint32_t old32 = (uint32_t)old;
    if ((old & bits) == bits)
        return true;
    void *entry = walk->entry(walk->context, address, true);
    if (entry == NULL)
        return true;
    if (size == 4)
        return __atomic_compare_exchange_n((uint32_t *)entry, &old32, old32 | (uint32_t)bits, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return __atomic_compare_exchange_n((uint64_t *)entry, &old, old | bits, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

/* Intel SDM vol. 3, 4.3 to 4.5. @level: 0 is that of 4-KiB pages. */
static bool has_reserved(const struct page_walk *walk, const struct format *format, unsigned level,
                         uint64_t value, bool large)
{
    bool pae_top = format->pae_top && level == 2;
    uint64_t page_size = 1ull << (12 + level * format->index_bits);
    uint64_t reserved = ENTRY_ADDRESS & ~((1ull << walk->physical_bits) - 1);
    if (format->entry_size == 4) /* the address of a large page has 40 bits: PSE-36 */
        return large && value & 1ull << 21;
    if (pae_top)
        return (value & (reserved | PDPTE_RESERVED | ENTRY_NO_EXECUTE)) != 0;
    if (!(walk->efer & EFER_NXE))
        reserved |= ENTRY_NO_EXECUTE;
    if (large)
        reserved |= (page_size - 1) & ~0x1fffull;
    if (level == 3)
        reserved |= ENTRY_LARGE;
    return (value & reserved) != 0;
}

static bool is_large(const struct page_walk *walk, const struct format *format, unsigned level,
                     uint64_t value)
{
    if (!(value & ENTRY_LARGE))
        return false;
    if (format->entry_size == 4)
        return level == 1 && walk->cr4 & CR4_PSE;
    return level == 1 || (level == 2 && !format->pae_top);
}

/* The page that a last entry names. */
static uint64_t page_address(const struct format *format, uint64_t value, bool large,
                             uint64_t page_size)
{
    if (format->entry_size == 4 && large)
        return (value & 0xffc00000) | (value >> 13 & 0xff) << 32;
    return value & ENTRY_ADDRESS & ~(page_size - 1);
}

/* Down to the entry of the page. False: *@code says why not. */
static bool descend(const struct page_walk *walk, uint64_t linear, struct progress *progress,
                    uint64_t *page, uint32_t *code)
{
    const struct format *format = format_of(walk);
    uint64_t table = walk->cr3 & (format->pae_top           ? 0xffffffe0
                                  : format->entry_size == 4 ? 0xfffff000
                                                            : ENTRY_ADDRESS);
    progress->rights = ENTRY_WRITABLE | ENTRY_USER;
    for (unsigned level = format->levels; level-- > 0;) {
        unsigned shift = 12 + level * format->index_bits;
        uint64_t index = linear >> shift & ((1u << format->index_bits) - 1);
        bool pae_top = format->pae_top && level == 2;
        if (pae_top)
            index &= 3;
        uint64_t entry = table + index * format->entry_size;
        uint64_t value = load(walk->entry(walk->context, entry, false), format->entry_size);
        bool large = is_large(walk, format, level, value);
        progress->page_size = 1ull << shift;
        if (!(value & ENTRY_PRESENT))
            return false;
        if (has_reserved(walk, format, level, value, large)) {
            *code |= FAULT_PRESENT | FAULT_RESERVED;
            return false;
        }
        if (!pae_top) {
            progress->entries[progress->count] = entry;
            progress->values[progress->count++] = value;
            progress->rights &= value | ENTRY_NO_EXECUTE;
            progress->rights |= format->entry_size == 8 ? value & ENTRY_NO_EXECUTE : 0;
        }
        *page = page_address(format, value, large, progress->page_size);
        if (large)
            return true;
        table = value & (format->entry_size == 4 ? 0xfffff000 : ENTRY_ADDRESS);
    }
    return true;
}

/* Intel SDM vol. 3, 4.6.1. */
static bool is_allowed(const struct page_walk *walk, uint64_t rights, unsigned access)
{
    bool user = access & EMULATOR_USER, user_page = rights & ENTRY_USER;
    if (user && !user_page)
        return false;
    if (!user && user_page) {
        if (access & EMULATOR_EXECUTE && walk->cr4 & CR4_SMEP)
            return false;
        if (!(access & EMULATOR_EXECUTE) && walk->cr4 & CR4_SMAP && !(walk->rflags & RFLAGS_AC))
            return false;
    }
    if (access & EMULATOR_WRITE && !(rights & ENTRY_WRITABLE) && (user || walk->cr0 & CR0_WP))
        return false;
    return !(access & EMULATOR_EXECUTE && rights & ENTRY_NO_EXECUTE);
}

static bool mark(const struct page_walk *walk, const struct progress *progress, unsigned access)
{
    for (unsigned i = 0; i < progress->count; i++) {
        bool last = i == progress->count - 1;
        uint64_t bits = ENTRY_ACCESSED | (last && access & EMULATOR_WRITE ? ENTRY_DIRTY : 0);
        if (!set_bits(walk, progress->entries[i], format_of(walk)->entry_size, progress->values[i],
                      bits))
            return false;
    }
    return true;
}

bool page_walk(const struct page_walk *walk, uint64_t linear, unsigned access, uint64_t *physical,
               uint32_t *error_code)
{
    struct progress progress;
    uint64_t page;
    if (!(walk->cr0 & CR0_PG)) {
        *physical = (uint32_t)linear;
        return true;
    }
    do {
        progress = (struct progress){.count = 0};
        *error_code = access & EMULATOR_WRITE ? FAULT_WRITE : 0;
        if (access & EMULATOR_USER)
            *error_code |= FAULT_USER;
        if (access & EMULATOR_EXECUTE &&
            ((walk->efer & EFER_NXE && walk->cr4 & CR4_PAE) || walk->cr4 & CR4_SMEP))
            *error_code |= FAULT_EXECUTE;
        if (!descend(walk, linear, &progress, &page, error_code))
            return false;
        if (!is_allowed(walk, progress.rights, access)) {
            *error_code |= FAULT_PRESENT;
            return false;
        }
    } while (!mark(walk, &progress, access));
    *physical = page + (linear & (progress.page_size - 1));
    return true;
}
