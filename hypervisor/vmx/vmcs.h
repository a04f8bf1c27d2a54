/* The virtual-machine control structure (VMCS): field encodings, control bits, exit reasons, and
 * the instructions that work on it. Names follow the Intel SDM vol. 3: chapters 24 to 28,
 * appendices A (capability MSRs), B (encodings), C (exit reasons). */
#ifndef VENEER_HYPERVISOR_VMX_VMCS_H
#define VENEER_HYPERVISOR_VMX_VMCS_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/address.h"

enum vmcs_field {
    /* 16 bits. */
    VMCS_VPID = 0x0000,
    VMCS_GUEST_ES_SELECTOR = 0x0800, /* then CS, SS, DS, FS, GS, LDTR, TR: enum vmcs_segment */
    VMCS_HOST_ES_SELECTOR = 0x0c00,
    VMCS_HOST_CS_SELECTOR = 0x0c02,
    VMCS_HOST_SS_SELECTOR = 0x0c04,
    VMCS_HOST_DS_SELECTOR = 0x0c06,
    VMCS_HOST_FS_SELECTOR = 0x0c08,
    VMCS_HOST_GS_SELECTOR = 0x0c0a,
    VMCS_HOST_TR_SELECTOR = 0x0c0c,

    /* 64 bits. */
    VMCS_MSR_BITMAP = 0x2004,
    VMCS_TSC_OFFSET = 0x2010,
    VMCS_EPT_POINTER = 0x201a,
    VMCS_XSS_EXITING_BITMAP = 0x202c,
    VMCS_GUEST_PHYSICAL_ADDRESS = 0x2400,
    VMCS_LINK_POINTER = 0x2800,
    VMCS_GUEST_IA32_DEBUGCTL = 0x2802,
    VMCS_GUEST_IA32_PAT = 0x2804,
    VMCS_GUEST_IA32_EFER = 0x2806,
    VMCS_GUEST_PDPTE0 = 0x280a, /* then 1, 2, 3 */
    VMCS_HOST_IA32_PAT = 0x2c00,
    VMCS_HOST_IA32_EFER = 0x2c02,

    /* 32 bits. */
    VMCS_PIN_BASED_CONTROLS = 0x4000,
    VMCS_PROCESSOR_BASED_CONTROLS = 0x4002,
    VMCS_EXCEPTION_BITMAP = 0x4004,
    VMCS_PAGE_FAULT_ERROR_CODE_MASK = 0x4006,
    VMCS_PAGE_FAULT_ERROR_CODE_MATCH = 0x4008,
    VMCS_CR3_TARGET_COUNT = 0x400a,
    VMCS_EXIT_CONTROLS = 0x400c,
    VMCS_EXIT_MSR_STORE_COUNT = 0x400e,
    VMCS_EXIT_MSR_LOAD_COUNT = 0x4010,
    VMCS_ENTRY_CONTROLS = 0x4012,
    VMCS_ENTRY_MSR_LOAD_COUNT = 0x4014,
    VMCS_ENTRY_INTERRUPTION_INFO = 0x4016,
    VMCS_ENTRY_EXCEPTION_ERROR_CODE = 0x4018,
    VMCS_ENTRY_INSTRUCTION_LENGTH = 0x401a,
    VMCS_SECONDARY_CONTROLS = 0x401e,
    VMCS_INSTRUCTION_ERROR = 0x4400,
    VMCS_EXIT_REASON = 0x4402,
    VMCS_EXIT_INTERRUPTION_INFO = 0x4404,
    VMCS_EXIT_INTERRUPTION_ERROR_CODE = 0x4406,
    VMCS_IDT_VECTORING_INFO = 0x4408,
    VMCS_IDT_VECTORING_ERROR_CODE = 0x440a,
    VMCS_EXIT_INSTRUCTION_LENGTH = 0x440c,
    VMCS_EXIT_INSTRUCTION_INFO = 0x440e,
    VMCS_GUEST_ES_LIMIT = 0x4800, /* in the order of the selectors */
    VMCS_GUEST_GDTR_LIMIT = 0x4810,
    VMCS_GUEST_IDTR_LIMIT = 0x4812,
    VMCS_GUEST_ES_ACCESS_RIGHTS = 0x4814, /* in the order of the selectors */
    VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
    VMCS_GUEST_ACTIVITY_STATE = 0x4826,
    VMCS_GUEST_SYSENTER_CS = 0x482a,
    VMCS_PREEMPTION_TIMER_VALUE = 0x482e,
    VMCS_HOST_SYSENTER_CS = 0x4c00,

