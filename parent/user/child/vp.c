/* A thread per VP: runs it, and serves what it needs. What a port access costs is measured, so from
 * the dispatch to the device there is nothing else. */
#include "parent/user/dispatch.h"
#include "parent/user/child/child.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

/* Offsets in veneer_vp_run.mirrored. */
#define MIRRORED_VALUE 0

static uint32_t state_of(uint64_t result)
{
    return result >> VENEER_DISPATCH_STATE_SHIFT & 0xff;
}

/* The result of a dispatch that ended with an intercept. */
#define INTERCEPTED                                                                                \
    ((uint64_t)HV_VP_DISPATCH_STATE_READY << VENEER_DISPATCH_STATE_SHIFT |                         \
     (uint64_t)HV_VP_DISPATCH_EVENT_INTERCEPT << VENEER_DISPATCH_EVENT_SHIFT)

static void declare(const struct child_vp *vp, enum veneer_register_kind kind, uint64_t address,
                    uint8_t flags)
{
    struct hv_input_veneer_set_vp_register_rule rule = {
        .vp_index = vp->index,
        .kind = kind,
        .size = sizeof(uint32_t),
        .flags = flags,
        .mirror_offset = MIRRORED_VALUE,
        .address = address,
    };
    int64_t result = system_vm_call(child.vm, HVCALL_VENEER_SET_VP_REGISTER_RULE, 0, &rule,
                                    sizeof(rule), NULL, 0);
    if (result != 0)
        child_fail("the rule for the register at %lx is refused: result %lx", address, result);
}

void child_declare_registers(const struct child_vp *vp)
{
    *(uint32_t *)&vp->run->mirrored[MIRRORED_VALUE] = CHILD_MIRRORED_VALUE + vp->index;
    declare(vp, VENEER_REGISTER_PORT, CHILD_PORT_POSTED, VENEER_RULE_POSTED_WRITES);
    declare(vp, VENEER_REGISTER_PORT, CHILD_PORT_MIRRORED, VENEER_RULE_MIRRORED_READS);
    declare(vp, VENEER_REGISTER_MMIO, CHILD_MMIO_BASE + CHILD_MMIO_POSTED,
            VENEER_RULE_POSTED_WRITES);
    declare(vp, VENEER_REGISTER_MMIO, CHILD_MMIO_BASE + CHILD_MMIO_MIRRORED,
            VENEER_RULE_MIRRORED_READS);
}

static void drain_posted(struct veneer_vp_run *run)
{
    while (run->posted_tail != run->posted_head)
        child_posted_write(&run->posted[run->posted_tail++ % VENEER_POSTED_WRITES]);
}

static void print_registers(const struct child_vp *vp)
{
    static const uint32_t names[] = {HV_X64_REGISTER_CR0, HV_X64_REGISTER_CR2, HV_X64_REGISTER_CR3,
                                     HV_X64_REGISTER_CR4, HV_X64_REGISTER_EFER};
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    struct {
        struct hv_input_get_vp_registers header;
        uint32_t names[COUNT];
    } input = {.header = {.vp_index = vp->index}};
    struct hv_register_value values[COUNT] = {0};
    const uint64_t *r = vp->registers->gpr;
    for (int i = 0; i < COUNT; i++)
        input.names[i] = names[i];
    system_vm_call(child.vm, HVCALL_GET_VP_REGISTERS, COUNT, &input,
                   sizeof(input.header) + sizeof(input.names), values, sizeof(values));
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
static void print_access(const struct child_vp *vp)
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

_Noreturn void child_crash(struct child_vp *vp, const char *why)
{
    printf("child: VP %u: %s (intercept %x)\n", vp->index, why, vp->message->message_type);
    print_access(vp);
    print_registers(vp);
    system_exit(1);
}

static uint32_t serve_port(struct child_vp *vp)
{
    const struct hv_x64_io_port_intercept_message *message = (const void *)vp->message->payload;
    uint32_t access = message->access_info;
    uint32_t size = access & HV_IO_PORT_ACCESS_SIZE_MASK;
    if (__builtin_expect(access & HV_IO_PORT_ACCESS_STRING, 0))
        return child_string_io(vp, message);
    if (message->header.access_type == HV_INTERCEPT_WRITE) {
        child_port_write(vp, message->port_number, size, (uint32_t)message->rax);
        return VENEER_DISPATCH_SKIP_INSTRUCTION;
    }
    uint32_t value = child_port_read(vp, message->port_number, size);
    uint64_t *rax = &vp->registers->gpr[GPR_RAX];
    if (size == sizeof(uint32_t)) /* clears the upper half; the others leave all else */
        *rax = value;
    else if (size == sizeof(uint16_t))
        *(uint16_t *)rax = (uint16_t)value;
    else
        *(uint8_t *)rax = (uint8_t)value;
    return VENEER_DISPATCH_SKIP_INSTRUCTION;
}

static void wait_until_ready(const struct child_vp *vp)
{
    system_vp_wait(child.vm, vp->index, vp->run->deadline_tsc, 0);
}

/* Serves the intercept; flags for the next dispatch. */
static uint32_t serve(struct child_vp *vp)
{
    switch (vp->message->message_type) {
    case HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT:
        return serve_port(vp);
    case HV_MESSAGE_TYPE_UNMAPPED_GPA:
    case HV_MESSAGE_TYPE_GPA_INTERCEPT:
        return child_mmio(vp, (const void *)vp->message->payload);
    case HV_MESSAGE_TYPE_X64_HALT:
        wait_until_ready(vp);
        return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    case HV_MESSAGE_TYPE_X64_APIC_EOI: /* nothing that we assert waits for it */
        return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    case HV_MESSAGE_TYPE_UNRECOVERABLE_EXCEPTION:
        child_crash(vp, "triple fault");
    case HV_MESSAGE_TYPE_INVALID_VP_REGISTER_VALUE:
        child_crash(vp, "state that no processor can be in");
    default:
        child_crash(vp, "unexpected intercept");
    }
}

/* No intercept: the VP has blocked, or can go on. */
static void settle(struct child_vp *vp, uint64_t result)
{
    if (result & HV_HYPERCALL_STATUS_MASK)
        child_fail("VP %u cannot be run: result %lx", vp->index, result);
    if (state_of(result) == HV_VP_DISPATCH_STATE_BLOCKED)
        wait_until_ready(vp);
}

_Noreturn void child_run(struct child_vp *vp)
{
    uint32_t flags = 0;
    for (;;) {
        uint64_t result = vp_dispatch(child.partition_id, vp->index, flags);
        drain_posted(vp->run);
        flags = 0;
        if (__builtin_expect(result == INTERCEPTED, 1))
            flags = serve(vp);
        else
            settle(vp, result);
    }
}
