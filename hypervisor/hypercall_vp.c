/* Hypercalls about VPs: creation, deletion, start, and the pages that they share with the root. */
#include "hypervisor/atomic.h"
#include "hypervisor/dispatch.h"
#include "hypervisor/guest_memory.h"
#include "hypervisor/hw.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/hypercall_page.h"
#include "hypervisor/partition.h"
#include "hypervisor/vp_context.h"
#include "hypervisor/vp_event.h"
#include "include/hv/parent.h"
#include "lib/string.h"

#define CACHE_TYPE_WRITE_BACK 6u
#define TRANSLATE_OVERLAY (1u << 8) /* the page is one of ours */
#define TRANSLATE_FLAGS                                                                            \
    (HV_TRANSLATE_GVA_VALIDATE_READ | HV_TRANSLATE_GVA_VALIDATE_WRITE |                            \
     HV_TRANSLATE_GVA_VALIDATE_EXECUTE)

/* --- Pages that the root sees --- */

/* The root sees a page of ours at its own address. */
static enum hv_status show_page(const void *page, unsigned access, uint64_t *gpa_page)
{
    uint64_t address = va_to_spa(page).value;

    spin_lock(&root_partition.lock);
    bool mapped = page_table_map(&root_partition.nested, address, address, PAGE_SIZE,
                                 hw->nested_flags(access, MEMORY_WRITE_BACK));
    spin_unlock(&root_partition.lock);
    *gpa_page = address / PAGE_SIZE;
    return mapped ? HV_STATUS_SUCCESS : HV_STATUS_INSUFFICIENT_MEMORY;
}

/* TLBs are flushed by the caller. A page that was shown has its table, so that this cannot fail. */
static void hide_page(const void *page)
{
    spin_lock(&root_partition.lock);
    page_table_unmap(&root_partition.nested, va_to_spa(page).value, PAGE_SIZE);
    spin_unlock(&root_partition.lock);
}

static void hide_pages(const struct vp *vp)
{
    hide_page(vp->register_page);
    hide_page(vp->message);
    hide_page(vp->statistics);
}

/* The page of a type, with a reference to the VP's partition; NULL: *@status. */
static struct vp *get_state_page(const struct hypercall *call, void **page, enum hv_status *status)
{
    const struct hv_input_map_vp_state_page *input = call->input;
    struct vp *vp = NULL;

    *status = HV_STATUS_INVALID_PARAMETER;
    if (input->type <= HV_VP_STATE_PAGE_INTERCEPT_MESSAGE)
        vp = hypercall_get_child_vp(call, input->partition_id, input->vp_index, status);
    if (vp != NULL)
        *page = input->type == HV_VP_STATE_PAGE_REGISTERS ? (void *)vp->register_page : vp->message;
    return vp;
}

enum hv_status hypercall_map_vp_state_page(const struct hypercall *call)
{
    struct hv_output_map_vp_state_page *output = call->output;
    enum hv_status status;
    void *page;
    struct vp *vp = get_state_page(call, &page, &status);

    if (vp == NULL)
        return status;
    status = show_page(page, ACCESS_READ | ACCESS_WRITE, &output->gpa_page);
    partition_put(vp->partition);
    return status;
}

enum hv_status hypercall_unmap_vp_state_page(const struct hypercall *call)
{
    enum hv_status status;
    void *page;
    struct vp *vp = get_state_page(call, &page, &status);

    if (vp == NULL)
        return status;
    hide_page(page);
    partition_flush(&root_partition);
    partition_put(vp->partition);
    return HV_STATUS_SUCCESS;
}

/* Also of the root's own VPs. */
static struct vp *get_stats_vp(const struct hypercall *call, enum hv_status *status)
{
    const struct hv_input_map_stats_page *input = call->input;
    struct partition *partition;
    struct vp *vp;

    *status = HV_STATUS_INVALID_PARAMETER;
    if (input->type != HV_STATS_OBJECT_VP || input->padding != 0 || input->reserved != 0)
        return NULL;
    *status = HV_STATUS_INVALID_PARTITION_ID;
    partition = partition_get(call->vp->partition, input->partition_id);
    if (partition == NULL)
        return NULL;
    *status = HV_STATUS_INVALID_VP_INDEX;
    vp = partition_vp(partition, input->vp_index);
    if (vp == NULL)
        partition_put(partition);
    return vp;
}

enum hv_status hypercall_map_stats_page(const struct hypercall *call)
{
    struct hv_output_map_stats_page *output = call->output;
    enum hv_status status;
    struct vp *vp = get_stats_vp(call, &status);

    if (vp == NULL)
        return status;
    status = show_page(vp->statistics, ACCESS_READ, &output->gpa_page);
    partition_put(vp->partition);
    return status;
}