    /* Natural width. */
    VMCS_CR0_GUEST_HOST_MASK = 0x6000,
    VMCS_CR4_GUEST_HOST_MASK = 0x6002,
    VMCS_CR0_READ_SHADOW = 0x6004,
    VMCS_CR4_READ_SHADOW = 0x6006,
    VMCS_EXIT_QUALIFICATION = 0x6400,
    VMCS_GUEST_LINEAR_ADDRESS = 0x640a,
    VMCS_GUEST_CR0 = 0x6800,
    VMCS_GUEST_CR3 = 0x6802,
    VMCS_GUEST_CR4 = 0x6804,
    VMCS_GUEST_ES_BASE = 0x6806, /* in the order of the selectors */
    VMCS_GUEST_GDTR_BASE = 0x6816,
    VMCS_GUEST_IDTR_BASE = 0x6818,
    VMCS_GUEST_DR7 = 0x681a,
    VMCS_GUEST_RSP = 0x681c,
    VMCS_GUEST_RIP = 0x681e,
    VMCS_GUEST_RFLAGS = 0x6820,
    VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS = 0x6822,
    VMCS_GUEST_SYSENTER_ESP = 0x6824,
    VMCS_GUEST_SYSENTER_EIP = 0x6826,
    VMCS_HOST_CR0 = 0x6c00,
    VMCS_HOST_CR3 = 0x6c02,
    VMCS_HOST_CR4 = 0x6c04,
    VMCS_HOST_FS_BASE = 0x6c06,
    VMCS_HOST_GS_BASE = 0x6c08,
    VMCS_HOST_TR_BASE = 0x6c0a,
    VMCS_HOST_GDTR_BASE = 0x6c0c,
    VMCS_HOST_IDTR_BASE = 0x6c0e,
    VMCS_HOST_SYSENTER_ESP = 0x6c10,
    VMCS_HOST_SYSENTER_EIP = 0x6c12,
    VMCS_HOST_RSP = 0x6c14,
    VMCS_HOST_RIP = 0x6c16,
};

/* Order of the guest's segment registers within each of their groups of fields. */
enum vmcs_segment {
    SEGMENT_ES,
    SEGMENT_CS,
    SEGMENT_SS,
    SEGMENT_DS,
    SEGMENT_FS,
    SEGMENT_GS,
    SEGMENT_LDTR,
    SEGMENT_TR,
    SEGMENT_COUNT
};

/* Field of @segment in the group that starts with @first, its field for ES. */
static inline enum vmcs_field vmcs_segment_field(enum vmcs_field first, enum vmcs_segment segment)
{
    return (enum vmcs_field)(first + 2 * segment);
}

/* Access rights of a segment register (24.4.1); the lower bits are those of a descriptor. */
#define ACCESS_RIGHTS_DPL(rights) ((rights) >> 5 & 3)
#define ACCESS_RIGHTS_PRESENT (1u << 7)
#define ACCESS_RIGHTS_LONG (1u << 13)
#define ACCESS_RIGHTS_DEFAULT_32 (1u << 14)
#define ACCESS_RIGHTS_ATTRIBUTES 0xf0ffu
#define ACCESS_RIGHTS_UNUSABLE (1u << 16)

