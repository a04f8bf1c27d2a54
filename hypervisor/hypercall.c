/* The hypercall dispatcher: calling convention (include/hv/hypercall.h; TLFS 3.7 to 3.10) and the
 * table of calls. */
#include "hypervisor/hypercall.h"

#include "hypervisor/exit.h"
#include "hypervisor/partition.h"
#include "lib/string.h"

struct hypercall_entry {
    uint16_t code;
    uint16_t input_size;   /* bytes; of the header, for a rep call */
    uint16_t output_size;  /* bytes; 0 for a rep call */
    uint16_t element_size; /* bytes per input element; 0: not a rep call */
    uint16_t result_size;  /* bytes per output element */
    hypercall_function_t function;
};

static const struct hypercall_entry table[] = {
    {HVCALL_NOTIFY_LONG_SPIN_WAIT, 8, 0, 0, 0, hypercall_notify_long_spin_wait},
    {HVCALL_GET_PARTITION_ID, 0, sizeof(struct hv_output_get_partition_id), 0, 0,
     hypercall_get_partition_id},
    {HVCALL_START_VIRTUAL_PROCESSOR, sizeof(struct hv_input_start_virtual_processor), 0, 0, 0,
     hypercall_start_virtual_processor},
    {HVCALL_GET_VP_INDEX_FROM_APIC_ID, sizeof(struct hv_input_get_vp_index_from_apic_id), 0,
     sizeof(uint32_t), sizeof(uint32_t), hypercall_get_vp_index_from_apic_id},
    {HVCALL_VENEER_GET_EXIT_COUNTS, sizeof(struct hv_input_veneer_get_exit_counts),
     sizeof(struct hv_output_veneer_get_exit_counts), 0, 0, hypercall_get_exit_counts},
};

_Static_assert(sizeof(struct hv_input_start_virtual_processor) <= HYPERCALL_MAX_INPUT, "buffer");
_Static_assert(sizeof(struct hv_output_veneer_get_exit_counts) <= HYPERCALL_MAX_OUTPUT, "buffer");

static const struct hypercall_entry *find(uint16_t code)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].code == code)
            return &table[i];
    return NULL;
}

struct parameters {
    bool fast;
    uint32_t rep_count, rep_start;
    void *input;  /* NULL: none, or fast */
    void *output; /* NULL: none */
};

/* Checks the parts of the input value that do not need memory. */
static enum hv_status check_input_value(const struct hypercall_entry *entry, uint64_t value,
                                        struct parameters *p)
{
    p->fast = (value & HV_HYPERCALL_FAST) != 0;
    p->rep_count = (uint32_t)(value >> HV_HYPERCALL_REP_COUNT_SHIFT & HV_HYPERCALL_REP_MASK);
    p->rep_start = (uint32_t)(value >> HV_HYPERCALL_REP_START_SHIFT & HV_HYPERCALL_REP_MASK);

    if (value & (HV_HYPERCALL_RESERVED | HV_HYPERCALL_VARHEAD_MASK))
        return HV_STATUS_INVALID_HYPERCALL_INPUT;
    if (entry->element_size == 0 && (p->rep_count != 0 || p->rep_start != 0))
        return HV_STATUS_INVALID_HYPERCALL_INPUT;
    if (entry->element_size != 0 && p->rep_start >= p->rep_count)
        return HV_STATUS_INVALID_HYPERCALL_INPUT;
    /* A fast call has 16 bytes of input and no output. */
    if (p->fast && (entry->element_size != 0 || entry->input_size > 16 || entry->output_size != 0))
        return HV_STATUS_INVALID_HYPERCALL_INPUT;
    return HV_STATUS_SUCCESS;
}

/* Finds a block in the caller's memory: 8-byte aligned, inside one page. */
static enum hv_status find_block(struct partition *partition, uint64_t address, uint64_t size,
                                 void **block)
{
    *block = NULL;
    if (size == 0)
        return HV_STATUS_SUCCESS;
    if (address % 8 != 0)
        return HV_STATUS_INVALID_ALIGNMENT;
    *block = partition_memory(partition, gpa(address), size);
    return *block == NULL ? HV_STATUS_INVALID_ALIGNMENT : HV_STATUS_SUCCESS;
}

