/* Hypercalls to a set of the caller's own VPs: interrupts, and dropping translations. The root, on
 * real local APICs, has neither. Members of a set that do not exist are passed over. */
#include "hypervisor/atomic.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/lp.h"
#include "hypervisor/partition.h"
#include "include/hv/synic_calls.h"

#define EVERYBODY UINT64_MAX
#define FLUSH_FLAGS                                                                                \
    (HV_FLUSH_ALL_PROCESSORS | HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES |                               \
     HV_FLUSH_NON_GLOBAL_MAPPINGS_ONLY | HV_FLUSH_USE_EXTENDED_RANGE_FORMAT)

_Static_assert(PARTITION_MAX_VPS <= 64, "bank 0 has all VPs");

/* The mask of VPs 0 to 63 of a set whose banks are the rest of the input. */
static enum hv_status read_vpset(const struct hypercall *call, const struct hv_vpset *set,
                                 uint64_t *mask)
{
    const uint8_t *end = (const uint8_t *)call->input + call->input_size;

    *mask = EVERYBODY;
    if (set->format == HV_GENERIC_SET_ALL)
        return HV_STATUS_SUCCESS;
    if (set->format != HV_GENERIC_SET_SPARSE_4K)
        return HV_STATUS_INVALID_PARAMETER;
    *mask = 0;
    if ((set->valid_bank_mask & 1) == 0)
        return HV_STATUS_SUCCESS;
    if ((const uint8_t *)&set->bank_contents[1] > end)
        return HV_STATUS_INVALID_HYPERCALL_INPUT;
    *mask = set->bank_contents[0];
    return HV_STATUS_SUCCESS;
}

/* --- Interrupts --- */

static enum hv_status send_ipi(const struct hypercall *call, uint32_t vector, uint64_t mask)
{
    struct partition *partition = call->vp->partition;

    if (partition_is_root(partition))
        return HV_STATUS_ACCESS_DENIED;
    if (vector < 16 || vector > 255)
        return HV_STATUS_INVALID_PARAMETER;
    for (; mask != 0; mask &= mask - 1) {
        struct vp *vp = partition_vp(partition, (uint32_t)__builtin_ctzll(mask));
        if (vp != NULL)
            lapic_post(vp, (uint8_t)vector, false);
    }
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_send_cluster_ipi(const struct hypercall *call)
{
    const struct hv_input_send_synthetic_cluster_ipi *input = call->input;

    if (input->target_vtl != 0)
        return HV_STATUS_INVALID_PARAMETER;
    return send_ipi(call, input->vector, input->processor_mask);
}

enum hv_status hypercall_send_cluster_ipi_ex(const struct hypercall *call)
{
    const struct hv_input_send_synthetic_cluster_ipi_ex *input = call->input;
    uint64_t mask;
    enum hv_status status = read_vpset(call, &input->vpset, &mask);

    if (status != HV_STATUS_SUCCESS)
        return status;
    if (input->target_vtl != 0)
        return HV_STATUS_INVALID_PARAMETER;
    return send_ipi(call, input->vector, mask);
}

/* --- Translations --- */

/* Makes @vp drop its translations before it executes another instruction. If it runs on another LP,
 * that one is asked, and named by the result. The other side sets state and LP, and looks at the
 * tag then: either it sees ours, or we see that it runs. */
static struct lp *forget(struct vp *vp, uint32_t *request)
{
    struct lp *lp;

    __atomic_store_n(&vp->tag_lp, NULL, __ATOMIC_SEQ_CST);
    if (atomic_load(&vp->state) != VP_RUNNING)
        return NULL;
    lp = __atomic_load_n(&vp->lp, __ATOMIC_SEQ_CST);
    if (lp == NULL || lp == this_lp())
        return NULL;
    *request = lp_request(lp, LP_REQUEST_FLUSH);
    return lp;
}

/* All translations of the VPs, whatever was asked for: that is always allowed. */
static enum hv_status flush(const struct hypercall *call, uint64_t flags, uint64_t mask)
{
    struct partition *partition = call->vp->partition;
    struct lp *lps[PARTITION_MAX_VPS];
    uint32_t requests[PARTITION_MAX_VPS], asked = 0;

    if (partition_is_root(partition))
        return HV_STATUS_ACCESS_DENIED;
    if (flags & ~FLUSH_FLAGS)
        return HV_STATUS_INVALID_PARAMETER;
    if (flags & HV_FLUSH_ALL_PROCESSORS)
        mask = EVERYBODY;
    for (; mask != 0; mask &= mask - 1) {
        struct vp *vp = partition_vp(partition, (uint32_t)__builtin_ctzll(mask));
        if (vp == call->vp) {
            this_lp()->flush_pending = true;
            continue;
        }
        lps[asked] = vp == NULL ? NULL : forget(vp, &requests[asked]);
        if (lps[asked] != NULL)
            asked++;
    }
    for (uint32_t i = 0; i < asked; i++)
        lp_wait(lps[i], requests[i]);
    return HV_STATUS_SUCCESS;
}

enum hv_status hypercall_flush_space(const struct hypercall *call)
{
    const struct hv_input_flush_virtual_address_space *input = call->input;

    return flush(call, input->flags, input->processor_mask);
}

enum hv_status hypercall_flush_space_ex(const struct hypercall *call)
{
    const struct hv_input_flush_virtual_address_space_ex *input = call->input;
    uint64_t mask;
    enum hv_status status = read_vpset(call, &input->vpset, &mask);

    return status == HV_STATUS_SUCCESS ? flush(call, input->flags, mask) : status;
}

/* Rep calls. The first element flushes for all: the list only says what need not be dropped. */
static enum hv_status flush_once(const struct hypercall *call, hypercall_function_t *function)
{
    bool *flushed = call->scratch;
    enum hv_status status = *flushed ? HV_STATUS_SUCCESS : function(call);

    *flushed = status == HV_STATUS_SUCCESS;
    return status;
}

enum hv_status hypercall_flush_list(const struct hypercall *call)
{
    return flush_once(call, hypercall_flush_space);
}

enum hv_status hypercall_flush_list_ex(const struct hypercall *call)
{
    return flush_once(call, hypercall_flush_space_ex);
}
