#include "parent/kernel/selftest_guest.h"

#include "include/hv/intercept.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/include/time.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/selftest.h"
#include "parent/vid/partition.h"

#define CREATION_FLAGS                                                                             \
    (HV_PARTITION_CREATION_LAPIC_ENABLED | HV_PARTITION_CREATION_INTERCEPT_MESSAGE_PAGE)
#define OPCODE_HLT 0xf4
#define MAX_REGISTERS 16

static uint64_t id_of(const struct guest *guest)
{
    return guest->deposits.partition_id;
}

void *guest_memory(const struct guest *guest, uint64_t gpa)
{
    return (uint8_t *)physical_to_virtual(guest->memory) + gpa;
}

uint64_t guest_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

enum hv_status guest_set_registers(struct guest *guest, const struct hv_register_assoc *registers,
                                   uint16_t count)
{
    struct {
        struct hv_input_set_vp_registers header;
        struct hv_register_assoc registers[MAX_REGISTERS];
    } input = {.header = {.partition_id = id_of(guest)}};

    memcpy(input.registers, registers, count * sizeof(registers[0]));
    struct vid_call call = {
        .code = HVCALL_SET_VP_REGISTERS,
        .reps = count,
        .input = &input,
        .input_size = (uint32_t)(sizeof(input.header) + count * sizeof(registers[0])),
    };
    return vid_call(&call, &guest->deposits);
}

uint64_t guest_get_register(struct guest *guest, uint32_t name)
{
    struct {
        struct hv_input_get_vp_registers header;
        uint32_t name, padding;
    } input = {.header = {.partition_id = id_of(guest)}, .name = name};
    struct hv_register_value value = {.low = 0};
    struct vid_call call = {
        .code = HVCALL_GET_VP_REGISTERS,
        .reps = 1,
        .input = &input,
        .input_size = sizeof(input.header) + sizeof(name),
        .output = &value,
        .output_size = sizeof(value),
    };

    check_equal(vid_call(&call, &guest->deposits), HV_STATUS_SUCCESS,
                "status of reading a register");
    return value.low;
}

enum hv_translate_gva_result_code guest_translate(struct guest *guest, uint64_t gva_page,
                                                  uint64_t *gpa_page)
{
    struct hv_input_translate_virtual_address input = {
        .partition_id = id_of(guest),
        .control_flags = HV_TRANSLATE_GVA_VALIDATE_READ,
        .gva_page = gva_page,
    };
    struct hv_output_translate_virtual_address output = {0};
    check_equal(vid_call_plain(HVCALL_TRANSLATE_VIRTUAL_ADDRESS, &input, sizeof(input), &output,
                               sizeof(output), &guest->deposits),
                HV_STATUS_SUCCESS, "status of a translation");
    *gpa_page = output.gpa_page;
    return output.result_code;
}

enum hv_status guest_set_property(struct guest *guest, enum hv_partition_property property,
                                  uint64_t value)
{
    return vid_set_property(&guest->deposits, property, value);
}

static enum hv_status map_memory(struct guest *guest)
{
    uint64_t pages[GUEST_PAGES];

    for (unsigned i = 0; i < GUEST_PAGES; i++)
        pages[i] = (guest->memory >> PAGE_SHIFT) + i;
    return vid_map_gpa(&guest->deposits, 0,
                       HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE | HV_MAP_GPA_KERNEL_EXECUTABLE,
                       pages, GUEST_PAGES);
}

static enum hv_status create_vp(struct guest *guest)
{
    struct hv_input_create_vp input = {.partition_id = id_of(guest)};
    uint64_t pages[2] = {0};
    enum hv_status status =
        vid_call_plain(HVCALL_CREATE_VP, &input, sizeof(input), NULL, 0, &guest->deposits);

    for (unsigned type = 0; status == HV_STATUS_SUCCESS && type < 2; type++)
        status =
            vid_map_state_page(&guest->deposits, 0, (enum hv_vp_state_page_type)type, &pages[type]);
    guest->registers = physical_to_virtual(pages[0]);
    guest->message = physical_to_virtual(pages[1]);
    return status;
}

