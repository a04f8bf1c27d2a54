#include "worker/firmware/post.h"

#define CPUID_MTRR (1u << 12)
#define MSR_CAPABILITIES 0xfe
#define MSR_VARIABLE_BASE 0x200
#define MSR_FIXED_64K 0x250 /* 00000h-7FFFFh */
#define MSR_FIXED_16K 0x258 /* 80000h-9FFFFh, then A0000h-BFFFFh */
#define MSR_FIXED_4K 0x268  /* C0000h-FFFFFh, 8 registers */
#define MSR_DEFAULT_TYPE 0x2ff
#define CAPABILITY_FIXED 0x100
#define WRITE_BACK 6u
#define ENABLE 0x800u
#define ENABLE_FIXED 0x400u
#define VALID 0x800u
#define EVERYWHERE 0x06060606u /* write-back in each byte */

static uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static void write_msr(uint32_t msr, uint32_t low, uint32_t high)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"(low), "d"(high));
}

/* Width of physical addresses, as the upper half of a mask. */
static uint32_t mask_high(void)
{
    uint32_t eax = 0x80000000, ebx, ecx = 0, edx;
    uint32_t bits = 36;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (eax >= 0x80000008) {
        eax = 0x80000008;
        __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
        bits = eax & 0xff;
    }
    return bits >= 64 ? 0xffffffff : (1u << (bits - 32)) - 1;
}

void mtrr_init(uint32_t low_memory)
{
    /* RAM ends in some 256 MiB; from the next one on there are devices at most. */
    uint32_t base = (low_memory + 0x0fffffff) & 0xf0000000, eax = 1, ebx, ecx = 0, edx, high;
    unsigned pair = 0, pairs;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (!(edx & CPUID_MTRR))
        return;
    high = mask_high();
    pairs = read_msr(MSR_CAPABILITIES) & 0xff;
    write_msr(MSR_DEFAULT_TYPE, 0, 0);
    if (read_msr(MSR_CAPABILITIES) & CAPABILITY_FIXED) {
        write_msr(MSR_FIXED_64K, EVERYWHERE, EVERYWHERE);
        write_msr(MSR_FIXED_16K, EVERYWHERE, EVERYWHERE);
        write_msr(MSR_FIXED_16K + 1, 0, 0);
        for (uint32_t i = 0; i < 8; i++)
            write_msr(MSR_FIXED_4K + i, EVERYWHERE, EVERYWHERE);
    }
    /* Uncacheable to 4 GiB, in powers of 2 that are aligned to themselves. */
    if (base < 0x80000000)
        base = 0x80000000;
    while (base && pair < pairs) {
        uint32_t size = base & -base;

        write_msr(MSR_VARIABLE_BASE + pair * 2, base, 0);
        write_msr(MSR_VARIABLE_BASE + pair * 2 + 1, -size | VALID, high);
        base += size;
        pair++;
    }
    write_msr(MSR_DEFAULT_TYPE, WRITE_BACK | ENABLE | ENABLE_FIXED, 0);
}
