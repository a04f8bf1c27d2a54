/* Hypercalls with which the root builds and runs child partitions: layouts of inputs and outputs.
 * Sources: TLFS; for what it leaves open, what Linux's root-partition driver uses. All answer
 * HV_STATUS_ACCESS_DENIED to any other partition. Reserved and padding fields are 0.
 *
 * Order of a partition's life: create (its id exists), deposit memory, set properties, initialize
 * (it can have VPs and memory), …, finalize (VPs and mappings are gone; what was deposited can be
 * withdrawn), delete. Finalize and delete work in every state, also while VPs run.
 *
 * Memory. Whatever the hypervisor needs for a partition comes from pages that the root has
 * deposited for it: HV_STATUS_INSUFFICIENT_MEMORY asks for more; the call can then be repeated. The
 * partition structure itself, and ports of the root, come from what was deposited for the root. */
#ifndef VENEER_HV_PARENT_H
#define VENEER_HV_PARENT_H

#include <stddef.h>
#include <stdint.h>

#include "include/hv/hypercall.h"

struct hv_proximity_domain_info {
    uint32_t domain_id; /* ignored */
    uint32_t flags;
};

/* --- Partitions --- */

#define HV_PARTITION_CREATION_LAPIC_ENABLED                                                        \
    (1ull << 13) /* must be set: children have local APICs */
#define HV_PARTITION_CREATION_INTERCEPT_MESSAGE_PAGE (1ull << 19)
#define HV_PARTITION_CREATION_X2APIC_CAPABLE (1ull << 22)

struct hv_input_create_partition {
    uint64_t flags; /* HV_PARTITION_CREATION_… */
    struct hv_proximity_domain_info proximity;
    uint32_t compatibility_version; /* ignored */
    uint32_t padding;
    uint64_t disabled_processor_features[2];    /* ignored: the CPUID policy says it */
    uint64_t disabled_processor_xsave_features; /* ignored */
    uint64_t isolation;                         /* 0 */
};

struct hv_output_create_partition {
    uint64_t partition_id;
};

/* HVCALL_INITIALIZE_PARTITION, FINALIZE, DELETE, HVCALL_GET_MEMORY_BALANCE. */
struct hv_input_partition {
    uint64_t partition_id;
};

enum hv_partition_property {
    HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS = 0x00010000,    /* CPUID 40000003h EAX, EBX << 32 */
    HV_PARTITION_PROPERTY_SYNTHETIC_FEATURES = 0x00010001, /* bit 0: the Hv#1 interface is there at
                                                              all. Veneer: 0 hides it */
    HV_PARTITION_PROPERTY_TIME_FREEZE = 0x00030003, /* 1: the partition's time stands still */
    HV_PARTITION_PROPERTY_GPA_ACCESS_TRACKING =
        0x00050005, /* 1: accessed and dirty pages are noted */
    HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION = 0x00050017,  /* 0: #GP; 1: ignored, logged */
    HV_PARTITION_PROPERTY_PROCESSOR_CLOCK_FREQUENCY = 0x00060009, /* Hz; read-only */
};

#define HV_SYNTHETIC_FEATURE_HYPERVISOR_PRESENT (1ull << 0)

struct hv_input_get_partition_property {
    uint64_t partition_id;
    uint32_t property_code;
    uint32_t padding;
};

struct hv_output_get_partition_property {
    uint64_t value;
};

struct hv_input_set_partition_property {
    uint64_t partition_id;
    uint32_t property_code;
    uint32_t padding;
    uint64_t value;
};

/* --- Memory --- */

/* Rep call over page numbers of root-private RAM that is mapped to no child. They leave the root's
 * address space. Partition id: of a child, or the root's own. */
struct hv_input_deposit_memory {
    uint64_t partition_id;
    uint64_t gpa_page_list[];
};

/* Rep call that returns page numbers; HV_STATUS_OPERATION_DENIED when no page is free. Pages come
 * back zeroed. */
struct hv_input_withdraw_memory {
    uint64_t partition_id;
    struct hv_proximity_domain_info proximity;
};

struct hv_output_get_memory_balance {
    uint64_t pages_available; /* free among the deposited */
    uint64_t pages_in_use;
};

