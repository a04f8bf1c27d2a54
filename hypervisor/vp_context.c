/* Checks of a start context, in the order of the Intel SDM's checks on the guest state area. */
#include "hypervisor/vp_context.h"

#include "lib/x86/cpu.h"

/* Bits of the control registers that only this file needs. */
#define CR0_AM (1ull << 18)
#define CR0_DEFINED                                                                                \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD |     \
     CR0_PG)
#define CR4_VME_PVI (3ull << 0)
#define CR4_TSD (1ull << 2)
#define CR4_DE (1ull << 3)
#define CR4_PSE (1ull << 4)
#define CR4_PCE (1ull << 8)
#define CR4_PKE (1ull << 22)
#define EFER_FFXSR (1ull << 14)
#define EFER_TCE (1ull << 15)

#define RFLAGS_RESERVED 0xffffffffffc08028ull

/* Segment attributes (struct hv_x64_segment_register). */
#define SEGMENT_TYPE 0xfu
#define SEGMENT_TYPE_ACCESSED (1u << 0) /* of code and data */
#define SEGMENT_TYPE_WRITABLE (1u << 1) /* of data; of code: readable */
#define SEGMENT_TYPE_CONFORMING (1u << 2)
#define SEGMENT_TYPE_CODE (1u << 3)
#define SEGMENT_TYPE_LDT 2u
#define SEGMENT_TYPE_BUSY_TSS 11u
#define SEGMENT_NOT_SYSTEM (1u << 4)
#define SEGMENT_PRESENT (1u << 7)
#define SEGMENT_RESERVED 0x0f00u
#define SEGMENT_LONG (1u << 13)
#define SEGMENT_BIG (1u << 14)
#define SEGMENT_GRANULARITY (1u << 15)

#define SELECTOR_LDT (1u << 2)

/* What one bit of a CPUID register lets a guest set in a control register. */
struct feature_bits {
    uint32_t cpuid;
    uint64_t control;
};

static uint64_t allowed_by(uint32_t features, const struct feature_bits *table, uint32_t count)
{
    uint64_t allowed = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (features & table[i].cpuid)
            allowed |= table[i].control;
    }
    return allowed;
}

#define ALLOWED_BY(features, table)                                                                \
    allowed_by((features), (table), sizeof(table) / sizeof((table)[0]))

struct vp_context_limits vp_context_limits(void)
{
    static const struct feature_bits cr4_1_edx[] = {
        {1u << 1, CR4_VME_PVI}, {1u << 2, CR4_DE},      {1u << 3, CR4_PSE},
        {1u << 4, CR4_TSD},     {1u << 6, CR4_PAE},     {1u << 7, CR4_MCE},
        {1u << 13, CR4_PGE},    {1u << 24, CR4_OSFXSR}, {1u << 25, CR4_OSXMMEXCPT},
    };
    static const struct feature_bits cr4_1_ecx[] = {
        {1u << 17, CR4_PCIDE},
        {1u << 26, CR4_OSXSAVE},
    };
    static const struct feature_bits cr4_7_ebx[] = {
        {1u << 0, CR4_FSGSBASE},
        {1u << 7, CR4_SMEP},
        {1u << 20, CR4_SMAP},
    };
    static const struct feature_bits cr4_7_ecx[] = {
        {1u << 2, CR4_UMIP},
        {1u << 3, CR4_PKE},
    };
    static const struct feature_bits efer_ecx[] = {{1u << 17, EFER_TCE}};
    static const struct feature_bits efer_edx[] = {
        {1u << 11, EFER_SCE},
        {1u << 20, EFER_NXE},
        {1u << 25, EFER_FFXSR},
        {1u << 29, EFER_LME | EFER_LMA},
    };
    struct cpuid_result basic = cpuid(1, 0);
    struct cpuid_result structured = {0};
    if (cpuid(0, 0).eax >= 7)
        structured = cpuid(7, 0);
    struct cpuid_result extended = cpuid(0x80000001u, 0);
    struct vp_context_limits limits = {
        .cr4 = CR4_PCE | ALLOWED_BY(basic.edx, cr4_1_edx) | ALLOWED_BY(basic.ecx, cr4_1_ecx) |
               ALLOWED_BY(structured.ebx, cr4_7_ebx) | ALLOWED_BY(structured.ecx, cr4_7_ecx),
        .efer = ALLOWED_BY(extended.ecx, efer_ecx) | ALLOWED_BY(extended.edx, efer_edx),
        .physical_address_bits = 36,
    };
    if (cpuid(0x80000000u, 0).eax >= 0x80000008u)
        limits.physical_address_bits = cpuid(0x80000008u, 0).eax & 0xff;
    return limits;
}

/* With four-level paging: bits 63:47 are equal. */
static bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static bool pat_valid(uint64_t pat)
{
    for (unsigned i = 0; i < 8; i++) {
        uint8_t type = pat >> (8 * i);
        if (type > 7 || type == 2 || type == 3)
            return false;
    }
    return true;
}

