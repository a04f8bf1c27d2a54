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

static inline __attribute__((always_inline)) bool is_same(const struct guest_code_page *page,
                                                          const struct guest_paging *paging)
{
    return page->cr0 == paging->cr0 && page->cr4 == paging->cr4 && page->efer == paging->efer &&
           guest_walk_same(&page->walk);
}

/* Where the instruction is, if it is in a page that is noted, and the guest's tables are still as
 * they were; or NULL. */
static inline const volatile uint8_t *look_up(struct vp *vp, const struct guest_code *code)
{
    const struct guest_code_page *page = guest_code_page(vp, code->linear);

    if (!guest_code_is_in(page, vp->partition, code->linear, code->paging.cr3) ||
        !is_same(page, &code->paging))
        return NULL;
    return page->memory + (code->linear - page->page);
}

/* An instruction is copied by two accesses that overlap. */
typedef uint64_t unaligned_uint64_t __attribute__((aligned(1), may_alias));
#define SECOND_HALF (GUEST_CODE_MAX - sizeof(uint64_t))

static inline uint64_t first_half(const volatile uint8_t *code)
{
    return *(const volatile unaligned_uint64_t *)code;
}

static inline uint64_t second_half(const volatile uint8_t *code)
{
    return *(const volatile unaligned_uint64_t *)(code + SECOND_HALF);
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
    const volatile uint8_t *memory = look_up(vp, code);

    if (memory == NULL)
        return fetch(vp, code, bytes);
    *(unaligned_uint64_t *)bytes = first_half(memory);
    *(unaligned_uint64_t *)(bytes + SECOND_HALF) = second_half(memory);
    return GUEST_CODE_MAX;
}

static inline uint64_t mode_of(const struct guest_code *code)
{
    return (code->long_mode ? GUEST_INSTRUCTION_LONG_MODE : 0) |
           (code->default_32 ? GUEST_INSTRUCTION_DEFAULT_32 : 0);
}

__attribute__((noinline)) static void decode(struct decoded_mov *decoded,
                                             struct guest_instruction instruction)
{
    uint8_t last = instruction.bytes[GUEST_CODE_MAX];
    struct mov_instruction *mov = &decoded->mov;

    *decoded = (struct decoded_mov){.instruction = instruction};
    if (!mov_decode(instruction.bytes, last & GUEST_INSTRUCTION_COUNT,
                    (last & GUEST_INSTRUCTION_LONG_MODE) != 0,
                    (last & GUEST_INSTRUCTION_DEFAULT_32) != 0, mov)) {
        mov->length = 0;
        return;
    }
    decoded->told = (struct hv_veneer_mov){
        .flags = (uint8_t)(HV_VENEER_MOV_KNOWN | (mov->store ? HV_VENEER_MOV_STORE : 0) |
                           (mov->immediate ? HV_VENEER_MOV_IMMEDIATE : 0) |
                           (mov->high_byte ? HV_VENEER_MOV_HIGH_BYTE : 0)),
        .size = mov->size,
        .register_size = mov->register_size,
        .gpr = mov->gpr,
        .value = mov->value,
    };
}

/* By a walk, which notes the page. */
__attribute__((noinline)) static void fetch_mov(struct vp *vp, const struct guest_code *code,
                                                struct decoded_mov *decoded)
{
    struct guest_instruction instruction = {.words = {0, 0}};

    uint64_t count = fetch(vp, code, instruction.bytes);

    instruction.words[1] |= (count | mode_of(code)) << 56;
    decode(decoded, instruction);
}

const struct decoded_mov *guest_code_fetch_mov(struct vp *vp)
{
    struct guest_code code;

    hw->get_code(vp, &code);
    struct decoded_mov *decoded = &vp->movs[code.linear / 4 % DECODED_MOVS];
    const volatile uint8_t *memory = look_up(vp, &code);
    if (__builtin_expect(memory == NULL, 0)) {
        fetch_mov(vp, &code, decoded);
        return decoded;
    }
    uint64_t first = first_half(memory);
    uint64_t second = second_half(memory) >> 8 | (GUEST_CODE_MAX | mode_of(&code)) << 56;
    if (__builtin_expect(
            decoded->instruction.words[0] != first || decoded->instruction.words[1] != second, 0))
        decode(decoded, (struct guest_instruction){.words = {first, second}});
    return decoded;
}
