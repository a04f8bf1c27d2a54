#include "hypervisor/lp.h"

#include "hypervisor/atomic.h"
#include "hypervisor/console.h"
#include "hypervisor/dispatch.h"
#include "hypervisor/hw.h"
#include "hypervisor/memory.h"
#include "hypervisor/panic.h"
#include "hypervisor/x86/apic.h"
#include "hypervisor/x86/tables.h"
#include "lib/x86/lapic.h"

uint32_t lp_count;

_Noreturn void ap_main(void);

static void init_control_registers(void)
{
    uint64_t cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (cpuid(0, 0).eax >= 7) {
        uint32_t features = cpuid(7, 0).ebx;
        if (features & (1u << 7))
            cr4 |= CR4_SMEP;
        if (features & (1u << 20))
            cr4 |= CR4_SMAP;
    }
    if (cpuid(1, 0).ecx & (1u << 26))
        cr4 |= CR4_OSXSAVE;
    write_cr4(cr4);
    wrmsr(MSR_PAT, PAT_RESET_VALUE);
}

void lp_init(struct lp *lp)
{
    tables_load(lp);
    init_control_registers();
    lp->x2apic = apic_is_x2apic();

    const char *missing = hw->missing();
    if (missing != NULL)
        boot_stop("processor %u (APIC id %u): %s", lp->index, lp->apic_id, missing);
    hw->enable(lp);
    lp->online = true;
}

void lp_end_boot(void)
{
    memory_seal();
    for (uint32_t i = 1; i < lp_count; i++)
        lp_request(lp_by_index(i), LP_REQUEST_START_VP);
    vp_run_root(this_lp()->root_vp);
}

/* First C function of the other LPs. */
void ap_main(void)
{
    struct lp *lp = this_lp();

    lp_init(lp);
    while (lp->vp == NULL) {
        lp_halt_until_request(lp);
        lp_answer_requests(lp);
    }
    write_cr3(read_cr3()); /* drops what memory_seal() has changed */
    vp_run_root(lp->vp);
}

#define FIRST_CHILD_TAG 2u /* 0 is the hypervisor's, 1 the root VP's */

void lp_assign_tag(struct lp *lp, struct vp *vp)
{
    if (lp->next_tag >= hw->tag_count()) {
        lp->flush_pending = true;
        return;
    }
    vp->tag = lp->next_tag++;
    vp->tag_lp = lp;
    vp->tag_generation = lp->tag_generation;
}

void lp_flushed(struct lp *lp)
{
    lp->flush_pending = false;
    lp->tag_generation++;
    lp->next_tag = FIRST_CHILD_TAG;
}

/* Bit and number in one step: whoever takes the bits must know by the number which requests it has
 * taken. Returns the number. */
static uint32_t add_request(struct lp *target, enum lp_request request)
{
    uint32_t old, new;

    do {
        old = atomic_load(&target->requests);
        new = (old | request) + (1u << LP_REQUEST_NUMBER_SHIFT);
    } while (!atomic_compare_exchange(&target->requests, old, new));
    return new >> LP_REQUEST_NUMBER_SHIFT;
}

uint32_t lp_request(struct lp *target, enum lp_request request)
{
    uint32_t number = add_request(target, request);

    if (atomic_exchange(&target->nmi_outstanding, 1) == 0)
        apic_send(apic_is_x2apic(), target->apic_id, LAPIC_ICR_DELIVERY_NMI | LAPIC_ICR_ASSERT);
    return number;
}

/* Numbers wrap: the one that is less than half of them behind is the earlier one. */
static bool is_before(uint32_t a, uint32_t b)
{
    return (int32_t)((a - b) << LP_REQUEST_NUMBER_SHIFT) < 0;
}

void lp_wait(struct lp *target, uint32_t number)
{
    while (is_before(atomic_load(&target->request_done), number)) {
        lp_answer_requests(this_lp());
        cpu_pause();
    }
}

static void answer(struct lp *lp, uint32_t requests)
{
    if (requests & LP_REQUEST_STOP)
        for (;;)
            __asm__ volatile("cli; hlt");
    if (requests & LP_REQUEST_FLUSH)
        lp->flush_pending = true;
    if (requests & LP_REQUEST_EVICT && lp->resident_vp != NULL && lp->vp == lp->root_vp)
        vp_evict(lp->resident_vp);
    if (requests & LP_REQUEST_START_VP)
        lp->vp = lp->root_vp;
    if (requests & LP_REQUEST_ROOT_NMI)
        lp->root_nmi_pending = true;
}

void lp_answer_requests(struct lp *lp)
{
    if ((atomic_load(&lp->requests) & LP_REQUEST_BITS) == 0)
        return;
    uint32_t requests = atomic_and(&lp->requests, ~LP_REQUEST_BITS);
    answer(lp, requests & LP_REQUEST_BITS);
    atomic_store(&lp->request_done, requests >> LP_REQUEST_NUMBER_SHIFT);
}

void lp_request_all(enum lp_request request)
{
    struct lp *self = this_lp();
    uint32_t numbers[MAX_LPS] = {0};

    for (uint32_t i = 0; i < lp_count; i++)
        if (lp_by_index(i) != self)
            numbers[i] = lp_request(lp_by_index(i), request);
    answer(self, request);
    for (uint32_t i = 0; i < lp_count; i++)
        if (lp_by_index(i) != self)
            lp_wait(lp_by_index(i), numbers[i]);
}

/* The root's NMI is a request, too: it must not be entered over. */
void lp_nmi_received(struct lp *lp)
{
    if (atomic_exchange(&lp->nmi_outstanding, 0) == 0)
        add_request(lp, LP_REQUEST_ROOT_NMI);
}
