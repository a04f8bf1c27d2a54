/* The virtual machine control block of AMD-V (AMD APM vol. 2, appendix B), and what goes into its
 * fields. */
#ifndef VENEER_HYPERVISOR_SVM_VMCB_H
#define VENEER_HYPERVISOR_SVM_VMCB_H

#include <stddef.h>
#include <stdint.h>

struct vmcb_segment {
    uint16_t selector;
    uint16_t attributes; /* descriptor bits 47:40 and 55:52, packed into 12 bits */
    uint32_t limit;
    uint64_t base;
};

struct vmcb {
    /* Control area. */
    uint32_t intercept_cr, intercept_dr, intercept_exceptions;
    uint32_t intercept1, intercept2, intercept3; /* INTERCEPT1_… at 0Ch, INTERCEPT2_… at 10h */
    uint8_t reserved018[0x3c - 0x18];
    uint16_t pause_filter_threshold, pause_filter_count;
    uint64_t iopm_base, msrpm_base;
    uint64_t tsc_offset;
    uint32_t asid;
    uint32_t tlb_control;       /* TLB_… */
    uint64_t virtual_interrupt; /* V_TPR, V_IRQ, V_INTR_MASKING… */
    uint64_t interrupt_shadow;
    uint64_t exit_code; /* SVM_EXIT_…; only the low 32 bits count, see svm_exit_code() */
    uint64_t exit_info1, exit_info2;
    uint64_t exit_interrupt_info;
    uint64_t nested_control; /* NESTED_ENABLE */
    uint8_t reserved098[0xa8 - 0x98];
    uint64_t event_injection; /* EVENT_… */
    uint64_t nested_cr3;
    uint64_t lbr_control;
    uint32_t clean_bits, reserved0c4;
    uint64_t next_rip;
    uint8_t fetched_count, fetched_bytes[15];
    uint8_t reserved0e0[0x400 - 0xe0];

    /* State save area. */
    struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint8_t reserved4a0[0x4cb - 0x4a0];
    uint8_t cpl;
    uint32_t reserved4cc;
    uint64_t efer;
    uint8_t reserved4d8[0x548 - 0x4d8];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
    uint8_t reserved580[0x5d8 - 0x580];
    uint64_t rsp;
    uint8_t reserved5e0[0x5f8 - 0x5e0];
    uint64_t rax;
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t cr2;
    uint8_t reserved648[0x668 - 0x648];
    uint64_t guest_pat;
    uint8_t reserved670[0x1000 - 0x670];
} __attribute__((packed, aligned(8)));

_Static_assert(offsetof(struct vmcb, iopm_base) == 0x40, "APM B");
_Static_assert(offsetof(struct vmcb, exit_code) == 0x70, "APM B");
_Static_assert(offsetof(struct vmcb, event_injection) == 0xa8, "APM B");
_Static_assert(offsetof(struct vmcb, next_rip) == 0xc8, "APM B");
_Static_assert(offsetof(struct vmcb, es) == 0x400, "APM B");
_Static_assert(offsetof(struct vmcb, efer) == 0x4d0, "APM B");
_Static_assert(offsetof(struct vmcb, rip) == 0x578, "APM B");
_Static_assert(offsetof(struct vmcb, rax) == 0x5f8, "APM B");
_Static_assert(offsetof(struct vmcb, guest_pat) == 0x668, "APM B");
_Static_assert(sizeof(struct vmcb) == 4096, "APM B");

#define INTERCEPT_CR4_WRITE (1u << 20)
#define INTERCEPT_CR8_WRITE (1u << 24) /* intercept_cr: reads 15:0, writes 31:16 */
#define INTERCEPT_ALL_DR 0xffffffffu

/* intercept1: bit n is the reason 60h + n. */
#define INTERCEPT1_INTR (1u << 0)
#define INTERCEPT1_NMI (1u << 1)
#define INTERCEPT1_INIT (1u << 3)
#define INTERCEPT1_VINTR (1u << 4)
#define INTERCEPT1_RDPMC (1u << 15)
#define INTERCEPT1_CPUID (1u << 18)
#define INTERCEPT1_IRET (1u << 20)
#define INTERCEPT1_INVD (1u << 22)
#define INTERCEPT1_HLT (1u << 24)
#define INTERCEPT1_INVLPGA (1u << 26)
#define INTERCEPT1_IOIO (1u << 27)
#define INTERCEPT1_MSR (1u << 28)
#define INTERCEPT1_TASK_SWITCH (1u << 29)
#define INTERCEPT1_SHUTDOWN (1u << 31)
/* intercept2: bit n is the reason 80h + n. */
#define INTERCEPT2_VMRUN (1u << 0)
#define INTERCEPT2_VMMCALL (1u << 1)
#define INTERCEPT2_VMLOAD (1u << 2)
#define INTERCEPT2_VMSAVE (1u << 3)
#define INTERCEPT2_STGI (1u << 4)
#define INTERCEPT2_CLGI (1u << 5)
#define INTERCEPT2_SKINIT (1u << 6)
#define INTERCEPT2_WBINVD (1u << 9)
#define INTERCEPT2_MONITOR (1u << 10)
#define INTERCEPT2_MWAIT (1u << 11)
#define INTERCEPT2_XSETBV (1u << 13)

