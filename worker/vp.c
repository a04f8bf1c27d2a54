/* A thread per VP: runs it, and serves what it needs. What a port access costs is measured, so from
 * the dispatch to the device there is nothing else. */
#include "worker/vp.h"

#include "include/child_start.h"
#include "include/hv/msr.h"
#include "lib/string.h"
#include "parent/user/dispatch.h"
#include "parent/user/program.h"
#include "parent/user/system.h"
#include "worker/guest_crash.h"
#include "worker/io.h"
#include "worker/ioapic.h"
#include "worker/pc_interrupt.h"
#include "worker/pc_reset.h"
#include "worker/serial_console.h"

static uint32_t state_of(uint64_t result)
{
    return result >> VENEER_DISPATCH_STATE_SHIFT & 0xff;
}

/* The result of a dispatch that ended with an intercept. */
#define INTERCEPTED                                                                                \
    ((uint64_t)HV_VP_DISPATCH_STATE_READY << VENEER_DISPATCH_STATE_SHIFT |                         \
     (uint64_t)HV_VP_DISPATCH_EVENT_INTERCEPT << VENEER_DISPATCH_EVENT_SHIFT)

static void drain_posted(struct vp *vp)
{
    struct veneer_vp_run *run = vp->run;
    while (run->posted_tail != run->posted_head)
        machine.posted(vp, &run->posted[run->posted_tail++ % VENEER_POSTED_WRITES]);
}

void vp_get_registers(struct vp *vp, const uint32_t *names, struct hv_register_value *values,
                      uint16_t count)
{
    struct {
        struct hv_input_get_vp_registers header;
        uint32_t names[VP_REGISTERS];
    } input = {.header = {.vp_index = vp->index}};
    memcpy(input.names, names, count * sizeof(*names));
    int64_t result = system_vm_call(machine.handle, HVCALL_GET_VP_REGISTERS, count, &input,
                                    sizeof(input.header) + count * sizeof(*names), values,
                                    count * sizeof(*values));
    if (result < 0 || result & HV_HYPERCALL_STATUS_MASK)
        machine_fail("the registers of VP %u cannot be read: result %lx", vp->index, result);
}

void vp_set_registers(struct vp *vp, const struct hv_register_assoc *registers, uint16_t count)
{
    struct {
        struct hv_input_set_vp_registers header;
        struct hv_register_assoc registers[VP_REGISTERS];
    } input = {.header = {.vp_index = vp->index}};
    memcpy(input.registers, registers, count * sizeof(*registers));
    int64_t result = machine_call(HVCALL_SET_VP_REGISTERS, count, &input,
                                  sizeof(input.header) + count * sizeof(*registers));
    if (result != 0)
        machine_fail("the registers of VP %u cannot be set: result %lx", vp->index, result);
}

void vp_inject_exception(struct vp *vp, uint8_t vector, bool has_code, uint32_t code)
{
    uint64_t value = HV_PENDING_INTERRUPTION_VALID |
                     (uint64_t)HV_INTERRUPTION_EXCEPTION << HV_PENDING_INTERRUPTION_TYPE_SHIFT |
                     (uint64_t)vector << HV_PENDING_INTERRUPTION_VECTOR_SHIFT;
    if (has_code)
        value |= HV_PENDING_INTERRUPTION_ERROR_VALID | (uint64_t)code
                                                           << HV_PENDING_INTERRUPTION_ERROR_SHIFT;
    struct hv_register_assoc pending = {.name = HV_REGISTER_PENDING_INTERRUPTION, .value = {value}};
    vp_set_registers(vp, &pending, 1);
}

static void print_registers(struct vp *vp)
{
    static const uint32_t names[] = {HV_X64_REGISTER_CR0, HV_X64_REGISTER_CR2, HV_X64_REGISTER_CR3,
                                     HV_X64_REGISTER_CR4, HV_X64_REGISTER_EFER};
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    struct hv_register_value values[COUNT];
    const uint64_t *r = vp->registers->gpr;
    vp_get_registers(vp, names, values, COUNT);
    printf("  RIP %016lx  RFLAGS %08lx  RSP %016lx  RBP %016lx\n", vp->registers->rip,
           vp->registers->rflags, r[GPR_RSP], r[GPR_RBP]);
    printf("  RAX %016lx  RBX %016lx  RCX %016lx  RDX %016lx\n", r[GPR_RAX], r[GPR_RBX], r[GPR_RCX],
           r[GPR_RDX]);
    printf("  RSI %016lx  RDI %016lx  R8  %016lx  R9  %016lx\n", r[GPR_RSI], r[GPR_RDI], r[8],
           r[9]);
    printf("  R10 %016lx  R11 %016lx  R12 %016lx  R13 %016lx\n", r[10], r[11], r[12], r[13]);
    printf("  R14 %016lx  R15 %016lx  CR0 %08lx  CR2 %016lx\n", r[14], r[15], values[0].low,
           values[1].low);
    printf("  CR3 %016lx  CR4 %08lx  EFER %08lx\n", values[2].low, values[3].low, values[4].low);
}

/* What an intercept of memory is about. */
static void print_access(const struct vp *vp)
{
    static const char *const kinds[] = {"read", "write", "execution"};
    const struct hv_x64_memory_intercept_message *message = (const void *)vp->message->payload;
    uint8_t kind = message->header.access_type;
    if (vp->message->message_type != HV_MESSAGE_TYPE_UNMAPPED_GPA &&
        vp->message->message_type != HV_MESSAGE_TYPE_GPA_INTERCEPT)
        return;
    printf("  %s at %lx, guest physical %lx\n",
           kind <= HV_INTERCEPT_EXECUTE ? kinds[kind] : "access", message->guest_virtual_address,
           message->guest_physical_address);
}

