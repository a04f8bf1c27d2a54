#include "parent/vid/vid_hypercall.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/vid/arena.h"

/* Pages that are deposited, and withdrawn, at once. */
#define DEPOSIT_BATCH 16u
#define WITHDRAW_BATCH 64u
/* Enough for any single call: what asks for more is broken. */
#define MAX_DEPOSITS 256u

/* Once, without deposits. */
static enum hv_status call_once(struct vid_call *call)
{
    uint64_t flags = interrupts_save();
    struct cpu *cpu = this_cpu();
    memcpy(cpu->hypercall_input, call->input, call->input_size);
    /* What earlier repetitions gave; nothing that is left of others' calls goes out. */
    if (call->output_size)
        memcpy(cpu->hypercall_output, call->output, call->output_size);
    uint64_t result = hyperv_call(
        call->code | (uint64_t)call->reps << HV_HYPERCALL_REP_COUNT_SHIFT |
            (uint64_t)call->reps_done << HV_HYPERCALL_REP_START_SHIFT,
        virtual_to_physical(cpu->hypercall_input), virtual_to_physical(cpu->hypercall_output));
    if (call->output_size)
        memcpy(call->output, cpu->hypercall_output, call->output_size);
    interrupts_restore(flags);
    if (call->reps)
        call->reps_done = result >> HV_HYPERCALL_REPS_DONE_SHIFT & HV_HYPERCALL_REP_MASK;
    return (enum hv_status)(result & HV_HYPERCALL_STATUS_MASK);
}

struct deposit_input {
    struct hv_input_deposit_memory header;
    uint64_t pages[DEPOSIT_BATCH];
};

/* How many pages the hypervisor took. */
static uint32_t deposit_batch(struct deposits *deposits)
{
    uint64_t pages[DEPOSIT_BATCH];
    struct deposit_input input = {.header = {.partition_id = deposits->partition_id}};
    if (!arena_take(pages, DEPOSIT_BATCH))
        return 0;
    for (uint32_t i = 0; i < DEPOSIT_BATCH; i++)
        input.pages[i] = pages[i] >> PAGE_SHIFT;
    struct vid_call call = {.code = HVCALL_DEPOSIT_MEMORY,
                            .reps = DEPOSIT_BATCH,
                            .input = &input,
                            .input_size = sizeof(input)};
    enum hv_status status = call_once(&call);
    if (call.reps_done < DEPOSIT_BATCH) {
        arena_give(pages + call.reps_done, DEPOSIT_BATCH - call.reps_done);
        log_print(LOG_ERROR, "vid: %u of %u pages could be deposited: status %xh", call.reps_done,
                  DEPOSIT_BATCH, status);
    }
    return call.reps_done;
}

static bool deposit(struct deposits *deposits)
{
    if (deposits->job && !job_take_pages(deposits->job, DEPOSIT_BATCH))
        return false;
    uint32_t done = deposit_batch(deposits);
    if (deposits->job)
        job_give_pages(deposits->job, DEPOSIT_BATCH - done);
    __atomic_fetch_add(&deposits->page_count, done, __ATOMIC_RELAXED);
    return done > 0;
}

enum hv_status vid_call(struct vid_call *call, struct deposits *deposits)
{
    enum hv_status status = HV_STATUS_INSUFFICIENT_MEMORY;
    call->reps_done = 0;
    if (call->output_size)
        memset(call->output, 0, call->output_size);
    for (uint32_t i = 0; i < MAX_DEPOSITS; i++) {
        uint32_t done = call->reps_done;
        status = call_once(call);
        bool partial = status == HV_STATUS_SUCCESS && call->reps_done < call->reps;
        if (partial && call->reps_done > done)
            continue;
        if (status != HV_STATUS_INSUFFICIENT_MEMORY || !deposits || !deposit(deposits))
            break;
    }
    return status;
}

enum hv_status vid_call_plain(uint16_t code, const void *input, uint32_t input_size, void *output,
                              uint32_t output_size, struct deposits *deposits)
{
    struct vid_call call = {.code = code,
                            .input = input,
                            .input_size = input_size,
                            .output = output,
                            .output_size = output_size};
    return vid_call(&call, deposits);
}

enum hv_status vid_call_partition(uint16_t code, uint64_t partition_id)
{
    struct hv_input_partition input = {.partition_id = partition_id};
    return vid_call_plain(code, &input, sizeof(input), NULL, 0, NULL);
}

enum hv_status vid_create_partition(uint64_t flags, struct deposits *root, uint64_t *partition_id)
{
    struct hv_input_create_partition input = {.flags = flags};
    struct hv_output_create_partition output = {0};
    enum hv_status status = vid_call_plain(HVCALL_CREATE_PARTITION, &input, sizeof(input), &output,
                                           sizeof(output), root);
    *partition_id = output.partition_id;
    return status;
}