#define HV_MAP_GPA_READABLE 0x1u
#define HV_MAP_GPA_WRITABLE 0x2u
#define HV_MAP_GPA_KERNEL_EXECUTABLE 0x4u
#define HV_MAP_GPA_USER_EXECUTABLE 0x8u
#define HV_MAP_GPA_ADJUSTABLE 0x8000u
#define HV_MAP_GPA_NO_ACCESS 0x10000u /* alone, or with the size: page numbers are ignored */
#define HV_MAP_GPA_LARGE_PAGE 0x80000000u
#define HV_MAP_GPA_LARGE_PAGE_FRAMES 512u /* 4 KiB frames of a large page */

/* Rep call over page numbers of the root's. Rep i maps at target + i, or target + 512 * i for large
 * pages. Replaces what was mapped. Execute rights are one: either flag gives both. Adjacent pages
 * that make up an aligned 2 MiB of both sides become one large entry as well. Accesses of pages
 * without access give HV_MESSAGE_TYPE_GPA_INTERCEPT, of those that are not mapped
 * HV_MESSAGE_TYPE_UNMAPPED_GPA. */
struct hv_input_map_gpa_pages {
    uint64_t target_partition_id;
    uint64_t target_gpa_base; /* page number */
    uint32_t map_flags;       /* HV_MAP_GPA_… */
    uint32_t padding;
    uint64_t source_gpa_page_list[];
};

#define HV_UNMAP_GPA_LARGE_PAGE 0x2u

/* Rep call without list. When it returns, no VP reaches the pages any more. */
struct hv_input_unmap_gpa_pages {
    uint64_t target_partition_id;
    uint64_t target_gpa_base; /* page number */
    uint32_t unmap_flags;
    uint32_t padding;
};

#define HV_GPA_ACCESS_STATE_CLEAR_ACCESSED (1ull << 0)
#define HV_GPA_ACCESS_STATE_CLEAR_DIRTY (1ull << 2)
#define HV_GPA_ACCESS_STATE_ACCESSED 1u
#define HV_GPA_ACCESS_STATE_DIRTY 2u

/* Rep call that returns one byte (HV_GPA_ACCESS_STATE_…) per page from `gpa_page` on. */
struct hv_input_get_gpa_pages_access_states {
    uint64_t partition_id;
    uint64_t flags;
    uint64_t gpa_page;
};

/* --- Virtual processors --- */

struct hv_input_create_vp {
    uint64_t partition_id;
    uint32_t vp_index; /* the next one: VPs are created in order from 0. Its APIC id is the same */
    uint8_t padding[3];
    uint8_t subnode_type; /* ignored */
    uint64_t subnode_id;  /* ignored */
    struct hv_proximity_domain_info proximity;
    uint64_t flags; /* 0 */
};

struct hv_input_delete_vp {
    uint64_t partition_id;
    uint32_t vp_index;
    uint32_t padding;
};

/* Rep calls over register names, and over name and value (vp_registers.h). A VP that runs on
 * another LP is stopped meanwhile. */
struct hv_input_get_vp_registers {
    uint64_t partition_id;
    uint32_t vp_index;
    uint8_t input_vtl; /* 0 */
    uint8_t padding[3];
    uint32_t names[];
};

struct hv_input_set_vp_registers {
    uint64_t partition_id;
    uint32_t vp_index;
    uint8_t input_vtl; /* 0 */
    uint8_t padding[3];
    /* then struct hv_register_assoc for each rep */
};

struct hv_register_assoc {
    uint32_t name;
    uint32_t reserved1;
    uint64_t reserved2;
    uint64_t value[2]; /* struct hv_register_value */
};

#define HV_TRANSLATE_GVA_VALIDATE_READ 0x1ull
#define HV_TRANSLATE_GVA_VALIDATE_WRITE 0x2ull
#define HV_TRANSLATE_GVA_VALIDATE_EXECUTE 0x4ull

enum hv_translate_gva_result_code {
    HV_TRANSLATE_GVA_SUCCESS = 0,
    HV_TRANSLATE_GVA_PAGE_NOT_PRESENT = 1,
    HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION = 2,
    HV_TRANSLATE_GVA_INVALID_PAGE_TABLE_FLAGS = 3,
    HV_TRANSLATE_GVA_GPA_UNMAPPED = 4,
    HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS = 5,
    HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS = 6,
};