static enum hv_status start_at_code(struct guest *guest)
{
    const struct hv_x64_segment_register code = {.limit = 0xffff, .attributes = 0x9b};
    struct hv_register_assoc registers[2] = {{.name = HV_X64_REGISTER_CS},
                                             {.name = HV_X64_REGISTER_RIP}};

    memcpy(registers[0].value, &code, sizeof(code));
    registers[1].value[0] = GUEST_CODE;
    return guest_set_registers(guest, registers, 2);
}

bool guest_create(struct guest *guest, const void *code, size_t size)
{
    *guest = (struct guest){.memory = pages_allocate(GUEST_PAGES, 1)};
    if (!check(guest->memory != 0, "no memory for a guest"))
        return false;
    memset(guest_memory(guest, 0), OPCODE_HLT, GUEST_PAGES * PAGE_SIZE);
    memcpy(guest_memory(guest, GUEST_CODE), code, size);
    enum hv_status status =
        vid_create_partition(CREATION_FLAGS, &root_deposits, &guest->deposits.partition_id);
    if (!check(status == HV_STATUS_SUCCESS, "status %xh of creating a partition", status)) {
        pages_free(guest->memory, GUEST_PAGES);
        return false;
    }
    struct hv_input_partition input = {.partition_id = id_of(guest)};
    status = vid_call_plain(HVCALL_INITIALIZE_PARTITION, &input, sizeof(input), NULL, 0,
                            &guest->deposits);
    if (status == HV_STATUS_SUCCESS)
        status = map_memory(guest);
    if (status == HV_STATUS_SUCCESS)
        status = create_vp(guest);
    if (status == HV_STATUS_SUCCESS)
        status = start_at_code(guest);
    if (check(status == HV_STATUS_SUCCESS, "status %xh of making a guest", status))
        return true;
    guest_destroy(guest);
    return false;
}

void guest_destroy(struct guest *guest)
{
    check_equal(vid_call_partition(HVCALL_FINALIZE_PARTITION, id_of(guest)), HV_STATUS_SUCCESS,
                "status of finalizing a partition");
    check(vid_withdraw_all(&guest->deposits), "pages are missing");
    check_equal(vid_call_partition(HVCALL_DELETE_PARTITION, id_of(guest)), HV_STATUS_SUCCESS,
                "status of deleting a partition");
    pages_free(guest->memory, GUEST_PAGES);
}

uint64_t guest_dispatch(const struct guest *guest, uint32_t flags)
{
    return hyperv_call(HVCALL_VENEER_DISPATCH_VP | HV_HYPERCALL_FAST, id_of(guest),
                       (uint64_t)flags << 32);
}

void guest_cancel(const struct guest *guest)
{
    const struct hv_input_veneer_cancel_vp input = {.partition_id = id_of(guest)};
    check_equal(vid_call_plain(HVCALL_VENEER_CANCEL_VP, &input, sizeof(input), NULL, 0, NULL),
                HV_STATUS_SUCCESS, "status of a cancel");
}

/* Its interrupt ends the dispatch. */
static void on_end(struct timer *timer)
{
    (void)timer;
}

static uint32_t run_until(const struct guest *guest, uint32_t flags, uint64_t end)
{
    while (time_now() < end) {
        uint64_t result = guest_dispatch(guest, flags);
        if (!check((result & HV_HYPERCALL_STATUS_MASK) == HV_STATUS_SUCCESS,
                   "status %xh of a dispatch", (unsigned)(result & HV_HYPERCALL_STATUS_MASK)))
            return 0;
        if ((result >> VENEER_DISPATCH_STATE_SHIFT & 0xff) == HV_VP_DISPATCH_STATE_BLOCKED)
            return HV_MESSAGE_TYPE_X64_HALT;
        if (result >> VENEER_DISPATCH_EVENT_SHIFT == HV_VP_DISPATCH_EVENT_INTERCEPT)
            return guest->message->message_type;
        flags = 0;
    }
    return 0;
}

uint32_t guest_run(const struct guest *guest, uint32_t flags, uint64_t microseconds)
{
    uint64_t end = time_now() + microseconds;
    struct timer timer;

    timer_setup(&timer, on_end);
    timer_start(&timer, end);
    uint32_t message = run_until(guest, flags, end);
    timer_cancel(&timer);
    return message;
}