static enum hv_status find_blocks(const struct hypercall_entry *entry, struct vp *vp,
                                  struct parameters *p)
{
    uint64_t input_size = entry->input_size + (uint64_t)p->rep_count * entry->element_size;
    uint64_t output_size = entry->output_size + (uint64_t)p->rep_count * entry->result_size;
    enum hv_status status = HV_STATUS_SUCCESS;

    p->input = p->output = NULL;
    if (!p->fast)
        status = find_block(vp->partition, vp->gpr[GPR_RDX], input_size, &p->input);
    if (status == HV_STATUS_SUCCESS)
        status = find_block(vp->partition, vp->gpr[GPR_R8], output_size, &p->output);
    return status;
}

static enum hv_status call_simple(const struct hypercall_entry *entry, struct vp *vp,
                                  const struct parameters *p)
{
    uint64_t input[HYPERCALL_MAX_INPUT / 8], output[HYPERCALL_MAX_OUTPUT / 8] = {0};
    struct hypercall call = {.vp = vp, .input = input, .output = output};

    if (p->fast) {
        input[0] = vp->gpr[GPR_RDX];
        input[1] = vp->gpr[GPR_R8];
    } else if (p->input != NULL) {
        memcpy(input, p->input, entry->input_size);
    }
    enum hv_status status = entry->function(&call);
    if (status == HV_STATUS_SUCCESS && p->output != NULL)
        memcpy(p->output, output, entry->output_size);
    return status;
}

/* Stops at the first element that fails; *@done counts those before it. */
static enum hv_status call_rep(const struct hypercall_entry *entry, struct vp *vp,
                               const struct parameters *p, uint32_t *done)
{
    uint64_t input[HYPERCALL_MAX_INPUT / 8], element, output;
    struct hypercall call = {.vp = vp, .input = input, .element = &element, .output = &output};

    memcpy(input, p->input, entry->input_size);
    for (uint32_t i = p->rep_start; i < p->rep_count; i++) {
        memcpy(&element, (const uint8_t *)p->input + entry->input_size + i * entry->element_size,
               entry->element_size);
        enum hv_status status = entry->function(&call);
        if (status != HV_STATUS_SUCCESS)
            return status;
        if (p->output != NULL)
            memcpy((uint8_t *)p->output + i * entry->result_size, &output, entry->result_size);
        *done = i + 1;
    }
    return HV_STATUS_SUCCESS;
}

/* Result value: status and elements done. */
static uint64_t dispatch(struct vp *vp)
{
    uint64_t value = vp->gpr[GPR_RCX];
    const struct hypercall_entry *entry = find((uint16_t)value);
    struct parameters p;
    uint32_t done;

    if (entry == NULL)
        return HV_STATUS_INVALID_HYPERCALL_CODE;
    enum hv_status status = check_input_value(entry, value, &p);
    if (status != HV_STATUS_SUCCESS)
        return status;
    done = p.rep_start;
    status = find_blocks(entry, vp, &p);
    if (status == HV_STATUS_SUCCESS)
        status =
            entry->element_size == 0 ? call_simple(entry, vp, &p) : call_rep(entry, vp, &p, &done);
    return (uint64_t)status | (uint64_t)done << HV_HYPERCALL_REPS_DONE_SHIFT;
}

enum exit_action exit_hypercall(struct vp *vp, struct exit_mode mode)
{
    vp->exits.total++;
    vp->exits.hypercall++;
    if (mode.cpl != 0 || !mode.protected_mode || !mode.long_mode)
        return EXIT_UD;
    if (vp->partition->guest_os_id == 0)
        return EXIT_UD;
    vp->gpr[GPR_RAX] = dispatch(vp);
    return EXIT_SKIP;
}
