/* Synthetic model-specific registers. Source: TLFS, appendix on synthetic MSRs. */
#ifndef VENEER_HV_MSR_H
#define VENEER_HV_MSR_H

#define HV_X64_MSR_GUEST_OS_ID 0x40000000u
#define HV_X64_MSR_HYPERCALL 0x40000001u
#define HV_X64_MSR_VP_INDEX 0x40000002u
#define HV_X64_MSR_TIME_REF_COUNT 0x40000020u
#define HV_X64_MSR_TSC_FREQUENCY 0x40000022u
#define HV_X64_MSR_APIC_FREQUENCY 0x40000023u
/* The range that is ours; an access to a number in it without a meaning gives #GP. */
#define HV_X64_MSR_FIRST 0x40000000u
#define HV_X64_MSR_LAST 0x400001ffu

/* HV_X64_MSR_HYPERCALL (TLFS 3.13): bits 63:12 are the page's guest physical frame. */
#define HV_X64_MSR_HYPERCALL_ENABLE (1ull << 0)
#define HV_X64_MSR_HYPERCALL_LOCKED (1ull << 1)
#define HV_X64_MSR_HYPERCALL_RESERVED 0xffcull
#define HV_X64_MSR_HYPERCALL_PAGE_MASK (~0xfffull)

#endif
