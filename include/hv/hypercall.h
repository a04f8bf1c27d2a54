/* Hypercalls: the calling convention, the codes, and the layouts of inputs and outputs.
 *
 * Convention in 64-bit mode (TLFS 3.7): RCX = input value, RDX = GPA of the input block or, in a
 * fast call, its first 8 bytes; R8 = GPA of the output block or, in a fast call, the second
 * 8 input bytes; the result value comes back in RAX. VMCALL on Intel, VMMCALL on AMD: the hypercall
 * page (HV_X64_MSR_HYPERCALL) holds the right one. From CPL > 0 or outside protected mode: #UD.
 * Blocks are aligned to 8 bytes and do not cross a page. */
#ifndef VENEER_HV_HYPERCALL_H
#define VENEER_HV_HYPERCALL_H

#include <stddef.h>
#include <stdint.h>

/* Input value. */
#define HV_HYPERCALL_CODE_MASK 0xffffull
#define HV_HYPERCALL_FAST (1ull << 16)
#define HV_HYPERCALL_VARHEAD_SHIFT 17
#define HV_HYPERCALL_VARHEAD_MASK (0x3ffull << 17) /* variable header, in 8-byte units */
#define HV_HYPERCALL_REP_COUNT_SHIFT 32
#define HV_HYPERCALL_REP_START_SHIFT 48
#define HV_HYPERCALL_REP_MASK 0xfffull /* both counts are 12 bits wide */
#define HV_HYPERCALL_RESERVED 0xf000f000f8000000ull
/* Result value. */
#define HV_HYPERCALL_STATUS_MASK 0xffffull
#define HV_HYPERCALL_REPS_DONE_SHIFT 32

/* For everybody; layouts below and in synic_calls.h. */
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE 0x0002
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST 0x0003
#define HVCALL_NOTIFY_LONG_SPIN_WAIT 0x0008
#define HVCALL_SEND_SYNTHETIC_CLUSTER_IPI 0x000b
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX 0x0013
#define HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX 0x0014
#define HVCALL_SEND_SYNTHETIC_CLUSTER_IPI_EX 0x0015
#define HVCALL_GET_PARTITION_ID 0x0046
#define HVCALL_POST_MESSAGE 0x005c
#define HVCALL_SIGNAL_EVENT 0x005d
#define HVCALL_START_VIRTUAL_PROCESSOR 0x0099
#define HVCALL_GET_VP_INDEX_FROM_APIC_ID 0x009a
/* For the root; layouts in parent.h and vp_page.h. */
#define HVCALL_CREATE_PARTITION 0x0040
#define HVCALL_INITIALIZE_PARTITION 0x0041
#define HVCALL_FINALIZE_PARTITION 0x0042
#define HVCALL_DELETE_PARTITION 0x0043
#define HVCALL_GET_PARTITION_PROPERTY 0x0044
#define HVCALL_SET_PARTITION_PROPERTY 0x0045
#define HVCALL_DEPOSIT_MEMORY 0x0048
#define HVCALL_WITHDRAW_MEMORY 0x0049
#define HVCALL_GET_MEMORY_BALANCE 0x004a
#define HVCALL_MAP_GPA_PAGES 0x004b
#define HVCALL_UNMAP_GPA_PAGES 0x004c
#define HVCALL_INSTALL_INTERCEPT 0x004d
#define HVCALL_CREATE_VP 0x004e
#define HVCALL_DELETE_VP 0x004f
#define HVCALL_GET_VP_REGISTERS 0x0050
#define HVCALL_SET_VP_REGISTERS 0x0051
#define HVCALL_TRANSLATE_VIRTUAL_ADDRESS 0x0052
#define HVCALL_CLEAR_VIRTUAL_INTERRUPT 0x0056
#define HVCALL_DELETE_PORT 0x0058
#define HVCALL_DISCONNECT_PORT 0x005b
#define HVCALL_MAP_STATS_PAGE 0x006c
#define HVCALL_UNMAP_STATS_PAGE 0x006d
#define HVCALL_GET_SYSTEM_PROPERTY 0x007b
#define HVCALL_REGISTER_INTERCEPT_RESULT 0x0091
#define HVCALL_ASSERT_VIRTUAL_INTERRUPT 0x0094
#define HVCALL_CREATE_PORT 0x0095
#define HVCALL_CONNECT_PORT 0x0096
#define HVCALL_SIGNAL_EVENT_DIRECT 0x00c0
#define HVCALL_POST_MESSAGE_DIRECT 0x00c1
#define HVCALL_DISPATCH_VP 0x00c2
#define HVCALL_GET_GPA_PAGES_ACCESS_STATES 0x00c9
#define HVCALL_MAP_VP_STATE_PAGE 0x00e1
#define HVCALL_UNMAP_VP_STATE_PAGE 0x00e2
/* Veneer's own calls: from 8800h on. Others answer HV_STATUS_INVALID_HYPERCALL_CODE. */
#define HVCALL_VENEER_GET_EXIT_COUNTS 0x8800
#define HVCALL_VENEER_DISPATCH_VP 0x8801
#define HVCALL_VENEER_BIND_VP 0x8802
#define HVCALL_VENEER_SET_VP_REGISTER_RULE 0x8803
#define HVCALL_VENEER_SHARE_DEADLINE 0x8804
#define HVCALL_VENEER_CANCEL_VP 0x8805

