#include "hypervisor/guest_memory.h"

#include "lib/page_table.h"
#include "lib/string.h"

#define CR4_PSE (1ull << 4)

/* The paging modes (Intel SDM vol. 3, 4.1): how a walk begins, and what entries look like. */
struct walk_mode {
    unsigned levels;
    unsigned index_bits;  /* per level; of the top level in PAE paging only 2 count */
    unsigned entry_size;  /* bytes */
    unsigned large_level; /* highest level at which bit 7 makes a leaf; 0 = none */
};

static struct walk_mode mode_of(const struct guest_paging *paging)
{
    if (paging->efer & EFER_LMA)
        return (struct walk_mode){paging->cr4 & CR4_LA57 ? 5 : 4, 9, 8, 2};
    if (paging->cr4 & CR4_PAE)
        return (struct walk_mode){3, 9, 8, 1};
    return (struct walk_mode){2, 10, 4, paging->cr4 & CR4_PSE ? 1 : 0};
}

/* Only entries of 8 bytes are noted. */
static bool read_entry(struct partition *partition, uint64_t address, unsigned size,
                       uint64_t *entry, struct guest_walk *walk)
{
    const volatile void *memory = partition_memory(partition, gpa(address), size, false);

    if (memory == NULL)
        return false;
    if (size != 8) {
        *entry = *(const volatile uint32_t *)memory;
        walk->count = GUEST_WALK_MAX + 1;
        return true;
    }
    *entry = *(const volatile uint64_t *)memory;
    walk->entries[walk->count] = memory;
    walk->values[walk->count++] = *entry;
    return true;
}

/* Address bits of a leaf at @level; a 4 MiB page of 32-bit paging has its upper bits in 20:13. */
static uint64_t leaf_address(const struct walk_mode *mode, uint64_t entry, unsigned level,
                             uint64_t offset_mask)
{
    if (mode->entry_size == 4 && level == 1)
        return (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32;
    return entry & PAGE_TABLE_ADDRESS & ~offset_mask;
}

static void restrict_rights(struct guest_rights *rights, uint64_t entry, bool no_execute)
{
    rights->writable &= (entry & PTE_WRITABLE) != 0;
    rights->user &= (entry & PTE_USER) != 0;
    rights->executable &= !(no_execute && entry & PTE_NO_EXECUTE);
}

static bool walk_tables(struct partition *partition, const struct guest_paging *paging,
                        uint64_t linear, gpa_t *result, struct guest_rights *rights,
                        struct guest_walk *walk)
{
    *rights = (struct guest_rights){true, true, true};
    walk->count = 0;
    if ((paging->cr0 & CR0_PG) == 0) {
        *result = gpa(linear);
        return true;
    }
    struct walk_mode mode = mode_of(paging);
    uint64_t table = paging->cr3 & PAGE_TABLE_ADDRESS;
    if (mode.levels == 3)
        table = paging->cr3 & 0xffffffe0;

    for (unsigned level = mode.levels; level-- > 0;) {
        unsigned shift = PAGE_SHIFT + level * mode.index_bits;
        uint64_t index = linear >> shift & ((1u << mode.index_bits) - 1);
        uint64_t offset_mask = (1ull << shift) - 1;
        uint64_t entry;

        if (mode.levels == 3 && level == 2)
            index &= 3;
        if (!read_entry(partition, table + index * mode.entry_size, mode.entry_size, &entry,
                        walk) ||
            (entry & PTE_PRESENT) == 0)
            return false;
        /* The top level of PAE paging has no rights. */
        if (mode.levels != 3 || level != 2)
            restrict_rights(rights, entry, (paging->efer & EFER_NXE) != 0);
        if (level == 0 || (level <= mode.large_level && entry & PAGE_TABLE_LARGE)) {
            *result = gpa(leaf_address(&mode, entry, level, offset_mask) | (linear & offset_mask));
            return true;
        }
        table = entry & PAGE_TABLE_ADDRESS;
    }
    return false;
}

bool guest_translate(struct partition *partition, const struct guest_paging *paging,
                     uint64_t linear, gpa_t *result, struct guest_rights *rights)
{
    struct guest_rights unused;
    struct guest_walk walk;

    return walk_tables(partition, paging, linear, result, rights == NULL ? &unused : rights, &walk);
}

bool guest_translate_noted(struct partition *partition, const struct guest_paging *paging,
                           uint64_t linear, gpa_t *result, struct guest_walk *walk)
{
    struct guest_rights unused;

    return walk_tables(partition, paging, linear, result, &unused, walk);
}

bool guest_read(struct partition *partition, const struct guest_paging *paging, uint64_t linear,
                void *buffer, uint64_t size)
{
    uint8_t *to = buffer;

    while (size > 0) {
        uint64_t part = PAGE_SIZE - (linear & (PAGE_SIZE - 1));
        gpa_t address;

        if (part > size)
            part = size;
        if (!guest_translate(partition, paging, linear, &address, NULL))
            return false;
        const void *memory = partition_memory(partition, address, part, false);
        if (memory == NULL)
            return false;
        memcpy(to, memory, part);
        to += part;
        linear += part;
        size -= part;
    }
    return true;
}