/* Pin-based controls (24.6.1). */
#define PIN_EXTERNAL_INTERRUPT_EXITING (1u << 0)
#define PIN_NMI_EXITING (1u << 3)
#define PIN_VIRTUAL_NMIS (1u << 5)
#define PIN_PREEMPTION_TIMER (1u << 6)

/* Primary processor-based controls (24.6.2). */
#define PROCESSOR_INTERRUPT_WINDOW_EXITING (1u << 2)
#define PROCESSOR_TSC_OFFSETTING (1u << 3)
#define PROCESSOR_HLT_EXITING (1u << 7)
#define PROCESSOR_MWAIT_EXITING (1u << 10)
#define PROCESSOR_RDPMC_EXITING (1u << 11)
#define PROCESSOR_CR8_LOAD_EXITING (1u << 19)
#define PROCESSOR_CR8_STORE_EXITING (1u << 20)
#define PROCESSOR_NMI_WINDOW_EXITING (1u << 22)
#define PROCESSOR_MOV_DR_EXITING (1u << 23)
#define PROCESSOR_UNCONDITIONAL_IO_EXITING (1u << 24)
#define PROCESSOR_USE_MSR_BITMAPS (1u << 28)
#define PROCESSOR_MONITOR_EXITING (1u << 29)
#define PROCESSOR_SECONDARY_CONTROLS (1u << 31)

/* Secondary processor-based controls. */
#define SECONDARY_ENABLE_EPT (1u << 1)
#define SECONDARY_ENABLE_RDTSCP (1u << 3)
#define SECONDARY_ENABLE_VPID (1u << 5)
#define SECONDARY_WBINVD_EXITING (1u << 6)
#define SECONDARY_UNRESTRICTED_GUEST (1u << 7)
#define SECONDARY_ENABLE_INVPCID (1u << 12)
#define SECONDARY_ENABLE_XSAVES (1u << 20)
#define SECONDARY_ENABLE_USER_WAIT (1u << 26)

/* Exit controls (24.7.1). */
#define EXIT_SAVE_DEBUG_CONTROLS (1u << 2)
#define EXIT_HOST_ADDRESS_SPACE_SIZE (1u << 9)
#define EXIT_SAVE_IA32_PAT (1u << 18)
#define EXIT_LOAD_IA32_PAT (1u << 19)
#define EXIT_SAVE_IA32_EFER (1u << 20)
#define EXIT_LOAD_IA32_EFER (1u << 21)

/* Entry controls (24.8.1). */
#define ENTRY_LOAD_DEBUG_CONTROLS (1u << 2)
#define ENTRY_IA32E_MODE_GUEST (1u << 9)
#define ENTRY_LOAD_IA32_PAT (1u << 14)
#define ENTRY_LOAD_IA32_EFER (1u << 15)

/* Interruption information of entries and exits, and IDT-vectoring information
 * (24.8.3, 24.9.2, 24.9.3). */
#define INTERRUPTION_VECTOR 0xffu
#define INTERRUPTION_TYPE_SHIFT 8
#define INTERRUPTION_TYPE (7u << 8)
#define INTERRUPTION_TYPE_NMI (2u << 8)
#define INTERRUPTION_TYPE_HARDWARE_EXCEPTION (3u << 8)
#define INTERRUPTION_TYPE_SOFTWARE_INTERRUPT (4u << 8)
#define INTERRUPTION_TYPE_PRIVILEGED_SOFTWARE_EXCEPTION (5u << 8)
#define INTERRUPTION_TYPE_SOFTWARE_EXCEPTION (6u << 8)
#define INTERRUPTION_ERROR_CODE_VALID (1u << 11)
#define INTERRUPTION_NMI_UNBLOCKED (1u << 12) /* exits: an IRET has ended the blocking by NMI */
#define INTERRUPTION_VALID (1u << 31)

/* Interruptibility state (24.4.2). */
#define BLOCKING_BY_STI (1u << 0)
#define BLOCKING_BY_MOV_SS (1u << 1)
#define BLOCKING_BY_NMI (1u << 3)