struct hv_input_translate_virtual_address {
    uint64_t partition_id;
    uint32_t vp_index;
    uint32_t padding;
    uint64_t control_flags; /* HV_TRANSLATE_GVA_… */
    uint64_t gva_page;
};

struct hv_output_translate_virtual_address {
    uint32_t result_code; /* enum hv_translate_gva_result_code */
    uint32_t cache_type_and_overlay;
    uint64_t gpa_page;
};

struct hv_input_map_vp_state_page {
    uint64_t partition_id;
    uint32_t vp_index;
    uint32_t type; /* enum hv_vp_state_page_type */
};

struct hv_output_map_vp_state_page {
    uint64_t gpa_page; /* of the root's address space */
};

enum hv_stats_object_type {
    HV_STATS_OBJECT_HYPERVISOR = 0x00000001,
    HV_STATS_OBJECT_LOGICAL_PROCESSOR = 0x00000002,
    HV_STATS_OBJECT_PARTITION = 0x00010001,
    HV_STATS_OBJECT_VP = 0x00010002,
};

/* HVCALL_MAP_STATS_PAGE and UNMAP. Only VPs have a page yet, of children and of the root: struct
 * veneer_vp_statistics, mapped for the root to read. Others: HV_STATUS_INVALID_PARAMETER. */
struct hv_input_map_stats_page {
    uint32_t type; /* enum hv_stats_object_type */
    uint32_t padding;
    uint64_t partition_id;
    uint32_t vp_index;
    uint32_t reserved;
};

struct hv_output_map_stats_page {
    uint64_t gpa_page;
};

/* How often the VP left its guest, for what; only grows. Each exit stands for two mode transitions:
 * into the guest and out of it. */
struct veneer_vp_statistics {
    uint64_t exits; /* all; the following are parts of it */
    uint64_t cpuid, msr, hypercall, memory, nmi, port, halt, interrupt, interrupt_window, other;
    uint64_t to_parent;  /* dispatches that ended in an intercept */
    uint64_t dispatches; /* of a child VP */
    uint64_t posted, mirrored;
    uint64_t interrupts_injected;
    uint64_t run_time_tsc; /* ticks, by dispatches */
};

/* --- Intercepts and interrupts --- */

enum hv_intercept_type {
    HV_INTERCEPT_TYPE_X64_IO_PORT = 0,    /* always in force */
    HV_INTERCEPT_TYPE_X64_MSR = 1,        /* those that are not implemented */
    HV_INTERCEPT_TYPE_X64_CPUID = 2,      /* parameter: leaf */
    HV_INTERCEPT_TYPE_EXCEPTION = 3,      /* parameter: vector */
    HV_INTERCEPT_TYPE_X64_MSR_INDEX = 12, /* parameter: MSR number, of one that always exits */
};

#define HV_INTERCEPT_ACCESS_MASK_NONE 0u
#define HV_INTERCEPT_ACCESS_MASK_READ 1u
#define HV_INTERCEPT_ACCESS_MASK_WRITE 2u
#define HV_INTERCEPT_ACCESS_MASK_EXECUTE 4u

struct hv_input_install_intercept {
    uint64_t partition_id;
    uint32_t access_type; /* HV_INTERCEPT_ACCESS_MASK_…; NONE removes it */
    uint32_t intercept_type;
    uint64_t intercept_parameter;
};

/* HVCALL_REGISTER_INTERCEPT_RESULT, type CPUID (type MSR: below): what a leaf answers in place.
 * Bits that are 0 in a mask come from the default answer, which is what the machine has as far as
 * children may use it.
 */
struct hv_input_register_intercept_result {
    uint64_t partition_id;
    uint32_t vp_index;       /* HV_ANY_VP */
    uint32_t intercept_type; /* HV_INTERCEPT_TYPE_X64_CPUID */
    uint32_t leaf, subleaf;
    uint8_t subleaf_specific; /* 0: for all subleaves */
    uint8_t always_override;
    uint16_t padding;
    uint32_t eax, eax_mask, ebx, ebx_mask, ecx, ecx_mask, edx, edx_mask;
};

