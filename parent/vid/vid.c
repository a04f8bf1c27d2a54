#include "parent/vid/vid.h"

#include "include/hv/cpuid.h"
#include "include/hv/parent.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/smp.h"
#include "parent/vid/partition.h"
#include "parent/vid/synic.h"
#include "parent/vid/vid_hypercall.h"

static bool available;

bool vid_is_available(void)
{
    return available;
}

/* While a child runs on this CPU, the hypervisor has its timer interrupt come for us. In a thread
 * that is bound to the CPU: each can speak for itself only. */
static void share_deadline(void *argument)
{
    struct cpu *cpu = this_cpu();
    struct hv_input_veneer_share_deadline input = {
        .vp_index = cpu->index, .gpa = virtual_to_physical(&cpu->timers.hardware)};
    enum hv_status status = vid_call_plain(HVCALL_VENEER_SHARE_DEADLINE, &input, sizeof(input),
                                           NULL, 0, &root_deposits);
    (void)argument;
    if (status != HV_STATUS_SUCCESS)
        log_print(LOG_WARNING, "vid: VP %u cannot share its deadline: status %xh", cpu->index,
                  status);
}

void vid_start(void)
{
    struct hv_identity identity;
    if (!hyperv_identify(&identity) || !(identity.features[0] & HV_ACCESS_SYNIC) ||
        !(identity.features[1] & HV_CREATE_PARTITIONS))
        return;
    partition_init();
    if (!synic_start()) {
        log_print(LOG_ERROR, "vid: no memory for the synthetic interrupt controllers");
        return;
    }
    smp_call_all(share_deadline, NULL);
    available = true;
}
