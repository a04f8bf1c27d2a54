#include "parent/vid/pass_through.h"

#include "include/hv/vp_registers.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

struct allowed_call {
    uint16_t code;
    uint16_t input, output;         /* bytes; of a rep call: in front of the list */
    uint16_t rep_input, rep_output; /* bytes of each rep; both 0: not a rep call */
};

/* The input of each begins with the partition's id. Not among them is what pages that a process has
 * mapped depend on: deleting VPs, and anything about memory. */
static const struct allowed_call allowed_calls[] = {
    {HVCALL_GET_PARTITION_PROPERTY, sizeof(struct hv_input_get_partition_property),
     sizeof(struct hv_output_get_partition_property), 0, 0},
    {HVCALL_SET_PARTITION_PROPERTY, sizeof(struct hv_input_set_partition_property), 0, 0, 0},
    {HVCALL_INSTALL_INTERCEPT, sizeof(struct hv_input_install_intercept), 0, 0, 0},
    {HVCALL_GET_VP_REGISTERS, sizeof(struct hv_input_get_vp_registers), 0, sizeof(uint32_t),
     sizeof(struct hv_register_value)},
    {HVCALL_SET_VP_REGISTERS, sizeof(struct hv_input_set_vp_registers), 0,
     sizeof(struct hv_register_assoc), 0},
    {HVCALL_TRANSLATE_VIRTUAL_ADDRESS, sizeof(struct hv_input_translate_virtual_address),
     sizeof(struct hv_output_translate_virtual_address), 0, 0},
    {HVCALL_CLEAR_VIRTUAL_INTERRUPT, sizeof(struct hv_input_clear_virtual_interrupt), 0, 0, 0},
    {HVCALL_REGISTER_INTERCEPT_RESULT, sizeof(struct hv_input_register_intercept_result), 0, 0, 0},
    {HVCALL_ASSERT_VIRTUAL_INTERRUPT, sizeof(struct hv_input_assert_virtual_interrupt), 0, 0, 0},
    {HVCALL_START_VIRTUAL_PROCESSOR, sizeof(struct hv_input_start_virtual_processor), 0, 0, 0},
    {HVCALL_SIGNAL_EVENT_DIRECT, sizeof(struct hv_input_signal_event_direct),
     sizeof(struct hv_output_signal_event_direct), 0, 0},
    {HVCALL_POST_MESSAGE_DIRECT, sizeof(struct hv_input_post_message_direct), 0, 0, 0},
    {HVCALL_GET_GPA_PAGES_ACCESS_STATES, sizeof(struct hv_input_get_gpa_pages_access_states), 0, 0,
     1},
    {HVCALL_VENEER_SET_VP_REGISTER_RULE, sizeof(struct hv_input_veneer_set_vp_register_rule), 0, 0,
     0},
    {HVCALL_VENEER_CANCEL_VP, sizeof(struct hv_input_veneer_cancel_vp), 0, 0, 0},
};

static uint64_t reps_of(uint64_t input_value)
{
    return input_value >> HV_HYPERCALL_REP_COUNT_SHIFT & HV_HYPERCALL_REP_MASK;
}

static const struct allowed_call *find(uint64_t code)
{
    for (size_t i = 0; i < sizeof(allowed_calls) / sizeof(allowed_calls[0]); i++) {
        if (allowed_calls[i].code == code)
            return &allowed_calls[i];
    }
    return NULL;
}

bool pass_through_is_allowed(uint64_t input_value, uint64_t input_size, uint64_t output_size)
{
    const struct allowed_call *allowed = find(input_value & HV_HYPERCALL_CODE_MASK);
    uint64_t reps = reps_of(input_value);
    if (!allowed || input_value & ~(HV_HYPERCALL_CODE_MASK | HV_HYPERCALL_REP_MASK
                                                                 << HV_HYPERCALL_REP_COUNT_SHIFT))
        return false;
    bool is_rep_call = allowed->rep_input || allowed->rep_output;
    return is_rep_call == (reps > 0) && input_size == allowed->input + reps * allowed->rep_input &&
           output_size == allowed->output + reps * allowed->rep_output && input_size <= PAGE_SIZE &&
           output_size <= PAGE_SIZE;
}

uint64_t pass_through(struct partition *partition, uint64_t input_value, void *input,
                      uint64_t input_size, void *output, uint64_t output_size)
{
    memcpy(input, &partition->deposits.partition_id, sizeof(uint64_t));
    struct vid_call call = {
        .code = (uint16_t)input_value,
        .reps = (uint16_t)reps_of(input_value),
        .input = input,
        .input_size = (uint32_t)input_size,
        .output = output,
        .output_size = (uint32_t)output_size,
    };
    enum hv_status status = vid_call(&call, &partition->deposits);
    return (uint64_t)call.reps_done << HV_HYPERCALL_REPS_DONE_SHIFT | status;
}