/* What an MSR that is not implemented does, whatever HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION
 * says. */
enum hv_unimplemented_msr_action {
    HV_UNIMPLEMENTED_MSR_ACTION_FAULT = 0, /* #GP */
    HV_UNIMPLEMENTED_MSR_ACTION_IGNORE_WRITE_READ_ZERO = 1,
};

/* The same call, type MSR: its input has this where leaf and what follows are. */
struct hv_register_x64_msr_result_parameters {
    uint32_t msr_index;
    uint32_t access_type; /* HV_INTERCEPT_ACCESS_MASK_READ and WRITE */
    uint32_t action;      /* enum hv_unimplemented_msr_action */
};

enum hv_interrupt_type {
    HV_X64_INTERRUPT_TYPE_FIXED = 0,
    HV_X64_INTERRUPT_TYPE_LOWEST_PRIORITY = 1,
    HV_X64_INTERRUPT_TYPE_NMI = 4,
    HV_X64_INTERRUPT_TYPE_INIT = 5,
    HV_X64_INTERRUPT_TYPE_SIPI = 6,
    HV_X64_INTERRUPT_TYPE_EXTINT = 7,
};

#define HV_INTERRUPT_CONTROL_TYPE_MASK 0xffffffffull
#define HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED (1ull << 32)
#define HV_INTERRUPT_CONTROL_LOGICAL_DESTINATION (1ull << 33)

struct hv_input_assert_virtual_interrupt {
    uint64_t partition_id;
    uint64_t interrupt_control;
    uint64_t destination_address; /* APIC id, or logical destination */
    uint32_t requested_vector;
    uint8_t target_vtl; /* 0 */
    uint8_t reserved[3];
};

/* HVCALL_CLEAR_VIRTUAL_INTERRUPT: takes back an ExtINT that no VP has accepted yet. */
struct hv_input_clear_virtual_interrupt {
    uint64_t partition_id;
};

/* --- Ports and connections --- */

enum hv_port_type {
    HV_PORT_TYPE_MESSAGE = 1,
    HV_PORT_TYPE_EVENT = 2,
    HV_PORT_TYPE_MONITOR = 3,
    HV_PORT_TYPE_DOORBELL = 4
};

/* Where what arrives goes: message and event ports. */
struct hv_port_info {
    uint32_t port_type;
    uint32_t padding;
    uint32_t target_sint;
    uint32_t target_vp;        /* HV_ANY_VP: 0 */
    uint16_t base_flag_number; /* event ports: flag n is base + n */
    uint16_t flag_count;
    uint32_t reserved;
};

struct hv_input_create_port {
    uint64_t port_partition_id;
    uint32_t port_id; /* 24 bits, chosen by the caller */
    uint8_t port_vtl;
    uint8_t min_connection_vtl;
    uint16_t padding;
    uint64_t connection_partition_id; /* who may connect */
    struct hv_port_info port_info;
    struct hv_proximity_domain_info proximity;
};

struct hv_input_delete_port {
    uint64_t port_partition_id;
    uint32_t port_id;
    uint32_t flags; /* 0 */
};

struct hv_connection_info {
    uint32_t port_type;
    uint32_t padding;
    uint64_t data[3]; /* 0 for messages and events */
};

struct hv_input_connect_port {
    uint64_t connection_partition_id;
    uint32_t connection_id; /* 24 bits, chosen by the caller */
    uint8_t connection_vtl;
    uint8_t reserved[3];
    uint64_t port_partition_id;
    uint32_t port_id;
    uint32_t reserved2;
    struct hv_connection_info connection_info;
    struct hv_proximity_domain_info proximity;
};

struct hv_input_disconnect_port {
    uint64_t connection_partition_id;
    uint32_t connection_id;
    uint32_t flags; /* 0 */
};

/* From the root to a VP's SINT, without a port. Any message type. */
struct hv_input_post_message_direct {
    uint64_t partition_id;
    uint32_t vp_index;
    uint8_t vtl;
    uint8_t padding[3];
    uint32_t sint_index;
    uint8_t message[256]; /* struct hv_message */
    uint32_t padding2;
};

