/* The hypercall dispatcher: calling convention (include/hv/hypercall.h; TLFS 3.7 to 3.10) and the
 * table of calls. */
#include "hypervisor/hypercall.h"

#include "hypervisor/partition.h"
#include "include/hv/parent.h"
#include "include/hv/synic_calls.h"
#include "include/hv/vp_page.h"
#include "lib/string.h"

enum hypercall_flags {
    ROOT = 1 << 0, /* for the root only */
    REP = 1 << 1,
    SET = 1 << 2,  /* may have a variable header: the banks of a sparse set */
    FAST = 1 << 3, /* input fits into two registers, and there is no output */
};

struct hypercall_entry {
    hypercall_function_t *function;
    hypercall_finish_t *finish; /* or NULL */
    uint16_t input_size;        /* bytes; without list and variable header */
    uint8_t output_size;        /* bytes; 0 for a rep call */
    uint8_t element_size;       /* bytes per input element of a rep call */
    uint8_t result_size;        /* bytes per output element */
    uint8_t flags;              /* enum hypercall_flags */
};

#define MAX_BANKS 8u /* of a sparse set; only the first has VPs */

#define IN(name) sizeof(struct hv_input_##name)
#define OUT(name) sizeof(struct hv_output_##name)

/* CALL(code, function, flags, input, output) and LIST(code, function, flags, input, element,
 * result, finish). */
