/* Self test "overlay": all CPUs move the hypercall page at the same time. Each move changes the
 * nested tables and has the hypervisor interrupt all processors by NMI, while NMIs of ours hit
 * them, too. */
#include "include/hv/msr.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/pages.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/smp.h"

#define MOVES 500
#define NMI_INTERVAL 8 /* moves */
#define MARK 0x5a

static uint8_t code; /* first byte of the hypercall page */

/* Nobody makes hypercalls meanwhile: the page may be anywhere. */
static void move_often(void *argument)
{
    uint64_t address = page_allocate_zeroed();
    volatile uint8_t *page = direct_map(address);
    uint32_t next = (this_cpu()->index + 1) % cpu_count;
    (void)argument;

    page[0] = MARK;
    for (uint32_t i = 0; i < MOVES; i++) {
        wrmsr(HV_X64_MSR_HYPERCALL, address | HV_X64_MSR_HYPERCALL_ENABLE);
        uint8_t seen = page[0]; /* others may have moved it on */
        check(seen == code || seen == MARK, "first byte of a moving page is %xh", seen);
        wrmsr(HV_X64_MSR_HYPERCALL, address);
        if (i % NMI_INTERVAL == 0)
            lapic_send_nmi(cpus[next]->apic_id);
    }
    check_equal(page[0], MARK, "first byte of the page that was hidden");
    pages_free(address, 1);
}

static void see_page(void *argument)
{
    const volatile uint8_t *page = hypercall_page;
    (void)argument;
    check_equal(page[0], code, "first byte of the hypercall page");
}

static void run(void)
{
    uint64_t present = rdmsr(HV_X64_MSR_HYPERCALL);

    if (present & HV_X64_MSR_HYPERCALL_LOCKED)
        return;
    code = *(const volatile uint8_t *)hypercall_page;
    smp_call_all(move_often, NULL);
    wrmsr(HV_X64_MSR_HYPERCALL, present);
    smp_call_all(see_page, NULL);
}

const struct selftest selftest_overlay = {"overlay", run, SELFTEST_ONCE, false};
