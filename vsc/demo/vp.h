/* What the kernel knows of each virtual processor. The calling one's is at GS:0. */
#ifndef VENEER_VSC_DEMO_VP_H
#define VENEER_VSC_DEMO_VP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86/tss.h"

#define VP_MAX 64
#define VP_STACK_SIZE 8192
#define VP_FAULT_STACK_SIZE 4096
#define VP_GDT_ENTRIES 7

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
/* Behind them: ring 3's data and code, the TSS (demo.inc, fault.asm). */
#define GDT_TSS 5

/* SSE state as the VP found it: what FXSAVE writes, and the upper halves of YMM0 to YMM15. */
struct fpu_image {
    uint8_t fxsave[512];
    uint8_t upper[16][16];
} __attribute__((aligned(64)));

/* What a VP that was started by SIPI read on its way (ap_start.asm). */
struct ap_seen {
    uint32_t real_mirrored;
    uint32_t real_string;
    uint32_t real_cpuid;
    uint32_t protected_mirrored;
    uint32_t protected_mmio;
    uint32_t protected_scratch;
};

struct vp {
    struct vp *self;
    void *recovery; /* fault.asm */
    uint32_t index;
    uint32_t apic_id;
    bool online;
    struct ap_seen seen;
    void (*call)(void *argument); /* smp.c */
    void *call_argument;
    uint32_t interrupts[256];
    uint64_t gdt[VP_GDT_ENTRIES];
    struct tss tss;
    struct fpu_image fpu_at_start;
    uint8_t stack[VP_STACK_SIZE] __attribute__((aligned(16)));
    uint8_t fault_stack[VP_FAULT_STACK_SIZE] __attribute__((aligned(16)));
};

extern struct vp vps[VP_MAX];

static inline struct vp *vp_self(void)
{
    struct vp *vp;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(vp));
    return vp;
}

/* How often @vector has come to the calling VP. */
static inline uint32_t vp_interrupts(uint8_t vector)
{
    return __atomic_load_n(&vp_self()->interrupts[vector], __ATOMIC_ACQUIRE);
}

/* Makes the calling processor VP @index: GS, GDT, TSS, IDT, local APIC. Interrupts are off. */
void vp_init(uint32_t index);

#endif