enum hv_status vid_set_property(struct deposits *deposits, enum hv_partition_property property,
                                uint64_t value)
{
    struct hv_input_set_partition_property input = {
        .partition_id = deposits->partition_id, .property_code = property, .value = value};
    return vid_call_plain(HVCALL_SET_PARTITION_PROPERTY, &input, sizeof(input), NULL, 0, deposits);
}

struct map_input {
    struct hv_input_map_gpa_pages header;
    uint64_t list[VID_MAP_BATCH];
};

enum hv_status vid_map_gpa(struct deposits *deposits, uint64_t gpa_page, uint32_t map_flags,
                           const uint64_t *list, uint16_t count)
{
    struct map_input input = {.header = {.target_partition_id = deposits->partition_id,
                                         .target_gpa_base = gpa_page,
                                         .map_flags = map_flags}};
    memcpy(input.list, list, count * sizeof(list[0]));
    struct vid_call call = {
        .code = HVCALL_MAP_GPA_PAGES,
        .reps = count,
        .input = &input,
        .input_size = (uint32_t)(sizeof(input.header) + count * sizeof(list[0])),
    };
    return vid_call(&call, deposits);
}

enum hv_status vid_unmap_gpa(struct deposits *deposits, uint64_t gpa_page, uint64_t count)
{
    enum hv_status status = HV_STATUS_SUCCESS;
    while (status == HV_STATUS_SUCCESS && count > 0) {
        uint64_t part = count < PAGES_PER_BLOCK ? count : PAGES_PER_BLOCK;
        struct hv_input_unmap_gpa_pages input = {.target_partition_id = deposits->partition_id,
                                                 .target_gpa_base = gpa_page};
        struct vid_call call = {.code = HVCALL_UNMAP_GPA_PAGES,
                                .reps = (uint16_t)part,
                                .input = &input,
                                .input_size = sizeof(input)};
        /* A large page that is to be split needs memory. */
        status = vid_call(&call, deposits);
        gpa_page += part;
        count -= part;
    }
    return status;
}

enum hv_status vid_map_state_page(struct deposits *deposits, uint32_t vp_index,
                                  enum hv_vp_state_page_type type, uint64_t *page)
{
    struct hv_input_map_vp_state_page input = {
        .partition_id = deposits->partition_id, .vp_index = vp_index, .type = type};
    struct hv_output_map_vp_state_page output = {0};
    enum hv_status status = vid_call_plain(HVCALL_MAP_VP_STATE_PAGE, &input, sizeof(input), &output,
                                           sizeof(output), deposits);
    *page = output.gpa_page << PAGE_SHIFT;
    return status;
}

enum hv_status vid_map_statistics(struct deposits *deposits, uint64_t partition_id,
                                  uint32_t vp_index, uint64_t *page)
{
    struct hv_input_map_stats_page input = {
        .type = HV_STATS_OBJECT_VP, .partition_id = partition_id, .vp_index = vp_index};
    struct hv_output_map_stats_page output = {0};
    enum hv_status status = vid_call_plain(HVCALL_MAP_STATS_PAGE, &input, sizeof(input), &output,
                                           sizeof(output), deposits);
    *page = output.gpa_page << PAGE_SHIFT;
    return status;
}

enum hv_status vid_bind_vp(uint64_t partition_id, uint32_t vp_index, uint64_t cr3)
{
    struct hv_input_veneer_bind_vp input = {
        .partition_id = partition_id, .vp_index = vp_index, .cr3 = cr3};
    return vid_call_plain(HVCALL_VENEER_BIND_VP, &input, sizeof(input), NULL, 0, NULL);
}

/* How many pages came back. */
static uint32_t withdraw_batch(uint64_t partition_id)
{
    uint64_t pages[WITHDRAW_BATCH] = {0};
    struct hv_input_withdraw_memory input = {.partition_id = partition_id};
    struct vid_call call = {.code = HVCALL_WITHDRAW_MEMORY,
                            .reps = WITHDRAW_BATCH,
                            .input = &input,
                            .input_size = sizeof(input),
                            .output = pages,
                            .output_size = sizeof(pages)};
    vid_call(&call, NULL);
    for (uint32_t i = 0; i < call.reps_done; i++)
        pages[i] <<= PAGE_SHIFT;
    arena_give(pages, call.reps_done);
    return call.reps_done;
}

bool vid_withdraw_all(struct deposits *deposits)
{
    uint64_t total = 0;
    uint32_t done;
    while ((done = withdraw_batch(deposits->partition_id)) > 0)
        total += done;
    if (deposits->job)
        job_give_pages(deposits->job, deposits->page_count);
    if (total == deposits->page_count)
        return true;
    log_print(LOG_ERROR, "vid: partition %lu had %lu pages and gave %lu back",
              deposits->partition_id, deposits->page_count, total);
    return false;
}