#define HV_PARTITION_ID_SELF UINT64_MAX
#define HV_PARTITION_ID_ROOT 1ull
#define HV_VP_INDEX_SELF 0xfffffffeu
#define HV_ANY_VP 0xffffffffu

struct hv_x64_segment_register {
    uint64_t base;
    uint32_t limit;
    uint16_t selector;
    uint16_t attributes; /* as in VMX access rights: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13,
                            D/B 14, G 15; bits 11:8 are 0 (TLFS HV_X64_SEGMENT_REGISTER) */
};

struct hv_x64_table_register {
    uint16_t pad[3];
    uint16_t limit;
    uint64_t base;
};

struct hv_initial_vp_context {
    uint64_t rip, rsp, rflags;
    struct hv_x64_segment_register cs, ds, es, fs, gs, ss, tr, ldtr;
    struct hv_x64_table_register idtr, gdtr;
    uint64_t efer, cr0, cr3, cr4, msr_cr_pat;
};

/* HVCALL_GET_PARTITION_ID: no input. */
struct hv_output_get_partition_id {
    uint64_t partition_id;
};

/* HVCALL_START_VIRTUAL_PROCESSOR: a VP that waits since creation starts with `context`. A VP that
 * runs already: HV_STATUS_INVALID_VP_STATE. A context that the processor would refuse:
 * HV_STATUS_INVALID_REGISTER_VALUE; only long mode contexts are taken. */
struct hv_input_start_virtual_processor {
    uint64_t partition_id;
    uint32_t vp_index;
    uint8_t target_vtl; /* 0 */
    uint8_t reserved[3];
    struct hv_initial_vp_context context;
};

/* HVCALL_GET_VP_INDEX_FROM_APIC_ID: rep call, input list of u32 APIC ids, output list of u32. */
struct hv_input_get_vp_index_from_apic_id {
    uint64_t partition_id;
    uint8_t target_vtl; /* 0 */
    uint8_t reserved[7];
    uint32_t apic_ids[];
};

/* HVCALL_VENEER_GET_EXIT_COUNTS: how often VP `vp_index` of the caller's own partition left its
 * guest since it was started, this call included. */
struct hv_input_veneer_get_exit_counts {
    uint32_t vp_index;
    uint32_t reserved; /* 0 */
};

struct hv_output_veneer_get_exit_counts {
    uint64_t total;
    uint64_t cpuid, msr, hypercall, memory, nmi, other; /* parts of total */
};

_Static_assert(sizeof(struct hv_x64_segment_register) == 16, "TLFS layout");
_Static_assert(sizeof(struct hv_x64_table_register) == 16, "TLFS layout");
_Static_assert(sizeof(struct hv_initial_vp_context) == 224, "TLFS layout");
_Static_assert(offsetof(struct hv_input_start_virtual_processor, context) == 16, "TLFS layout");
_Static_assert(sizeof(struct hv_input_start_virtual_processor) == 240, "TLFS layout");
_Static_assert(offsetof(struct hv_input_get_vp_index_from_apic_id, apic_ids) == 16, "TLFS layout");
_Static_assert(sizeof(struct hv_output_veneer_get_exit_counts) == 56, "Veneer layout");

#endif