#define PENDING_DEBUG_SINGLE_STEP (1ull << 14) /* pending debug exceptions (24.4.2) */

/* Exit reason field. */
#define EXIT_REASON_ENTRY_FAILURE (1u << 31)

enum exit_reason {
    EXIT_REASON_EXCEPTION_OR_NMI = 0,
    EXIT_REASON_EXTERNAL_INTERRUPT = 1,
    EXIT_REASON_TRIPLE_FAULT = 2,
    EXIT_REASON_INIT = 3,
    EXIT_REASON_SIPI = 4,
    EXIT_REASON_INTERRUPT_WINDOW = 7,
    EXIT_REASON_NMI_WINDOW = 8,
    EXIT_REASON_TASK_SWITCH = 9,
    EXIT_REASON_CPUID = 10,
    EXIT_REASON_GETSEC = 11,
    EXIT_REASON_HLT = 12,
    EXIT_REASON_INVD = 13,
    EXIT_REASON_RDPMC = 15,
    EXIT_REASON_VMCALL = 18,
    EXIT_REASON_VMCLEAR = 19,
    EXIT_REASON_VMLAUNCH = 20,
    EXIT_REASON_VMPTRLD = 21,
    EXIT_REASON_VMPTRST = 22,
    EXIT_REASON_VMREAD = 23,
    EXIT_REASON_VMRESUME = 24,
    EXIT_REASON_VMWRITE = 25,
    EXIT_REASON_VMXOFF = 26,
    EXIT_REASON_VMXON = 27,
    EXIT_REASON_CR_ACCESS = 28,
    EXIT_REASON_MOV_DR = 29,
    EXIT_REASON_IO = 30,
    EXIT_REASON_RDMSR = 31,
    EXIT_REASON_WRMSR = 32,
    EXIT_REASON_MWAIT = 36,
    EXIT_REASON_MONITOR = 39,
    EXIT_REASON_MACHINE_CHECK = 41,
    EXIT_REASON_EPT_VIOLATION = 48,
    EXIT_REASON_EPT_MISCONFIGURATION = 49,
    EXIT_REASON_INVEPT = 50,
    EXIT_REASON_PREEMPTION_TIMER = 52,
    EXIT_REASON_INVVPID = 53,
    EXIT_REASON_WBINVD = 54,
    EXIT_REASON_XSETBV = 55,
    EXIT_REASON_VMFUNC = 59,
    EXIT_REASON_COUNT
};

/* Exit qualification of control-register accesses (27.2.1). */
#define CR_ACCESS_KIND(qualification) ((qualification)&0x3f) /* one of: */
#define CR_ACCESS_MOV_TO(number) (number)
#define CR_ACCESS_MOV_FROM(number) (1u << 4 | (number))
#define CR_ACCESS_GPR(qualification) ((qualification) >> 8 & 0xf)

/* Exit qualification of port accesses, and exit instruction information of INS and OUTS (27.2.5).
 */
#define IO_SIZE(qualification) (((qualification)&7) + 1)
#define IO_IN (1u << 3)
#define IO_STRING (1u << 4)
#define IO_REP (1u << 5)
#define IO_PORT_SHIFT 16
#define IO_INFO_ADDRESS_SIZE(info) (2u << ((info) >> 7 & 3))
#define IO_INFO_SEGMENT(info) ((info) >> 15 & 7) /* of OUTS */

/* Exit qualification of debug exceptions: as in DR6. */
#define DEBUG_EXCEPTION_BREAKPOINTS 0xfull
#define DEBUG_EXCEPTION_BITS (DEBUG_EXCEPTION_BREAKPOINTS | 3ull << 13)

/* Exit qualification of EPT violations. */
#define EPT_VIOLATION_WRITE (1ull << 1)
#define EPT_VIOLATION_EXECUTE (1ull << 2)
#define EPT_VIOLATION_LINEAR_VALID (3ull << 7)   /* and not of a page-table walk */
#define EPT_VIOLATION_NMI_UNBLOCKED (1ull << 12) /* an IRET has ended the blocking by NMI */