enum hv_status hypercall_unmap_stats_page(const struct hypercall *call)
{
    enum hv_status status;
    struct vp *vp = get_stats_vp(call, &status);

    if (vp == NULL)
        return status;
    hide_page(vp->statistics);
    partition_flush(&root_partition);
    partition_put(vp->partition);
    return HV_STATUS_SUCCESS;
}

/* --- Creation and deletion --- */

enum vp_page {
    VP_PAGE_VP,
    VP_PAGE_HW_STATE,
    VP_PAGE_REGISTERS,
    VP_PAGE_MESSAGE,
    VP_PAGE_STATISTICS,
    VP_PAGE_FPU,
    VP_PAGE_COUNT
};

/* Holds the partition's lock. */
static bool make_vp(struct partition *partition)
{
    void *pages[VP_PAGE_COUNT];

    for (unsigned i = 0; i < VP_PAGE_COUNT; i++) {
        spa_t page = partition_take_page(partition);
        pages[i] = spa_to_va(page);
        if (page.value != 0)
            continue;
        while (i-- > 0)
            partition_give_page(partition, va_to_spa(pages[i]));
        return false;
    }
    struct vp *vp = pages[VP_PAGE_VP];
    vp->partition = partition;
    vp->index = partition->vp_count;
    vp->state = VP_IDLE;
    vp->hw_state = pages[VP_PAGE_HW_STATE];
    vp->hw_state_spa = va_to_spa(vp->hw_state);
    vp->register_page = pages[VP_PAGE_REGISTERS];
    vp->gpr = vp->register_page->gpr;
    vp->run = (struct veneer_vp_run *)((uint8_t *)vp->register_page + VENEER_VP_RUN_OFFSET);
    vp->message = pages[VP_PAGE_MESSAGE];
    vp->statistics = pages[VP_PAGE_STATISTICS];
    vp->fpu = pages[VP_PAGE_FPU];
    hw->vp_init(vp);
    partition->child_vps[partition->vp_count++] = vp;
    return true;
}

/* Takes the VP, which does not run, from the LP where it is resident. */
static void evict(struct vp *vp)
{
    struct lp *lp;

    while ((lp = __atomic_load_n(&vp->lp, __ATOMIC_SEQ_CST)) != NULL) {
        if (lp == this_lp())
            vp_evict(vp);
        else
            lp_wait(lp, lp_request(lp, LP_REQUEST_EVICT));
    }
}

