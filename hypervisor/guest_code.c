#include "hypervisor/guest_code.h"

#include "hypervisor/atomic.h"
#include "hypervisor/hypercall_page.h"
#include "hypervisor/partition.h"

static uint64_t generation_of(const struct partition *partition)
{
    return __atomic_load_n(&partition->map_generation, __ATOMIC_ACQUIRE);
}

/* The page around @code->linear; the hypercall page is not the partition's memory, but runs. */
static const uint8_t *find_page(struct vp *vp, const struct guest_code *code)
{
    struct partition *partition = vp->partition;
    gpa_t address;

    if (!guest_translate(partition, &code->paging, code->linear & PAGE_MASK, &address, NULL))
        return NULL;
    if (hypercall_page_covers(partition, address))
        return spa_to_va(partition->hypercall_page);
    return partition_memory(partition, address, PAGE_SIZE, false);
}

const uint8_t *guest_code_find(struct vp *vp, const struct guest_code *code, bool fresh,
                               unsigned *count)
{
    uint64_t page = code->linear & PAGE_MASK, offset = code->linear & (PAGE_SIZE - 1);
    uint64_t generation = generation_of(vp->partition);

    if (fresh || vp->code.memory == NULL || vp->code.rip_page != page ||
        vp->code.cr3 != code->paging.cr3 || vp->code.generation != generation) {
        vp->code.memory = find_page(vp, code);
        vp->code.rip_page = page;
        vp->code.cr3 = code->paging.cr3;
        vp->code.generation = generation;
        if (vp->code.memory == NULL)
            return NULL;
    }
    *count = PAGE_SIZE - offset < GUEST_CODE_MAX ? (unsigned)(PAGE_SIZE - offset) : GUEST_CODE_MAX;
    return vp->code.memory + offset;
}

unsigned guest_code_fetch(struct vp *vp, const struct guest_code *code, uint8_t *bytes)
{
    struct guest_code rest = *code;
    unsigned total = 0;

    while (total < GUEST_CODE_MAX) {
        unsigned count;
        const uint8_t *memory = guest_code_find(vp, &rest, true, &count);
        if (memory == NULL)
            break;
        if (count > GUEST_CODE_MAX - total)
            count = GUEST_CODE_MAX - total;
        for (unsigned i = 0; i < count; i++)
            bytes[total++] = ((const volatile uint8_t *)memory)[i];
        rest.linear += count;
    }
    return total;
}
