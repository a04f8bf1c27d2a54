/* Intercept messages: what the parent learns when a child VP needs it. Each is the payload of a
 * struct hv_message in the VP's intercept message page (vp_page.h). Layouts: TLFS 11.10.2. */
#ifndef VENEER_HV_INTERCEPT_H
#define VENEER_HV_INTERCEPT_H

#include <stddef.h>
#include <stdint.h>

#include "include/hv/hypercall.h"

enum hv_intercept_access {
    HV_INTERCEPT_READ = 0,
    HV_INTERCEPT_WRITE = 1,
    HV_INTERCEPT_EXECUTE = 2
};

/* hv_x64_intercept_message_header.execution_state. */
#define HV_EXECUTION_CPL_MASK 3u
#define HV_EXECUTION_CR0_PE (1u << 2)
#define HV_EXECUTION_CR0_AM (1u << 3)
#define HV_EXECUTION_EFER_LMA (1u << 4)
#define HV_EXECUTION_DEBUG_ACTIVE (1u << 5)
#define HV_EXECUTION_INTERRUPTION_PENDING (1u << 6)
#define HV_EXECUTION_INTERRUPT_SHADOW (1u << 12)

struct hv_x64_intercept_message_header {
    uint32_t vp_index;
    uint8_t instruction_length_cr8; /* length 3:0 (0 = not known), CR8 7:4 */
    uint8_t access_type;            /* enum hv_intercept_access */
    uint16_t execution_state;       /* HV_EXECUTION_… */
    struct hv_x64_segment_register cs;
    uint64_t rip;
    uint64_t rflags;
};

#define HV_INTERCEPT_INSTRUCTION_BYTES 16

/* hv_x64_io_port_intercept_message.access_info. */
#define HV_IO_PORT_ACCESS_SIZE_MASK 7u /* bytes: 1, 2, 4 */
#define HV_IO_PORT_ACCESS_STRING (1u << 3)
#define HV_IO_PORT_ACCESS_REP (1u << 4)
/* Veneer's: direction and address size of a string access. */
#define HV_IO_PORT_ACCESS_DOWN (1u << 5) /* RFLAGS.DF */

/* A string access is one intercept for all its repetitions: `rcx` elements of `size` bytes at
 * `address` (the guest's linear address of the first element). The parent moves what it can and
 * writes back RCX, RSI or RDI, and RIP. */
struct hv_x64_io_port_intercept_message {
    struct hv_x64_intercept_message_header header;
    uint16_t port_number;
    uint8_t access_info;            /* HV_IO_PORT_ACCESS_… */
    uint8_t instruction_byte_count; /* of instruction_bytes; 0: not fetched */
    uint8_t address_size;           /* Veneer's (TLFS: reserved): 2, 4 or 8; string accesses */
    uint8_t reserved[3];
    uint64_t rax;
    uint8_t instruction_bytes[HV_INTERCEPT_INSTRUCTION_BYTES];
    struct hv_x64_segment_register ds; /* or the segment that a prefix names */
    struct hv_x64_segment_register es;
    uint64_t rcx, rsi, rdi; /* rcx: repetitions by the address size; 1 without REP */
    uint64_t address;       /* Veneer's: linear */
};

#define HV_MEMORY_ACCESS_GVA_VALID (1u << 0)
#define HV_MEMORY_ACCESS_GVA_GPA_VALID (1u << 1)

/* A MOV between memory and a general register, or of an immediate to memory; MOVZX from memory. The
 * header has its length. */
struct hv_veneer_mov {
    uint8_t flags;         /* HV_VENEER_MOV_…; 0: another instruction */
    uint8_t size;          /* bytes of the access: 1, 2, 4, 8 */
    uint8_t register_size; /* bytes of the register that change, but that 4 clear the upper half */
    uint8_t gpr;           /* number of the register */
    uint32_t value;        /* the immediate, which is sign-extended if `size` is 8 */
};
#define HV_VENEER_MOV_KNOWN (1u << 0)
#define HV_VENEER_MOV_STORE (1u << 1)
#define HV_VENEER_MOV_IMMEDIATE (1u << 2) /* a store of `value` */
#define HV_VENEER_MOV_HIGH_BYTE (1u << 3) /* bits 15:8 of the register */

/* HV_MESSAGE_TYPE_UNMAPPED_GPA, and HV_MESSAGE_TYPE_GPA_INTERCEPT for a page that is mapped without
 * the right that was needed. */
struct hv_x64_memory_intercept_message {
    struct hv_x64_intercept_message_header header;
    uint32_t cache_type;
    uint8_t instruction_byte_count;
    uint8_t memory_access_info; /* HV_MEMORY_ACCESS_… */
    uint8_t tpr_priority;
    uint8_t reserved;
    uint64_t guest_virtual_address;
    uint64_t guest_physical_address;
    uint8_t instruction_bytes[HV_INTERCEPT_INSTRUCTION_BYTES];
    struct hv_veneer_mov mov; /* Veneer's: what the instruction does */
};

struct hv_x64_msr_intercept_message {
    struct hv_x64_intercept_message_header header;
    uint32_t msr_number;
    uint32_t reserved;
    uint64_t rdx, rax;
};

struct hv_x64_cpuid_intercept_message {
    struct hv_x64_intercept_message_header header;
    uint64_t rax, rcx, rdx, rbx;
    uint64_t default_result_rax, default_result_rcx, default_result_rdx, default_result_rbx;
};

#define HV_EXCEPTION_INFO_ERROR_CODE_VALID (1u << 0)
#define HV_EXCEPTION_INFO_SOFTWARE (1u << 1)

struct hv_x64_exception_intercept_message {
    struct hv_x64_intercept_message_header header;
    uint16_t exception_vector;
    uint8_t exception_info; /* HV_EXCEPTION_INFO_… */
    uint8_t instruction_byte_count;
    uint32_t error_code;
    uint64_t exception_parameter; /* CR2 of a page fault */
    uint64_t reserved;
    uint8_t instruction_bytes[HV_INTERCEPT_INSTRUCTION_BYTES];
    struct hv_x64_segment_register ds, ss;
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
};

struct hv_x64_apic_eoi_message {
    uint32_t vp_index;
    uint32_t interrupt_vector;
};

struct hv_x64_interruption_deliverable_message {
    struct hv_x64_intercept_message_header header;
    uint32_t deliverable_type; /* enum hv_interruption_type */
    uint32_t reserved;
};

struct hv_x64_halt_message {
    struct hv_x64_intercept_message_header header;
};

/* HV_MESSAGE_TYPE_UNRECOVERABLE_EXCEPTION (a triple fault) and
 * HV_MESSAGE_TYPE_INVALID_VP_REGISTER_VALUE. */
struct hv_x64_unrecoverable_exception_message {
    struct hv_x64_intercept_message_header header;
};

_Static_assert(sizeof(struct hv_x64_intercept_message_header) == 40, "TLFS layout");
_Static_assert(offsetof(struct hv_x64_io_port_intercept_message, rax) == 48, "TLFS layout");
_Static_assert(offsetof(struct hv_x64_io_port_intercept_message, rcx) == 104, "TLFS layout");
_Static_assert(offsetof(struct hv_x64_memory_intercept_message, mov) == 80, "TLFS layout");
_Static_assert(sizeof(struct hv_x64_msr_intercept_message) == 64, "TLFS layout");
_Static_assert(sizeof(struct hv_x64_cpuid_intercept_message) == 104, "TLFS layout");
_Static_assert(offsetof(struct hv_x64_exception_intercept_message, rax) == 112, "TLFS layout");

#endif