struct hv_input_signal_event_direct {
    uint64_t target_partition;
    uint32_t target_vp;
    uint8_t target_vtl;
    uint8_t target_sint;
    uint16_t flag_number;
};

struct hv_output_signal_event_direct {
    uint8_t newly_signaled;
    uint8_t reserved[7];
};

/* --- Others --- */

enum hv_system_property { HV_SYSTEM_PROPERTY_SCHEDULER_TYPE = 15 };
#define HV_SCHEDULER_TYPE_ROOT 4u

struct hv_input_get_system_property {
    uint32_t property_id;
    uint32_t padding;
    uint64_t argument[2];
};

struct hv_output_get_system_property {
    uint64_t value;
};

/* --- Veneer's own --- */

/* HVCALL_VENEER_BIND_VP: the processes whose CR3 (address bits) is `cr3` may dispatch the VP from
 * ring 3. 0: none may. */
struct hv_input_veneer_bind_vp {
    uint64_t partition_id;
    uint32_t vp_index;
    uint32_t reserved;
    uint64_t cr3;
};

#define VENEER_RULE_POSTED_WRITES 1u
#define VENEER_RULE_MIRRORED_READS 2u
#define VENEER_RULE_MAX 64u /* rules of a VP */

/* HVCALL_VENEER_SET_VP_REGISTER_RULE: accesses of exactly `size` bytes at `address` are answered
 * without the parent (vp_page.h). Flags 0 removes the rule. */
struct hv_input_veneer_set_vp_register_rule {
    uint64_t partition_id;
    uint32_t vp_index;
    uint8_t kind;  /* enum veneer_register_kind */
    uint8_t size;  /* bytes: 1, 2, 4 */
    uint8_t flags; /* VENEER_RULE_… */
    uint8_t reserved;
    uint32_t mirror_offset; /* in veneer_vp_run.mirrored */
    uint32_t reserved2;
    uint64_t address;
};

/* How the LAPIC timer of a root VP is set, kept true by the root. While a child runs on that LP the
 * hypervisor may set the timer to an earlier time; the root's handler sets it anew. */
struct veneer_root_timer {
    uint64_t deadline; /* the TSC at which the interrupt comes; UINT64_MAX: never */
    uint64_t changes;  /* grows whenever the root sets the timer, and at each of its interrupts:
                          then the hypervisor's earlier time is not set any more */
};

/* HVCALL_VENEER_SHARE_DEADLINE: `gpa` (16-aligned, root RAM; 0 ends it) holds the struct
 * veneer_root_timer of root VP `vp_index`. */
struct hv_input_veneer_share_deadline {
    uint32_t vp_index;
    uint32_t reserved;
    uint64_t gpa;
};

/* HVCALL_VENEER_CANCEL_VP: the VP's dispatch, if one runs or else the next one, returns at once
 * with HV_VP_DISPATCH_STATE_READY and HV_VP_DISPATCH_EVENT_SUSPEND, from ring 3, too. */
struct hv_input_veneer_cancel_vp {
    uint64_t partition_id;
    uint32_t vp_index;
    uint32_t reserved;
};

_Static_assert(sizeof(struct hv_input_create_partition) == 56, "layout");
_Static_assert(offsetof(struct hv_input_map_gpa_pages, source_gpa_page_list) == 24, "layout");
_Static_assert(sizeof(struct hv_input_create_vp) == 40, "layout");
_Static_assert(sizeof(struct hv_register_assoc) == 32, "layout");
_Static_assert(sizeof(struct hv_input_translate_virtual_address) == 32, "layout");
_Static_assert(sizeof(struct hv_input_assert_virtual_interrupt) == 32, "layout");
_Static_assert(sizeof(struct hv_port_info) == 24, "layout");
_Static_assert(sizeof(struct hv_input_create_port) == 56, "layout");
_Static_assert(sizeof(struct hv_input_connect_port) == 72, "layout");
_Static_assert(sizeof(struct hv_input_post_message_direct) == 280, "layout");
_Static_assert(offsetof(struct hv_input_register_intercept_result, edx_mask) == 56, "layout");

#endif