/* Holds the partition's lock. A VP that was deleted has its structure still. */
static enum hv_status create(struct partition *partition, uint32_t index)
{
    if (atomic_load(&partition->state) != PARTITION_ACTIVE)
        return HV_STATUS_INVALID_PARTITION_STATE;
    if (index >= PARTITION_MAX_VPS || index > partition->vp_count ||
        partition_vp(partition, index) != NULL)
        return HV_STATUS_INVALID_VP_INDEX;
    if (index == partition->vp_count && !make_vp(partition))
        return HV_STATUS_INSUFFICIENT_MEMORY;
    struct vp *vp = partition->child_vps[index];
    vp->register_page->version = HV_VP_REGISTER_PAGE_VERSION;
    vp->register_page->valid = 1;
    vp->run->deadline_tsc = VENEER_NO_DEADLINE;
    evict(vp);
    memset(vp->fpu, 0, PAGE_SIZE);
    vp_reset(vp, false);
    __atomic_fetch_or(&partition->live_vps, 1ull << index, __ATOMIC_SEQ_CST);
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_create_vp(const struct hypercall *call)
{
    const struct hv_input_create_vp *input = call->input;

    if (input->flags != 0 || (input->padding[0] | input->padding[1] | input->padding[2]) != 0)
        return HV_STATUS_INVALID_PARAMETER;
    struct partition *partition = hypercall_get_child(call, input->partition_id);
    if (partition == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    spin_lock(&partition->lock);
    enum hv_status status = create(partition, input->vp_index);
    spin_unlock(&partition->lock);
    partition_put(partition);
    return status;
}

/* Whoever has found the VP before may still look at it, and finds one that has been reset and waits
 * for a SIPI. */
enum hv_status hypercall_delete_vp(const struct hypercall *call)
{
    const struct hv_input_delete_vp *input = call->input;
    enum hv_status status = HV_STATUS_SUCCESS;

    if (input->padding != 0)
        return HV_STATUS_INVALID_PARAMETER;
    struct vp *vp = hypercall_get_child_vp(call, input->partition_id, input->vp_index, &status);
    if (vp == NULL)
        return status;
    vp_access_begin(call->vp, vp);
    uint64_t bit = 1ull << vp->index;
    if (__atomic_fetch_and(&vp->partition->live_vps, ~bit, __ATOMIC_SEQ_CST) & bit) {
        vp->bound_cr3 = 0;
        vp->rule_count = 0;
        memset(vp->rules, 0, sizeof(vp->rules));
        vp_reset(vp, false);
        vp->activity = VP_WAIT_FOR_SIPI;
        hide_pages(vp);
        partition_flush(&root_partition);
        vp->posted_head = 0;
        memset(vp->register_page, 0, PAGE_SIZE);
        memset(vp->message, 0, PAGE_SIZE);
        memset(vp->statistics, 0, PAGE_SIZE);
    } else {
        status = HV_STATUS_INVALID_VP_INDEX; /* another LP was faster */
    }
    vp_access_end(call->vp, vp);
    partition_put(vp->partition);
    return status;
}

void hypercall_stop_vps(struct partition *partition)
{
    for (uint32_t i = 0; i < partition->vp_count; i++) {
        struct vp *vp = partition->child_vps[i];
        while (atomic_load(&vp->state) == VP_RUNNING) {
            vp_attention(vp, VP_ATTENTION_CANCEL);
            lp_answer_requests(this_lp());
            cpu_pause();
        }
    }
}

void hypercall_release_vps(struct partition *partition)
{
    for (uint32_t i = 0; i < partition->vp_count; i++) {
        evict(partition->child_vps[i]);
        hide_pages(partition->child_vps[i]);
    }
    partition_flush(&root_partition);
    for (uint32_t i = 0; i < partition->vp_count; i++) {
        const struct vp *vp = partition->child_vps[i];
        const void *const pages[VP_PAGE_COUNT] = {vp->hw_state,   vp->register_page, vp->message,
                                                  vp->statistics, vp->fpu,           vp};
        for (unsigned k = 0; k < VP_PAGE_COUNT; k++)
            partition_give_page(partition, va_to_spa(pages[k]));
    }
    partition->vp_count = 0;
}

/* --- Start --- */

static enum hv_status start_root_vp(struct vp *vp, const struct hv_initial_vp_context *context)
{
    if (!atomic_compare_exchange(&vp->state, VP_WAITING, VP_STARTING))
        return HV_STATUS_INVALID_VP_STATE;
    vp->context = *context;
    atomic_store(&vp->state, VP_RUNNING);
    /* A root VP has the LP of the same index. */
    lp_request(lp_by_index(vp->index), LP_REQUEST_START_VP);
    return HV_STATUS_SUCCESS;
}

/* The VP's LP takes the context over when it looks at the bit. */
static enum hv_status start_child_vp(struct vp *vp, const struct hv_initial_vp_context *context)
{
    enum hv_status status = HV_STATUS_INVALID_VP_STATE;

    spin_lock(&vp->partition->lock);
    if (vp->activity == VP_WAIT_FOR_SIPI &&
        (atomic_load(&vp->attention) & VP_ATTENTION_START) == 0) {
        vp->context = *context;
        vp_attention(vp, VP_ATTENTION_START);
        status = HV_STATUS_SUCCESS;
    }
    spin_unlock(&vp->partition->lock);
    return status;
}

static enum hv_status start(struct vp *vp, const struct hv_input_start_virtual_processor *input)
{
    bool root = partition_is_root(vp->partition);
    struct vp_context_limits limits;

    if (input->target_vtl != 0 || input->reserved[0] | input->reserved[1] | input->reserved[2])
        return HV_STATUS_INVALID_PARAMETER;
    if (root ? atomic_load(&vp->state) != VP_WAITING : vp->activity != VP_WAIT_FOR_SIPI)
        return HV_STATUS_INVALID_VP_STATE;
    limits = vp_context_limits();
    if (!vp_context_valid(&input->context, &limits))
        return HV_STATUS_INVALID_REGISTER_VALUE;
    return root ? start_root_vp(vp, &input->context) : start_child_vp(vp, &input->context);
}

/* VP @index of @partition, or the caller. */
static struct vp *find_vp(const struct hypercall *call, struct partition *partition, uint32_t index)
{
    if (index == HV_VP_INDEX_SELF)
        return partition == call->vp->partition ? call->vp : NULL;
    return partition_vp(partition, index);
}

enum hv_status hypercall_start_virtual_processor(const struct hypercall *call)
{
    const struct hv_input_start_virtual_processor *input = call->input;
    struct partition *partition = partition_get(call->vp->partition, input->partition_id);

    if (partition == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    struct vp *vp = find_vp(call, partition, input->vp_index);
    enum hv_status status = vp == NULL ? HV_STATUS_INVALID_VP_INDEX : start(vp, input);
    partition_put(partition);
    return status;
}

/* A child's APIC ids are its VP indices. */
static bool has_apic_id(struct partition *partition, uint32_t index, uint32_t apic_id)
{
    if (!partition_is_root(partition))
        return index == apic_id && partition_vp(partition, index) != NULL;
    return lp_by_index(index)->apic_id == apic_id;
}

enum hv_status hypercall_get_vp_index_from_apic_id(const struct hypercall *call)
{
    static const uint8_t zero[sizeof(((struct hv_input_get_vp_index_from_apic_id *)0)->reserved)];
    const struct hv_input_get_vp_index_from_apic_id *input = call->input;
    struct partition *partition = partition_get(call->vp->partition, input->partition_id);
    uint32_t apic_id = *(const uint32_t *)call->element;
    enum hv_status status = HV_STATUS_INVALID_PARAMETER;

    if (partition == NULL)
        return HV_STATUS_INVALID_PARTITION_ID;
    bool valid = input->target_vtl == 0 && memcmp(input->reserved, zero, sizeof(zero)) == 0;
    for (uint32_t i = 0; valid && i < partition->vp_count; i++) {
        if (!has_apic_id(partition, i, apic_id))
            continue;
        *(uint32_t *)call->output = i;
        status = HV_STATUS_SUCCESS;
        break;
    }
    partition_put(partition);
    return status;
}

/* --- Looking at a VP --- */

/* Whether the guest's and then the nested tables allow what is to be validated. Which of user and
 * kernel asks is not known. */
static enum hv_translate_gva_result_code check_rights(const struct partition *partition,
                                                      const struct guest_paging *paging,
                                                      const struct guest_rights *rights,
                                                      uint64_t address, uint64_t flags)
{
    struct page_table_walk walk = {.entry = 0};
    bool write = flags & HV_TRANSLATE_GVA_VALIDATE_WRITE;

    if (write && !rights->writable && paging->cr0 & CR0_WP)
        return HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION;
    if (flags & HV_TRANSLATE_GVA_VALIDATE_EXECUTE && !rights->executable)
        return HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION;
    if (address < PARTITION_ADDRESS_END)
        walk = page_table_lookup(&partition->nested, address);
    if (!walk.present)
        return walk.entry != 0 ? HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS
                               : HV_TRANSLATE_GVA_GPA_UNMAPPED;
    return partition_allows(partition, walk.entry, write, false)
               ? HV_TRANSLATE_GVA_SUCCESS
               : HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS;
}

enum hv_status hypercall_translate_virtual_address(const struct hypercall *call)
{
    const struct hv_input_translate_virtual_address *input = call->input;
    struct hv_output_translate_virtual_address *output = call->output;
    struct vp_registers registers;
    struct guest_rights rights;
    enum hv_status status;
    gpa_t address;

    if (input->control_flags & ~TRANSLATE_FLAGS || input->padding != 0)
        return HV_STATUS_INVALID_PARAMETER;
    struct vp *vp = hypercall_get_child_vp(call, input->partition_id, input->vp_index, &status);
    if (vp == NULL)
        return status;
    vp_access_begin(call->vp, vp);
    hw->get_registers(vp, &registers);
    vp_access_end(call->vp, vp);

    struct partition *partition = vp->partition;
    struct guest_paging paging = {registers.cr0, registers.cr3, registers.cr4, registers.efer};
    output->result_code = HV_TRANSLATE_GVA_PAGE_NOT_PRESENT;
    if (guest_translate(partition, &paging, input->gva_page * PAGE_SIZE, &address, &rights)) {
        output->result_code =
            check_rights(partition, &paging, &rights, address.value, input->control_flags);
        output->cache_type_and_overlay =
            CACHE_TYPE_WRITE_BACK |
            (hypercall_page_covers(partition, address) ? TRANSLATE_OVERLAY : 0);
        output->gpa_page = address.value / PAGE_SIZE;
    }
    partition_put(partition);
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_get_exit_counts(const struct hypercall *call)
{
    const struct hv_input_veneer_get_exit_counts *input = call->input;
    struct hv_output_veneer_get_exit_counts *output = call->output;
    const struct vp *vp = find_vp(call, call->vp->partition, input->vp_index);

    if (vp == NULL)
        return HV_STATUS_INVALID_VP_INDEX;
    if (input->reserved != 0)
        return HV_STATUS_INVALID_PARAMETER;
    const struct veneer_vp_statistics *s = vp->statistics;
    *output = (struct hv_output_veneer_get_exit_counts){
        .total = s->exits,
        .cpuid = s->cpuid,
        .msr = s->msr,
        .hypercall = s->hypercall,
        .memory = s->memory,
        .nmi = s->nmi,
        .other = s->exits - s->cpuid - s->msr - s->hypercall - s->memory - s->nmi,
    };
    return HV_STATUS_SUCCESS;
}