/* Capability MSRs (appendix A). */
#define MSR_VMX_BASIC 0x480u
#define MSR_VMX_MISC 0x485u
#define MSR_VMX_CR0_FIXED0 0x486u
#define MSR_VMX_CR0_FIXED1 0x487u
#define MSR_VMX_CR4_FIXED0 0x488u
#define MSR_VMX_CR4_FIXED1 0x489u
#define MSR_VMX_PROCBASED_CTLS2 0x48bu
#define MSR_VMX_EPT_VPID_CAP 0x48cu
#define MSR_VMX_TRUE_PINBASED_CTLS 0x48du
#define MSR_VMX_TRUE_PROCBASED_CTLS 0x48eu
#define MSR_VMX_TRUE_EXIT_CTLS 0x48fu
#define MSR_VMX_TRUE_ENTRY_CTLS 0x490u

#define VMX_MISC_TIMER_RATE                                                                        \
    0x1full /* the preemption timer counts TSC ticks shifted right by this */
#define VMX_BASIC_REVISION 0x7fffffffull
#define VMX_BASIC_IO_INFORMATION (1ull << 54)
#define VMX_BASIC_TRUE_CONTROLS (1ull << 55)

#define EPT_CAP_PAGE_WALK_4 (1ull << 6)
#define EPT_CAP_WRITE_BACK (1ull << 14)
#define EPT_CAP_2_MIB_PAGES (1ull << 16)
#define EPT_CAP_1_GIB_PAGES (1ull << 17)
#define EPT_CAP_INVEPT (1ull << 20)
#define EPT_CAP_ACCESSED_DIRTY (1ull << 21)
#define EPT_CAP_INVEPT_ALL_CONTEXTS (1ull << 26)

/* EPT pointer (24.6.11): memory type of the tables, and their levels minus 1. */
#define EPTP_WRITE_BACK 6ull
#define EPTP_PAGE_WALK_4 (3ull << 3)
#define EPTP_ACCESSED_DIRTY (1ull << 6)
#define EPT_ACCESSED (1ull << 8)
#define EPT_DIRTY (1ull << 9)

enum invept_type {
    INVEPT_ALL_CONTEXTS = 2,
};

/* The instructions that return a flag succeed but for a bug of ours or broken hardware: false then.
 * Those without need the current VMCS, and fields that exist. */

static inline uint64_t vmread(enum vmcs_field field)
{
    uint64_t value;
    __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc");
    return value;
}

static inline void vmwrite(enum vmcs_field field, uint64_t value)
{
    __asm__ volatile("vmwrite %1, %0" ::"r"((uint64_t)field), "r"(value) : "cc");
}

static inline void vmcs_set_bits(enum vmcs_field field, uint64_t bits, bool on)
{
    uint64_t value = vmread(field);
    vmwrite(field, on ? value | bits : value & ~bits);
}

static inline bool vmxon(spa_t region)
{
    bool failed;
    __asm__ volatile("vmxon %1" : "=@ccbe"(failed) : "m"(region.value) : "memory");
    return !failed;
}

static inline bool vmclear(spa_t vmcs)
{
    bool failed;
    __asm__ volatile("vmclear %1" : "=@ccbe"(failed) : "m"(vmcs.value) : "memory");
    return !failed;
}

static inline bool vmptrld(const spa_t *vmcs)
{
    bool failed;
    __asm__ volatile("vmptrld %1" : "=@ccbe"(failed) : "m"(vmcs->value) : "memory");
    return !failed;
}

static inline bool invept(enum invept_type type, uint64_t eptp)
{
    const uint64_t descriptor[2] = {eptp, 0};
    bool failed;
    __asm__ volatile("invept %1, %2"
                     : "=@ccbe"(failed)
                     : "m"(descriptor), "r"((uint64_t)type)
                     : "memory");
    return !failed;
}

#endif