#define CALLS(CALL, LIST)                                                                          \
    CALL(FLUSH_VIRTUAL_ADDRESS_SPACE, flush_space, 0, IN(flush_virtual_address_space), 0)          \
    LIST(FLUSH_VIRTUAL_ADDRESS_LIST, flush_list, 0, IN(flush_virtual_address_space), 8, 0, NULL)   \
    CALL(NOTIFY_LONG_SPIN_WAIT, notify_long_spin_wait, 0, 8, 0)                                    \
    CALL(SEND_SYNTHETIC_CLUSTER_IPI, send_cluster_ipi, 0, IN(send_synthetic_cluster_ipi), 0)       \
    CALL(FLUSH_VIRTUAL_ADDRESS_SPACE_EX, flush_space_ex, SET, IN(flush_virtual_address_space_ex),  \
         0)                                                                                        \
    LIST(FLUSH_VIRTUAL_ADDRESS_LIST_EX, flush_list_ex, SET, IN(flush_virtual_address_space_ex), 8, \
         0, NULL)                                                                                  \
    CALL(SEND_SYNTHETIC_CLUSTER_IPI_EX, send_cluster_ipi_ex, SET,                                  \
         IN(send_synthetic_cluster_ipi_ex), 0)                                                     \
    CALL(CREATE_PARTITION, create_partition, ROOT, IN(create_partition), OUT(create_partition))    \
    CALL(INITIALIZE_PARTITION, initialize_partition, ROOT, IN(partition), 0)                       \
    CALL(FINALIZE_PARTITION, finalize_partition, ROOT, IN(partition), 0)                           \
    CALL(DELETE_PARTITION, delete_partition, ROOT, IN(partition), 0)                               \
    CALL(GET_PARTITION_PROPERTY, get_partition_property, ROOT, IN(get_partition_property),         \
         OUT(get_partition_property))                                                              \
    CALL(SET_PARTITION_PROPERTY, set_partition_property, ROOT, IN(set_partition_property), 0)      \
    CALL(GET_PARTITION_ID, get_partition_id, 0, 0, OUT(get_partition_id))                          \
    LIST(DEPOSIT_MEMORY, deposit_memory, ROOT, IN(deposit_memory), 8, 0, hypercall_finish_deposit) \
    LIST(WITHDRAW_MEMORY, withdraw_memory, ROOT, IN(withdraw_memory), 0, 8,                        \
         hypercall_finish_memory)                                                                  \
    CALL(GET_MEMORY_BALANCE, get_memory_balance, ROOT, IN(partition), OUT(get_memory_balance))     \
    LIST(MAP_GPA_PAGES, map_gpa_pages, ROOT, IN(map_gpa_pages), 8, 0, hypercall_finish_memory)     \
    LIST(UNMAP_GPA_PAGES, unmap_gpa_pages, ROOT, IN(unmap_gpa_pages), 0, 0,                        \
         hypercall_finish_memory)                                                                  \
    CALL(INSTALL_INTERCEPT, install_intercept, ROOT, IN(install_intercept), 0)                     \
    CALL(CREATE_VP, create_vp, ROOT, IN(create_vp), 0)                                             \
    CALL(DELETE_VP, delete_vp, ROOT, IN(delete_vp), 0)                                             \
    LIST(GET_VP_REGISTERS, get_vp_registers, ROOT, IN(get_vp_registers), 4, 16,                    \
         hypercall_finish_vp_registers)                                                            \
    LIST(SET_VP_REGISTERS, set_vp_registers, ROOT, IN(set_vp_registers), 32, 0,                    \
         hypercall_finish_vp_registers)                                                            \
    CALL(TRANSLATE_VIRTUAL_ADDRESS, translate_virtual_address, ROOT,                               \
         IN(translate_virtual_address), OUT(translate_virtual_address))                            \
    CALL(CLEAR_VIRTUAL_INTERRUPT, clear_virtual_interrupt, ROOT, IN(clear_virtual_interrupt), 0)   \
    CALL(DELETE_PORT, delete_port, ROOT, IN(delete_port), 0)                                       \
    CALL(DISCONNECT_PORT, disconnect_port, ROOT, IN(disconnect_port), 0)                           \
    CALL(POST_MESSAGE, post_message, 0, IN(post_message), 0)                                       \
    CALL(SIGNAL_EVENT, signal_event, 0, IN(signal_event), 0)                                       \
    CALL(MAP_STATS_PAGE, map_stats_page, ROOT, IN(map_stats_page), OUT(map_stats_page))            \
    CALL(UNMAP_STATS_PAGE, unmap_stats_page, ROOT, IN(map_stats_page), 0)                          \
    CALL(GET_SYSTEM_PROPERTY, get_system_property, ROOT, IN(get_system_property),                  \
         OUT(get_system_property))                                                                 \
    CALL(REGISTER_INTERCEPT_RESULT, register_intercept_result, ROOT,                               \
         IN(register_intercept_result), 0)                                                         \
    CALL(ASSERT_VIRTUAL_INTERRUPT, assert_virtual_interrupt, ROOT, IN(assert_virtual_interrupt),   \
         0)                                                                                        \
    CALL(CREATE_PORT, create_port, ROOT, IN(create_port), 0)                                       \
    CALL(CONNECT_PORT, connect_port, ROOT, IN(connect_port), 0)                                    \
    CALL(START_VIRTUAL_PROCESSOR, start_virtual_processor, 0, IN(start_virtual_processor), 0)      \
    LIST(GET_VP_INDEX_FROM_APIC_ID, get_vp_index_from_apic_id, 0, IN(get_vp_index_from_apic_id),   \
         4, 4, NULL)                                                                               \
    CALL(SIGNAL_EVENT_DIRECT, signal_event_direct, ROOT, IN(signal_event_direct),                  \
         OUT(signal_event_direct))                                                                 \
    CALL(POST_MESSAGE_DIRECT, post_message_direct, ROOT, IN(post_message_direct), 0)               \
    CALL(DISPATCH_VP, dispatch_vp, ROOT, IN(dispatch_vp), OUT(dispatch_vp))                        \
    LIST(GET_GPA_PAGES_ACCESS_STATES, get_gpa_pages_access_states, ROOT,                           \
         IN(get_gpa_pages_access_states), 0, 1, hypercall_finish_memory)                           \
    CALL(MAP_VP_STATE_PAGE, map_vp_state_page, ROOT, IN(map_vp_state_page),                        \
         OUT(map_vp_state_page))                                                                   \
    CALL(UNMAP_VP_STATE_PAGE, unmap_vp_state_page, ROOT, IN(map_vp_state_page), 0)                 \
    CALL(VENEER_GET_EXIT_COUNTS, get_exit_counts, 0, IN(veneer_get_exit_counts),                   \
         OUT(veneer_get_exit_counts))                                                              \
    CALL(VENEER_BIND_VP, bind_vp, ROOT, IN(veneer_bind_vp), 0)                                     \
    CALL(VENEER_SET_VP_REGISTER_RULE, set_register_rule, ROOT, IN(veneer_set_vp_register_rule), 0) \
    CALL(VENEER_SHARE_DEADLINE, share_deadline, ROOT, IN(veneer_share_deadline), 0)                \
    CALL(VENEER_CANCEL_VP, cancel_vp, ROOT, IN(veneer_cancel_vp), 0)