#define TLB_KEEP 0
#define TLB_FLUSH_ALL 1
#define TLB_FLUSH_ASID 3 /* with the FlushByAsid feature */

/* virtual_interrupt */
#define V_IRQ (1ull << 8)
#define V_INTERRUPT_VECTOR_SHIFT 32
#define V_IGNORE_TPR (1ull << 20)
#define V_INTR_MASKING (1ull << 24) /* physical interrupts by the host's RFLAGS.IF */
#define V_TPR_MASK 0xffull

#define NESTED_ENABLE 1ull

#define EVENT_VECTOR_MASK 0xffull
#define EVENT_VALID (1ull << 31)
#define EVENT_ERROR_VALID (1ull << 11)
#define EVENT_TYPE_INTERRUPT (0ull << 8)
#define EVENT_TYPE_SHIFT 8
#define EVENT_ERROR_SHIFT 32
#define EVENT_TYPE_NMI (2ull << 8)
#define EVENT_TYPE_EXCEPTION (3ull << 8)
#define EVENT_TYPE_SOFTWARE (4ull << 8)
#define EVENT_TYPE_MASK (7ull << 8)

#define VMCB_SEGMENT_TYPE_BITS 0xffu    /* type, S, DPL, P */
#define VMCB_SEGMENT_LONG (1u << 9)     /* L, in vmcb_segment.attributes */
#define VMCB_SEGMENT_DEFAULT (1u << 10) /* D/B */

/* exit_info1 of IOIO (APM 15.10.2); the port is in 31:16. */
#define IOIO_IN (1u << 0)
#define IOIO_STRING (1u << 2)
#define IOIO_REP (1u << 3)
#define IOIO_SIZE(info) ((info) >> 4 & 7)

/* exit_info1 of a nested page fault: a page fault's error code, and more above. */
#define NESTED_FAULT_WRITE (1ull << 1)
#define NESTED_FAULT_EXECUTE (1ull << 4)

enum svm_exit {
    SVM_EXIT_CR4_WRITE = 0x14,
    SVM_EXIT_CR8_WRITE = 0x18,
    SVM_EXIT_DR_FIRST = 0x20,
    SVM_EXIT_DR_LAST = 0x3f,
    SVM_EXIT_EXCEPTION_FIRST = 0x40,
    SVM_EXIT_EXCEPTION_LAST = 0x5f,
    SVM_EXIT_INTR = 0x60,
    SVM_EXIT_NMI = 0x61,
    SVM_EXIT_INIT = 0x63,
    SVM_EXIT_VINTR = 0x64,
    SVM_EXIT_RDPMC = 0x6f,
    SVM_EXIT_CPUID = 0x72,
    SVM_EXIT_IRET = 0x74,
    SVM_EXIT_INVD = 0x76,
    SVM_EXIT_HLT = 0x78,
    SVM_EXIT_INVLPGA = 0x7a,
    SVM_EXIT_IOIO = 0x7b,
    SVM_EXIT_MSR = 0x7c,
    SVM_EXIT_TASK_SWITCH = 0x7d,
    SVM_EXIT_SHUTDOWN = 0x7f,
    SVM_EXIT_VMRUN = 0x80,
    SVM_EXIT_VMMCALL = 0x81,
    SVM_EXIT_VMLOAD = 0x82,
    SVM_EXIT_VMSAVE = 0x83,
    SVM_EXIT_STGI = 0x84,
    SVM_EXIT_CLGI = 0x85,
    SVM_EXIT_SKINIT = 0x86,
    SVM_EXIT_WBINVD = 0x89,
    SVM_EXIT_MONITOR = 0x8a,
    SVM_EXIT_MWAIT = 0x8b,
    SVM_EXIT_XSETBV = 0x8d,
    SVM_EXIT_NESTED_PAGE_FAULT = 0x400,
};

/* -1 as the processor stores it; QEMU 7.2's TCG stores only its low half. */
#define SVM_EXIT_INVALID 0xffffffffu

#endif
