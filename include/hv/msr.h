/* Synthetic model-specific registers. Source: TLFS, appendix on synthetic MSRs. */
#ifndef VENEER_HV_MSR_H
#define VENEER_HV_MSR_H

#define HV_X64_MSR_GUEST_OS_ID 0x40000000u
#define HV_X64_MSR_HYPERCALL 0x40000001u
#define HV_X64_MSR_VP_INDEX 0x40000002u
#define HV_X64_MSR_RESET 0x40000003u
#define HV_X64_MSR_VP_RUNTIME 0x40000010u
#define HV_X64_MSR_TIME_REF_COUNT 0x40000020u
#define HV_X64_MSR_REFERENCE_TSC 0x40000021u
#define HV_X64_MSR_TSC_FREQUENCY 0x40000022u
#define HV_X64_MSR_APIC_FREQUENCY 0x40000023u
#define HV_X64_MSR_EOI 0x40000070u
#define HV_X64_MSR_ICR 0x40000071u
#define HV_X64_MSR_TPR 0x40000072u
#define HV_X64_MSR_VP_ASSIST_PAGE 0x40000073u
#define HV_X64_MSR_SCONTROL 0x40000080u
#define HV_X64_MSR_SVERSION 0x40000081u
#define HV_X64_MSR_SIEFP 0x40000082u
#define HV_X64_MSR_SIMP 0x40000083u
#define HV_X64_MSR_EOM 0x40000084u
#define HV_X64_MSR_SINT0 0x40000090u
#define HV_X64_MSR_SINT15 0x4000009fu
#define HV_X64_MSR_STIMER0_CONFIG 0x400000b0u /* then its count, then timer 1, … */
#define HV_X64_MSR_STIMER3_COUNT 0x400000b7u
#define HV_X64_MSR_GUEST_IDLE 0x400000f0u
#define HV_X64_MSR_CRASH_P0 0x40000100u
#define HV_X64_MSR_CRASH_P4 0x40000104u
#define HV_X64_MSR_CRASH_CTL 0x40000105u
#define HV_X64_MSR_TSC_INVARIANT_CONTROL 0x40000118u
/* The range that is ours; an access to a number in it without a meaning gives #GP. */
#define HV_X64_MSR_FIRST 0x40000000u
#define HV_X64_MSR_LAST 0x400001ffu

/* HV_X64_MSR_HYPERCALL (TLFS 3.13): bits 63:12 are the page's guest physical frame. */
#define HV_X64_MSR_HYPERCALL_ENABLE (1ull << 0)
#define HV_X64_MSR_HYPERCALL_LOCKED (1ull << 1)
#define HV_X64_MSR_HYPERCALL_RESERVED 0xffcull
#define HV_X64_MSR_HYPERCALL_PAGE_MASK (~0xfffull)

#define HV_X64_MSR_RESET_RESET (1ull << 0)
/* HV_X64_MSR_REFERENCE_TSC and HV_X64_MSR_VP_ASSIST_PAGE: bit 0 enables, 63:12 page. */
#define HV_X64_MSR_PAGE_ENABLE (1ull << 0)
#define HV_X64_MSR_PAGE_MASK (~0xfffull)
/* First 32-bit word of the VP assist page. */
#define HV_VP_ASSIST_NO_EOI_REQUIRED 1u
#define HV_X64_MSR_CRASH_CTL_MESSAGE (1ull << 62)
#define HV_X64_MSR_CRASH_CTL_NOTIFY (1ull << 63)

/* The page of HV_X64_MSR_REFERENCE_TSC (TLFS 12.7): time in 100 ns = (TSC * scale >> 64) + offset.
 * Sequence 0: not valid, use HV_X64_MSR_TIME_REF_COUNT. */
#define HV_REFERENCE_TSC_INVALID 0u

#endif