enum entry {
    ENTRY_NONE,
#define CALL(code, ...) ENTRY_##code,
    CALLS(CALL, CALL)
#undef CALL
};

#define CALL(code, function, flags, input, output)                                                 \
    [ENTRY_##code] = {hypercall_##function,                                                        \
                      NULL,                                                                        \
                      (input),                                                                     \
                      (output),                                                                    \
                      0,                                                                           \
                      0,                                                                           \
                      (flags) | ((input) <= 16 && (output) == 0 ? FAST : 0)},
#define LIST(code, function, flags, input, element, result, finish)                                \
    [ENTRY_##code] = {hypercall_##function, finish, (input), 0, element, result, (flags) | REP},
static const struct hypercall_entry entries[] = {CALLS(CALL, LIST)};
#undef CALL
#undef LIST

#define CALL(code, function, flags, input, output)                                                 \
    _Static_assert((input) + ((flags)&SET ? 8 * MAX_BANKS : 0) <= HYPERCALL_MAX_INPUT &&           \
                       (output) <= HYPERCALL_MAX_OUTPUT,                                           \
                   "buffers");
#define LIST(code, function, flags, input, element, result, finish)                                \
    CALL(code, function, flags, input, 0)                                                          \
    _Static_assert((element) <= HYPERCALL_MAX_ELEMENT && (result) <= HYPERCALL_MAX_RESULT,         \
                   "buffers");
CALLS(CALL, LIST)
#undef CALL
#undef LIST

/* Codes are below 100h, or ours from 8800h on. */
#define FIRST_OWN 0x8800u
#define INDEX(code) ((code) < FIRST_OWN ? (code) : (code) + 0x100 - FIRST_OWN)

#define CALL(code, ...) [INDEX(HVCALL_##code)] = ENTRY_##code,
static const uint8_t entry_of_code[0x108] = {CALLS(CALL, CALL)};
#undef CALL

/* One without function if there is no such call. */
static const struct hypercall_entry *find(uint32_t code)
{
    uint32_t index = code;

    if (code >= 0x100) {
        index = INDEX(code);
        if (code < FIRST_OWN || index >= sizeof(entry_of_code))
            return &entries[ENTRY_NONE];
    }
    return &entries[entry_of_code[index]];
}

/* The registers of a call whose blocks are at the GPAs @input and @output. */
struct arguments {
    uint64_t value, input, output;
};

/* Bytes of the variable header. */
static uint32_t variable_size(uint64_t value)
{
    return (uint32_t)((value & HV_HYPERCALL_VARHEAD_MASK) >> HV_HYPERCALL_VARHEAD_SHIFT) * 8;
}

/* Checks the parts of the input value that do not need memory. Not of a fast call. */
static bool input_value_valid(const struct hypercall_entry *entry, uint64_t value)
{
    uint32_t rep_count = value >> HV_HYPERCALL_REP_COUNT_SHIFT & HV_HYPERCALL_REP_MASK;
    uint32_t rep_start = value >> HV_HYPERCALL_REP_START_SHIFT & HV_HYPERCALL_REP_MASK;

    if (value & HV_HYPERCALL_RESERVED)
        return false;
    if (entry->flags & REP ? rep_start >= rep_count : (rep_count | rep_start) != 0)
        return false;
    return variable_size(value) <= (entry->flags & SET ? 8 * MAX_BANKS : 0);
}

/* A block in the caller's memory: 8-byte aligned, inside one page. To be found anew after whatever
 * may wait. */
static void *find_block(struct vp *vp, uint64_t address, uint64_t size, bool write)
{
    return address % 8 == 0 ? partition_memory(vp->partition, gpa(address), size, write) : NULL;
}

static bool copy_input(struct vp *vp, uint64_t address, void *buffer, uint32_t used, uint64_t size)
{
    const void *block;

    if (size == 0)
        return true;
    block = find_block(vp, address, size, false);
    if (block != NULL)
        memcpy(buffer, block, used);
    return block != NULL;
}

static bool may_call(const struct hypercall_entry *entry, const struct vp *vp)
{
    return !(entry->flags & ROOT) || partition_is_root(vp->partition);
}

/* The quickest form: nothing but the code may be in the input value. */
__attribute__((noinline)) static enum hv_status call_fast(struct vp *vp, uint64_t value,
                                                          uint64_t first, uint64_t second)
{
    const struct hypercall_entry *entry = find((uint16_t)value);
    uint64_t input[2] = {first, second};
    struct hypercall call;

    if (value >> 16 != HV_HYPERCALL_FAST >> 16 || !(entry->flags & FAST))
        return entry->function == NULL ? HV_STATUS_INVALID_HYPERCALL_CODE
                                       : HV_STATUS_INVALID_HYPERCALL_INPUT;
    if (!may_call(entry, vp))
        return HV_STATUS_ACCESS_DENIED;
    call.vp = vp; /* the rest has no meaning */
    call.input = input;
    call.input_size = entry->input_size;
    return entry->function(&call);
}

static enum hv_status call_simple(const struct hypercall_entry *entry, struct vp *vp,
                                  const struct arguments *a)
{
    uint64_t input[HYPERCALL_MAX_INPUT / 8], output[HYPERCALL_MAX_OUTPUT / 8];
    uint32_t size = entry->input_size + variable_size(a->value);
    struct hypercall call = {.vp = vp, .input = input, .output = output, .input_size = size};
    void *block;

    if (!copy_input(vp, a->input, input, size, size))
        return HV_STATUS_INVALID_ALIGNMENT;
    if (entry->output_size == 0)
        return entry->function(&call);
    if (find_block(vp, a->output, entry->output_size, true) == NULL)
        return HV_STATUS_INVALID_ALIGNMENT;
    memset(output, 0, entry->output_size);
    enum hv_status status = entry->function(&call);
    if (status != HV_STATUS_SUCCESS)
        return status;
    block = find_block(vp, a->output, entry->output_size, true);
    if (block == NULL)
        return HV_STATUS_INVALID_ALIGNMENT;
    memcpy(block, output, entry->output_size);
    return HV_STATUS_SUCCESS;
}

/* One element. Its places in the lists, which are in one page each, are found anew. */
static enum hv_status call_element(const struct hypercall_entry *entry,
                                   const struct hypercall *call, const struct arguments *a,
                                   void *element)
{
    struct partition *partition = call->vp->partition;
    uint64_t from = a->input + call->input_size + (uint64_t)call->rep_index * entry->element_size;
    uint64_t to = a->output + (uint64_t)call->rep_index * entry->result_size;
    void *memory;

    if (entry->element_size != 0) {
        memory = partition_memory(partition, gpa(from), entry->element_size, false);
        if (memory == NULL)
            return HV_STATUS_INVALID_ALIGNMENT;
        memcpy(element, memory, entry->element_size);
    }
    enum hv_status status = entry->function(call);
    if (status != HV_STATUS_SUCCESS || entry->result_size == 0)
        return status;
    memory = partition_memory(partition, gpa(to), entry->result_size, true);
    if (memory == NULL)
        return HV_STATUS_INVALID_ALIGNMENT;
    memcpy(memory, call->output, entry->result_size);
    return HV_STATUS_SUCCESS;
}

/* Stops at the first element that fails; *@done counts those before it. */
static enum hv_status call_rep(const struct hypercall_entry *entry, struct vp *vp,
                               const struct arguments *a, uint32_t *done)
{
    uint64_t input[HYPERCALL_MAX_INPUT / 8], element[HYPERCALL_MAX_ELEMENT / 8];
    uint64_t output[HYPERCALL_MAX_RESULT / 8] = {0}, scratch[HYPERCALL_SCRATCH / 8] = {0};
    uint32_t count = a->value >> HV_HYPERCALL_REP_COUNT_SHIFT & HV_HYPERCALL_REP_MASK;
    uint32_t size = entry->input_size + variable_size(a->value);
    struct hypercall call = {.vp = vp,
                             .input = input,
                             .element = element,
                             .output = output,
                             .input_size = size,
                             .rep_count = count,
                             .scratch = scratch};
    enum hv_status status = HV_STATUS_SUCCESS;

    if (!copy_input(vp, a->input, input, size, size + (uint64_t)count * entry->element_size))
        return HV_STATUS_INVALID_ALIGNMENT;
    if (entry->result_size != 0 &&
        find_block(vp, a->output, (uint64_t)count * entry->result_size, true) == NULL)
        return HV_STATUS_INVALID_ALIGNMENT;
    for (call.rep_index = *done; call.rep_index < count; call.rep_index++) {
        status = call_element(entry, &call, a, element);
        if (status != HV_STATUS_SUCCESS)
            break;
        *done = call.rep_index + 1;
    }
    if (entry->finish != NULL)
        entry->finish(&call);
    return status;
}

/* A call whose input or output is in memory. */
__attribute__((noinline)) static uint64_t call_memory(struct vp *vp, uint64_t value, uint64_t input,
                                                      uint64_t output)
{
    const struct hypercall_entry *entry = find((uint16_t)value);
    const struct arguments a = {value, input, output};
    uint32_t done = value >> HV_HYPERCALL_REP_START_SHIFT & HV_HYPERCALL_REP_MASK;
    enum hv_status status;

    if (entry->function == NULL)
        return HV_STATUS_INVALID_HYPERCALL_CODE;
    if (!input_value_valid(entry, value))
        return HV_STATUS_INVALID_HYPERCALL_INPUT;
    if (!may_call(entry, vp))
        return HV_STATUS_ACCESS_DENIED;
    if (entry->flags & REP)
        status = call_rep(entry, vp, &a, &done);
    else
        status = call_simple(entry, vp, &a);
    return (uint64_t)status | (uint64_t)done << HV_HYPERCALL_REPS_DONE_SHIFT;
}

/* Result value: status and elements done. */
static uint64_t call(struct vp *vp, uint64_t value, uint64_t input, uint64_t output)
{
    return value & HV_HYPERCALL_FAST ? (uint64_t)call_fast(vp, value, input, output)
                                     : call_memory(vp, value, input, output);
}

static uint64_t join(uint64_t high, uint64_t low)
{
    return high << 32 | (uint32_t)low;
}

/* Outside 64-bit mode the arguments are in pairs of registers (TLFS 3.7). */
__attribute__((noinline)) static void call_32(struct vp *vp)
{
    volatile uint64_t *gpr = vp->gpr;
    uint64_t value = join(gpr[GPR_RDX], gpr[GPR_RAX]);
    uint64_t input = join(gpr[GPR_RBX], gpr[GPR_RCX]);
    uint64_t result = call(vp, value, input, join(gpr[GPR_RDI], gpr[GPR_RSI]));

    gpr[GPR_RDX] = result >> 32;
    gpr[GPR_RAX] = (uint32_t)result;
}

enum exit_action exit_other_hypercall(struct vp *vp, enum exit_mode mode)
{
    volatile uint64_t *gpr = vp->gpr;
    uint64_t value = gpr[GPR_RCX];

    EXIT_COUNT(vp, hypercall);
    if (vp->partition->guest_os_id == 0)
        return EXIT_UD;
    if (mode == EXIT_MODE_KERNEL_64)
        gpr[GPR_RAX] = call(vp, value, gpr[GPR_RDX], gpr[GPR_R8]);
    else if (mode == EXIT_MODE_KERNEL_32)
        call_32(vp);
    else
        return EXIT_UD;
    return EXIT_SKIP;
}
