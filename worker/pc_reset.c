#include "worker/pc_reset.h"

#include "parent/user/system.h"
#include "worker/pc_interrupt.h"
#include "worker/pc_machine.h"
#include "worker/vp.h"

#define LOOK_AGAIN_US 100u
#define APIC_BASE_ADDRESS 0xfee00000ull
#define APIC_BASE_BSP (1ull << 8)
#define APIC_BASE_ENABLE (1ull << 11)
#define XCR0_X87 1ull

static bool requested;      /* atomic to read */
static uint32_t waiting;    /* VPs that take part, but VP 0; atomic */
static uint32_t generation; /* of the machine; atomic */

bool pc_reset_is_requested(void)
{
    return __atomic_load_n(&requested, __ATOMIC_ACQUIRE);
}

void pc_reset_request(void *context)
{
    (void)context;
    if (requested)
        return;
    __atomic_store_n(&requested, true, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < machine.vp_count; i++) {
        const struct hv_input_veneer_cancel_vp input = {.vp_index = i};
        if (machine_call(HVCALL_VENEER_CANCEL_VP, 0, &input, sizeof(input)) != 0)
            machine_fail("VP %u cannot be stopped", i);
    }
}

/* An INIT, and what that leaves alone but a reset does not. Others than VP 0 wait for a SIPI then.
 * MSRs without a name among the registers stay: memory types, and the TSC. */
static void reset_vp(struct vp *vp)
{
    const struct hv_input_assert_virtual_interrupt init = {
        .interrupt_control = HV_X64_INTERRUPT_TYPE_INIT, .destination_address = vp->index};
    const uint64_t base = APIC_BASE_ADDRESS | (vp->index == 0 ? APIC_BASE_BSP : 0);
    const struct hv_register_assoc registers[] = {
        {.name = HV_X64_REGISTER_APIC_BASE, .value = {base}},
        {.name = HV_X64_REGISTER_APIC_BASE, .value = {base | APIC_BASE_ENABLE}},
        {.name = HV_X64_REGISTER_XFEM, .value = {XCR0_X87}},
    };
    if (machine_call(HVCALL_ASSERT_VIRTUAL_INTERRUPT, 0, &init, sizeof(init)) != 0)
        machine_fail("VP %u cannot be reset", vp->index);
    vp_set_registers(vp, registers, sizeof(registers) / sizeof(registers[0]));
}

static void wait_a_little(void)
{
    system_sleep(system_time() + LOOK_AGAIN_US);
}

/* What a disk still moves for a request from before must not come into the memory of the system
 * that starts now. With the lock, which is let go meanwhile. */
static void wait_for_disks(void)
{
    while (__atomic_load_n(&machine.disk_requests, __ATOMIC_ACQUIRE) != 0) {
        lock_release(&machine.lock);
        wait_a_little();
        lock_take(&machine.lock);
    }
}

static void reset_machine(void)
{
    lock_take(&machine.lock);
    for (uint32_t i = 0; i < machine.vp_count; i++)
        reset_vp(&machine.vps[i]);
    pc_interrupt_reset();
    pc_machine_reset();
    wait_for_disks();
    __atomic_store_n(&waiting, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&requested, false, __ATOMIC_RELEASE);
    __atomic_fetch_add(&generation, 1, __ATOMIC_RELEASE);
    lock_release(&machine.lock);
}

void pc_reset_take_part(struct vp *vp)
{
    if (vp->index == 0) {
        while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) != machine.vp_count - 1)
            wait_a_little();
        reset_machine();
        return;
    }
    uint32_t now = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
    __atomic_fetch_add(&waiting, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&generation, __ATOMIC_ACQUIRE) == now)
        wait_a_little();
}
