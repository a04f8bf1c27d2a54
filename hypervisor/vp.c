#include "hypervisor/vp.h"

#include "hypervisor/atomic.h"
#include "hypervisor/console.h"
#include "hypervisor/hw.h"
#include "hypervisor/lp.h"
#include "hypervisor/msr.h"
#include "hypervisor/partition.h"
#include "hypervisor/pool.h"
#include "hypervisor/vp_event.h"

void vp_create_root(struct vp *vp, struct partition *partition, uint32_t index)
{
    vp->partition = partition;
    vp->index = index;
    vp->state = VP_WAITING;
    vp->gpr = vp->own_gpr;
    vp->statistics = spa_to_va(pool_take(1));
    vp->hw_state_spa = pool_take(1);
    vp->hw_state = spa_to_va(vp->hw_state_spa);
}

void vp_print_gpr(const struct vp *vp)
{
    static const char names[GPR_COUNT][4] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                             "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                             "r12", "r13", "r14", "r15"};
    unsigned column = 0;

    for (unsigned i = 0; i < GPR_COUNT; i++)
        if (i != GPR_RSP)
            print("%-3s %016llx%c", names[i], (unsigned long long)vp->gpr[i],
                  ++column % 5 == 0 ? '\n' : ' ');
}

/* The root's VP of an LP waits here until another VP starts it. */
static void wait_for_start(struct lp *lp, struct vp *vp)
{
    while (atomic_load(&vp->state) != VP_RUNNING) {
        lp_halt_until_request(lp);
        lp_answer_requests(lp);
    }
}

void vp_run_root(struct vp *vp)
{
    struct lp *lp = this_lp();

    lp->vp = vp;
    if (msr_has_tsc_aux())
        wrmsr(MSR_TSC_AUX, 0); /* what the firmware has left */
    hw->vp_init(vp);
    wait_for_start(lp, vp);
    lp->root_nmi_pending = false; /* nobody was there to get it */
    vp_start(vp);
    vp->gpr[GPR_RDI] = vp->start_rdi;
    for (;;) {
        lp_answer_requests(lp);
        if (lp->root_nmi_pending) {
            lp->root_nmi_pending = false;
            hw->inject_nmi(vp);
        }
        hw->run(vp);
    }
}
