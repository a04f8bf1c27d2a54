#include "vsc/demo/smp.h"

#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/console.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/paging.h"
#include "vsc/demo/vp.h"

#define AP_TRAMPOLINE 0x8000ull /* as in ap_start.asm */
#define INIT_US 200
#define START_US 3000000
#define CALL_US 10000000

/* Segments as HvCallStartVirtualProcessor takes them (struct hv_x64_segment_register). */
#define ATTRIBUTES_CODE 0xa09b
#define ATTRIBUTES_DATA 0xc093
#define ATTRIBUTES_TSS 0x008b
#define ATTRIBUTES_LDT 0x0082

extern const uint8_t ap_trampoline[], ap_trampoline_end[], ap_trampoline_seen[];
void ap_start_long(void);
_Noreturn void ap_main(struct vp *vp);

/* For the VP that starts. */
struct vp *ap_start_vp;
uint8_t *ap_start_stack;
uint64_t ap_start_cr3;

static uint32_t vp_count = 1;
static bool started_by_hypercall;

_Noreturn void ap_main(struct vp *vp)
{
    paging_load();
    vp_init((uint32_t)(vp - vps));
    __atomic_store_n(&vp->online, true, __ATOMIC_RELEASE);
    for (;;) {
        void (*function)(void *) = __atomic_load_n(&vp->call, __ATOMIC_ACQUIRE);

        if (function == NULL) {
            halt_until_interrupt();
            interrupts_disable();
            continue;
        }
        interrupts_enable();
        function(vp->call_argument);
        interrupts_disable();
        __atomic_store_n(&vp->call, NULL, __ATOMIC_RELEASE);
    }
}

/* VPs have their index as their APIC id. */
static void start_by_sipi(struct vp *vp, uint32_t index)
{
    uint64_t seen = AP_TRAMPOLINE + (uint64_t)(ap_trampoline_seen - ap_trampoline);

    memcpy((void *)AP_TRAMPOLINE, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
    lapic_send(index, LAPIC_ICR_DELIVERY_INIT | LAPIC_ICR_ASSERT);
    clock_delay(INIT_US);
    lapic_send(index, LAPIC_ICR_DELIVERY_STARTUP | LAPIC_ICR_ASSERT | AP_TRAMPOLINE >> PAGE_SHIFT);

    uint64_t end = clock_deadline(START_US);

    while (!__atomic_load_n(&vp->online, __ATOMIC_ACQUIRE) && rdtsc() < end)
        cpu_pause();
    memcpy(&vp->seen, (void *)seen, sizeof(vp->seen));
}

static void start_by_hypercall(struct vp *vp, uint32_t index)
{
    struct hv_x64_segment_register data = {0, UINT32_MAX, KERNEL_DS, ATTRIBUTES_DATA};
    struct hv_input_start_virtual_processor input = {
        .partition_id = HV_PARTITION_ID_SELF,
        .vp_index = index,
        .context =
            {
                .rip = (uint64_t)ap_start_long,
                .rsp = (uint64_t)ap_start_stack,
                .rflags = RFLAGS_FIXED,
                .cs = {0, UINT32_MAX, KERNEL_CS, ATTRIBUTES_CODE},
                .ds = data,
                .es = data,
                .fs = data,
                .gs = data,
                .ss = data,
                .tr = {0, sizeof(struct tss) - 1, 0, ATTRIBUTES_TSS},
                .ldtr = {0, 0, 0, ATTRIBUTES_LDT},
                .efer = EFER_LMA | EFER_LME | EFER_NXE,
                .cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE,
                .cr3 = ap_start_cr3,
                .cr4 = CR4_PAE,
                .msr_cr_pat = PAT_RESET_VALUE,
            },
    };
    enum hv_status status =
        hyperv_slow(HVCALL_START_VIRTUAL_PROCESSOR, &input, sizeof(input), NULL, 0);

    if (status != HV_STATUS_SUCCESS) {
        print("child: VP %u: start has status %u\n", index, status);
        return;
    }
    uint64_t end = clock_deadline(START_US);

    while (!__atomic_load_n(&vp->online, __ATOMIC_ACQUIRE) && rdtsc() < end)
        cpu_pause();
}

void smp_start(uint32_t count, bool by_hypercall)
{
    started_by_hypercall = by_hypercall;
    ap_start_cr3 = paging_root();
    for (uint32_t index = 1; index < count && index < VP_MAX; index++) {
        struct vp *vp = &vps[index];

        ap_start_vp = vp;
        ap_start_stack = vp->stack + sizeof(vp->stack);
        if (by_hypercall)
            start_by_hypercall(vp, index);
        else
            start_by_sipi(vp, index);
        if (!__atomic_load_n(&vp->online, __ATOMIC_ACQUIRE)) {
            print("child: VP %u does not start\n", index);
            return;
        }
        vp_count = index + 1;
    }
}

bool smp_started_by_hypercall(void)
{
    return started_by_hypercall;
}

uint32_t smp_count(void)
{
    return vp_count;
}

void smp_call_begin(uint32_t index, void (*function)(void *), void *argument)
{
    vps[index].call_argument = argument;
    __atomic_store_n(&vps[index].call, function, __ATOMIC_RELEASE);
    lapic_send_vp(index, VECTOR_CALL);
}

bool smp_call_wait(uint32_t index)
{
    uint64_t end = clock_deadline(CALL_US);

    while (__atomic_load_n(&vps[index].call, __ATOMIC_ACQUIRE) != NULL) {
        if (rdtsc() >= end)
            return false;
        cpu_pause();
    }
    return true;
}

bool smp_call(uint32_t index, void (*function)(void *), void *argument)
{
    smp_call_begin(index, function, argument);
    return smp_call_wait(index);
}
