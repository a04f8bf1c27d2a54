/* Accesses to memory that is not there. Of a MOV the hypervisor says what it does; all else is
 * emulated. */
#include "lib/x86/cpu.h"
#include "worker/guest_memory.h"
#include "worker/io.h"
#include "worker/vp.h"

#define VECTOR_INVALID_OPCODE 6u

/* Writes @value to the part of a register that a load of @mov changes. */
static void set_register(struct vp *vp, struct hv_veneer_mov mov, uint64_t value)
{
    uint64_t *reg = &vp->registers->gpr[mov.gpr];
    if (mov.size < sizeof(uint64_t)) /* MOVZX */
        value &= (1ull << 8 * mov.size) - 1;
    if (mov.flags & HV_VENEER_MOV_HIGH_BYTE)
        *reg = (*reg & ~0xff00ull) | value << 8;
    else if (mov.register_size == sizeof(uint8_t))
        *(uint8_t *)reg = (uint8_t)value;
    else if (mov.register_size == sizeof(uint16_t))
        *(uint16_t *)reg = (uint16_t)value;
    else
        *reg = value;
    if (mov.gpr == GPR_RSP)
        vp->registers->dirty |= HV_VP_REGISTER_PAGE_DIRTY_GENERAL;
}

static uint64_t value_of(const struct vp *vp, struct hv_veneer_mov mov)
{
    if (mov.flags & HV_VENEER_MOV_IMMEDIATE)
        return (uint64_t)(int32_t)mov.value;
    uint64_t value = vp->registers->gpr[mov.gpr];
    return mov.flags & HV_VENEER_MOV_HIGH_BYTE ? value >> 8 : value;
}

/* Nothing is there to be executed: the bus reads as ones, which are no instruction; unless another
 * VP has mapped memory meanwhile. */
static uint32_t execute(struct vp *vp, uint64_t address)
{
    lock_take(&machine.lock);
    bool is_there = guest_memory_to_read(address, 1) != NULL;
    lock_release(&machine.lock);
    if (!is_there)
        vp_inject_exception(vp, VECTOR_INVALID_OPCODE, false, 0);
    return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
}

uint32_t vp_mmio(struct vp *vp, const struct hv_x64_memory_intercept_message *message)
{
    struct hv_veneer_mov mov = message->mov;
    uint64_t address = message->guest_physical_address;
    if (message->header.access_type == HV_INTERCEPT_EXECUTE)
        return execute(vp, address);
    if (mov.flags == 0)
        return vp_emulate(vp, &message->header, true, message->instruction_bytes,
                          message->instruction_byte_count);
    if (address % mov.size != 0) /* may be in two pages, or registers */
        return vp_emulate(vp, &message->header, false, message->instruction_bytes,
                          message->instruction_byte_count);
    if (mov.flags & HV_VENEER_MOV_STORE)
        io_write_memory(vp, address, mov.size, value_of(vp, mov));
    else
        set_register(vp, mov, io_read_memory(vp, address, mov.size));
    return VENEER_DISPATCH_SKIP_INSTRUCTION;
}