static bool control_registers_valid(const struct hv_initial_vp_context *context,
                                    const struct vp_context_limits *limits)
{
    const uint64_t cr0_needed = CR0_PE | CR0_PG;
    if ((context->cr0 & cr0_needed) != cr0_needed || (context->cr0 & ~CR0_DEFINED))
        return false;
    if ((context->cr0 & CR0_NW) && !(context->cr0 & CR0_CD))
        return false;
    if (!(context->cr4 & CR4_PAE) || (context->cr4 & ~limits->cr4))
        return false;
    if (context->cr3 >> limits->physical_address_bits)
        return false;
    const uint64_t efer_needed = EFER_LME | EFER_LMA;
    if ((context->efer & efer_needed) != efer_needed || (context->efer & ~limits->efer))
        return false;
    return pat_valid(context->msr_cr_pat);
}

/* Reserved bits, and granularity against limit. */
static bool attributes_valid(const struct hv_x64_segment_register *segment)
{
    if (segment->attributes & SEGMENT_RESERVED)
        return false;
    bool pages = segment->attributes & SEGMENT_GRANULARITY;
    if (pages)
        return (segment->limit & 0xfff) == 0xfff;
    return segment->limit >> 20 == 0;
}

static bool is_present(const struct hv_x64_segment_register *segment)
{
    return segment->attributes & SEGMENT_PRESENT;
}

static unsigned segment_dpl(const struct hv_x64_segment_register *segment)
{
    return segment->attributes >> 5 & 3;
}

static unsigned segment_rpl(const struct hv_x64_segment_register *segment)
{
    return segment->selector & 3;
}

/* A 64-bit code segment for privilege level @cpl. */
static bool code_segment_valid(const struct hv_x64_segment_register *cs, unsigned cpl)
{
    const uint16_t needed = SEGMENT_PRESENT | SEGMENT_NOT_SYSTEM | SEGMENT_TYPE_CODE |
                            SEGMENT_TYPE_ACCESSED | SEGMENT_LONG;
    if ((cs->attributes & needed) != needed || (cs->attributes & SEGMENT_BIG))
        return false;
    bool conforming = cs->attributes & SEGMENT_TYPE_CONFORMING;
    if (conforming ? segment_dpl(cs) > cpl : segment_dpl(cs) != cpl)
        return false;
    return segment_rpl(cs) == cpl && cs->base >> 32 == 0 && attributes_valid(cs);
}

/* SS; its DPL is the privilege level, even if it is not present. */
static bool stack_segment_valid(const struct hv_x64_segment_register *ss)
{
    if (segment_rpl(ss) != segment_dpl(ss))
        return false;
    if (!is_present(ss))
        return true;
    const uint16_t needed = SEGMENT_NOT_SYSTEM | SEGMENT_TYPE_ACCESSED | SEGMENT_TYPE_WRITABLE;
    if ((ss->attributes & needed) != needed || (ss->attributes & SEGMENT_TYPE_CODE))
        return false;
    return ss->base >> 32 == 0 && attributes_valid(ss);
}

/* DS, ES, FS or GS, but for the base address. */
static bool data_segment_valid(const struct hv_x64_segment_register *segment)
{
    if (!is_present(segment))
        return true;
    const uint16_t needed = SEGMENT_NOT_SYSTEM | SEGMENT_TYPE_ACCESSED;
    if ((segment->attributes & needed) != needed)
        return false;
    bool code = segment->attributes & SEGMENT_TYPE_CODE;
    if (code && !(segment->attributes & SEGMENT_TYPE_WRITABLE))
        return false;
    bool conforming = code && (segment->attributes & SEGMENT_TYPE_CONFORMING);
    if (!conforming && segment_dpl(segment) < segment_rpl(segment))
        return false;
    return attributes_valid(segment);
}

static bool low_data_segment_valid(const struct hv_x64_segment_register *segment)
{
    return data_segment_valid(segment) && (!is_present(segment) || segment->base >> 32 == 0);
}

/* TR or LDTR that is present. */
static bool system_segment_valid(const struct hv_x64_segment_register *segment, unsigned type)
{
    if (!is_present(segment) || (segment->attributes & SEGMENT_NOT_SYSTEM))
        return false;
    return (segment->attributes & SEGMENT_TYPE) == type && !(segment->selector & SELECTOR_LDT) &&
           canonical(segment->base) && attributes_valid(segment);
}

bool vp_context_valid(const struct hv_initial_vp_context *context,
                      const struct vp_context_limits *limits)
{
    unsigned cpl = segment_dpl(&context->ss);
    if (!control_registers_valid(context, limits))
        return false;
    if (!code_segment_valid(&context->cs, cpl) || !stack_segment_valid(&context->ss))
        return false;
    if (!low_data_segment_valid(&context->ds) || !low_data_segment_valid(&context->es))
        return false;
    if (!data_segment_valid(&context->fs) || !canonical(context->fs.base) ||
        !data_segment_valid(&context->gs) || !canonical(context->gs.base))
        return false;
    if (!system_segment_valid(&context->tr, SEGMENT_TYPE_BUSY_TSS))
        return false;
    if (is_present(&context->ldtr) && !system_segment_valid(&context->ldtr, SEGMENT_TYPE_LDT))
        return false;
    if (!canonical(context->gdtr.base) || !canonical(context->idtr.base))
        return false;
    if (context->rflags & (RFLAGS_RESERVED | RFLAGS_VM) || !(context->rflags & RFLAGS_FIXED))
        return false;
    return canonical(context->rip);
}
