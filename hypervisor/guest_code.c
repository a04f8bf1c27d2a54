#include "hypervisor/guest_code.h"

#include "hypervisor/hw.h"
#include "hypervisor/hypercall_page.h"
#include "hypervisor/partition.h"

/* Notes the page around @code->linear. The hypercall page is not the partition's memory, but runs.
 * False: the guest's tables do not map it. */
static bool note_page(struct vp *vp, struct guest_code_page *page, const struct guest_code *code)
{
    struct partition *partition = vp->partition;
    gpa_t address;

    page->generation = __atomic_load_n(&partition->map_generation, __ATOMIC_ACQUIRE);
    page->page = code->linear & PAGE_MASK;
    page->cr0 = code->paging.cr0;
    page->cr3 = code->paging.cr3;
    page->cr4 = code->paging.cr4;
    page->efer = code->paging.efer;
    page->memory = NULL;
    if (!guest_translate_noted(partition, &code->paging, page->page, &address, &page->walk))
        return false;
    if (hypercall_page_covers(partition, address))
        page->memory = spa_to_va(partition->hypercall_page);
    else
        page->memory = partition_memory(partition, address, PAGE_SIZE, false);
    return page->memory != NULL;
}

static bool is_same(const struct guest_code_page *page, const struct guest_paging *paging)
{
    return page->cr0 == paging->cr0 && page->cr4 == paging->cr4 && page->efer == paging->efer &&
           guest_walk_same(&page->walk);
}

/* An instruction is copied by two accesses that overlap. */
typedef uint64_t unaligned_uint64_t __attribute__((aligned(1), may_alias));
#define SECOND_HALF (GUEST_CODE_MAX - sizeof(uint64_t))

static void copy_instruction(const uint8_t *from, uint8_t *to)
{
    *(unaligned_uint64_t *)to = *(const volatile unaligned_uint64_t *)from;
    *(unaligned_uint64_t *)(to + SECOND_HALF) =
        *(const volatile unaligned_uint64_t *)(from + SECOND_HALF);
}

/* By a walk. */
__attribute__((noinline)) static unsigned fetch(struct vp *vp, const struct guest_code *code,
                                                uint8_t *bytes)
{
    struct guest_code rest = *code;
    unsigned total = 0;

    while (total < GUEST_CODE_MAX) {
        struct guest_code_page *page = guest_code_page(vp, rest.linear);
        if (!note_page(vp, page, &rest))
            break;
        uint64_t offset = rest.linear - page->page;
        while (total < GUEST_CODE_MAX && offset < PAGE_SIZE)
            bytes[total++] = ((const volatile uint8_t *)page->memory)[offset++];
        rest.linear = page->page + PAGE_SIZE;
    }
    return total;
}

unsigned guest_code_fetch(struct vp *vp, const struct guest_code *code, uint8_t *bytes)
{
    const struct guest_code_page *page = guest_code_page(vp, code->linear);

    if (!guest_code_is_in(page, vp->partition, code->linear, code->paging.cr3) ||
        !is_same(page, &code->paging))
        return fetch(vp, code, bytes);
    copy_instruction(page->memory + (code->linear - page->page), bytes);
    return GUEST_CODE_MAX;
}

const struct mov_instruction *guest_code_fetch_mov(struct vp *vp,
                                                   struct guest_instruction *instruction)
{
    struct guest_code code;

    hw->get_code(vp, &code);
    struct decoded_mov *decoded = &vp->movs[code.linear / 4 % DECODED_MOVS];
    instruction->words[0] = instruction->words[1] = 0;
    unsigned count = guest_code_fetch(vp, &code, instruction->bytes);
    instruction->bytes[GUEST_CODE_MAX] =
        (uint8_t)(count | (code.long_mode ? GUEST_INSTRUCTION_LONG_MODE : 0) |
                  (code.default_32 ? GUEST_INSTRUCTION_DEFAULT_32 : 0));
    if (decoded->instruction.words[0] != instruction->words[0] ||
        decoded->instruction.words[1] != instruction->words[1]) {
        decoded->instruction = *instruction;
        decoded->valid =
            mov_decode(instruction->bytes, count, code.long_mode, code.default_32, &decoded->mov);
    }
    return decoded->valid ? &decoded->mov : NULL;
}
