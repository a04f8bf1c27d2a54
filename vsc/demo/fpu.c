#include "vsc/demo/fpu.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"

#define CPUID_1_ECX_XSAVE (1u << 26)
#define CPUID_1_ECX_AVX (1u << 28)
#define XCR0_X87_SSE_AVX 7

/* fpu.asm: moves 16 registers of 16 bytes. */
void fpu_load_xmm(const uint8_t image[16][16]);
void fpu_store_xmm(uint8_t image[16][16]);
void fpu_load_upper(const uint8_t image[16][16]);
void fpu_store_upper(uint8_t image[16][16]);
void fpu_store_all(uint8_t fxsave[512]);

bool fpu_has_avx(void)
{
    uint32_t needed = CPUID_1_ECX_XSAVE | CPUID_1_ECX_AVX;

    return (cpuid(1, 0).ecx & needed) == needed;
}

void fpu_init(struct fpu_image *image)
{
    write_cr0(read_cr0() & ~(CR0_EM | CR0_TS));
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    fpu_store_all(image->fxsave);
    if (!fpu_has_avx())
        return;
    write_cr4(read_cr4() | CR4_OSXSAVE);
    __asm__ volatile("xsetbv" ::"a"(XCR0_X87_SSE_AVX), "d"(0), "c"(0));
    fpu_store_upper(image->upper);
}

/* Different in each register and half, never 0. */
static void make_image(uint8_t image[16][16], uint64_t seed)
{
    uint64_t words[2];

    for (unsigned i = 0; i < 16; i++) {
        words[0] = (seed + i + 1) * 0x9e3779b97f4a7c15ull;
        words[1] = ~words[0];
        memcpy(image[i], words, sizeof(words));
    }
}

void fpu_fill(uint64_t seed)
{
    uint8_t image[16][16];

    /* Those of AVX first: the loads of XMM registers leave the upper halves alone. */
    if (fpu_has_avx()) {
        make_image(image, seed + 100);
        fpu_load_upper(image);
    }
    make_image(image, seed);
    fpu_load_xmm(image);
}

bool fpu_holds(uint64_t seed)
{
    uint8_t expected[16][16], found[16][16];

    fpu_store_xmm(found);
    make_image(expected, seed);
    if (memcmp(expected, found, sizeof(found)) != 0)
        return false;
    if (!fpu_has_avx())
        return true;
    fpu_store_upper(found);
    make_image(expected, seed + 100);
    return memcmp(expected, found, sizeof(found)) == 0;
}