static void describe(struct vp *vp, const char *why)
{
    printf("child: VP %u: %s (intercept %x)\n", vp->index, why, vp->message->message_type);
    print_access(vp);
    print_registers(vp);
}

_Noreturn void vp_crash(struct vp *vp, const char *why)
{
    describe(vp, why);
    system_exit(MACHINE_STATUS_FAILED);
}

static uint32_t serve_port(struct vp *vp)
{
    const struct hv_x64_io_port_intercept_message *message = (const void *)vp->message->payload;
    uint32_t access = message->access_info;
    uint32_t size = access & HV_IO_PORT_ACCESS_SIZE_MASK;
    if (__builtin_expect(access & HV_IO_PORT_ACCESS_STRING, 0))
        return vp_emulate(vp, &message->header, true, message->instruction_bytes,
                          message->instruction_byte_count);
    if (message->header.access_type == HV_INTERCEPT_WRITE) {
        io_write_port(vp, message->port_number, size, (uint32_t)message->rax);
        return VENEER_DISPATCH_SKIP_INSTRUCTION;
    }
    uint32_t value = io_read_port(vp, message->port_number, size);
    uint64_t *rax = &vp->registers->gpr[GPR_RAX];
    if (size == sizeof(uint32_t)) /* clears the upper half; the others leave all else */
        *rax = value;
    else if (size == sizeof(uint16_t))
        *(uint16_t *)rax = (uint16_t)value;
    else
        *(uint8_t *)rax = (uint8_t)value;
    return VENEER_DISPATCH_SKIP_INSTRUCTION;
}

static void end_interrupt(const struct hv_x64_apic_eoi_message *message)
{
    ioapic_eoi((uint8_t)message->interrupt_vector);
}

static void wait_until_ready(const struct vp *vp)
{
    if (serial_console_pending()) {
        lock_take(&machine.lock);
        serial_console_flush();
        lock_release(&machine.lock);
    }
    system_vp_wait(machine.handle, vp->index, vp->run->deadline_tsc, 0);
}

/* Of MSRs only the one by which a system tells of its crash comes here. */
static uint32_t serve_msr(struct vp *vp)
{
    const struct hv_x64_msr_intercept_message *message = (const void *)vp->message->payload;
    if (message->msr_number != HV_X64_MSR_CRASH_CTL)
        vp_crash(vp, "unexpected access to an MSR");
    guest_crash_report(vp, message->rdx << 32 | (uint32_t)message->rax);
    return VENEER_DISPATCH_SKIP_INSTRUCTION;
}

/* A PC's chipset answers a processor's shutdown by a reset, which is usual there. The enlightened
 * machine's systems do not mean it: the parent starts it anew, and is told. */
static void end_by_triple_fault(struct vp *vp)
{
    lock_take(&machine.lock);
    if (!machine.resets_by_triple_fault) {
        serial_console_flush();
        describe(vp, "triple fault");
        system_exit(CHILD_STATUS_TRIPLE_FAULT);
    }
    machine.host.reset(machine.host.machine);
    lock_release(&machine.lock);
}

/* Serves the intercept; flags for the next dispatch. */
static uint32_t serve(struct vp *vp)
{
    switch (vp->message->message_type) {
    case HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT:
        return serve_port(vp);
    case HV_MESSAGE_TYPE_UNMAPPED_GPA:
    case HV_MESSAGE_TYPE_GPA_INTERCEPT:
        return vp_mmio(vp, (const void *)vp->message->payload);
    case HV_MESSAGE_TYPE_X64_HALT:
        wait_until_ready(vp);
        return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    case HV_MESSAGE_TYPE_X64_APIC_EOI:
        end_interrupt((const void *)vp->message->payload);
        return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    case HV_MESSAGE_TYPE_X64_INTERRUPTION_DELIVERABLE:
        if (pc_reset_is_requested()) /* the notice has come instead of leaving the guest */
            pc_reset_take_part(vp);
        else
            pc_interrupt_deliver();
        return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    case HV_MESSAGE_TYPE_X64_MSR_INTERCEPT:
        return serve_msr(vp);
    case HV_MESSAGE_TYPE_UNRECOVERABLE_EXCEPTION:
        end_by_triple_fault(vp);
        return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    case HV_MESSAGE_TYPE_INVALID_VP_REGISTER_VALUE:
        vp_crash(vp, "state that no processor can be in");
    default:
        vp_crash(vp, "unexpected intercept");
    }
}

/* No intercept: the VP has blocked, or can go on. */
static void settle(struct vp *vp, uint64_t result)
{
    if (result & HV_HYPERCALL_STATUS_MASK)
        machine_fail("VP %u cannot be run: result %lx", vp->index, result);
    if (__builtin_expect(pc_reset_is_requested(), 0))
        pc_reset_take_part(vp);
    else if (state_of(result) == HV_VP_DISPATCH_STATE_BLOCKED)
        wait_until_ready(vp);
}

_Noreturn void vp_run(struct vp *vp)
{
    uint32_t flags = 0;
    for (;;) {
        uint64_t result = vp_dispatch(machine.partition_id, vp->index, flags);
        drain_posted(vp);
        flags = 0;
        if (__builtin_expect(result == INTERCEPTED, 1))
            flags = serve(vp);
        else
            settle(vp, result);
        /* A guest that polls its drive would keep the drive's thread from this CPU. */
        if (__builtin_expect(__atomic_load_n(&machine.disk_requests, __ATOMIC_RELAXED) != 0, 0))
            system_yield();
    }
}
