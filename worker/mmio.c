/* Registers in memory: the 32-bit MOVs of 64-bit code by which drivers reach them. The hypervisor
 * says where they are, and what the instruction does. */
#include "lib/x86/cpu.h"
#include "worker/io.h"
#include "worker/vp.h"

/* hv_x64_segment_register.attributes of code. */
#define SEGMENT_64_BIT (1u << 13)
#define VECTOR_INVALID_OPCODE 6ull

/* An instruction that has no meaning here is an invalid one. */
__attribute__((noinline)) static uint32_t refuse(struct vp *vp)
{
    struct {
        struct hv_input_set_vp_registers header;
        struct hv_register_assoc pending;
    } input = {
        .header = {.vp_index = vp->index},
        .pending = {.name = HV_REGISTER_PENDING_INTERRUPTION,
                    .value = {HV_PENDING_INTERRUPTION_VALID |
                              (uint64_t)HV_INTERRUPTION_EXCEPTION
                                  << HV_PENDING_INTERRUPTION_TYPE_SHIFT |
                              VECTOR_INVALID_OPCODE << HV_PENDING_INTERRUPTION_VECTOR_SHIFT}},
    };
    if (machine_call(HVCALL_SET_VP_REGISTERS, 1, &input, sizeof(input)) != 0)
        vp_crash(vp, "instruction that cannot be emulated");
    return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
}

uint32_t vp_mmio(struct vp *vp, const struct hv_x64_memory_intercept_message *message)
{
    struct hv_veneer_mov mov = message->mov;
    uint64_t *gpr = vp->registers->gpr;
    uint64_t address = message->guest_physical_address;
    if (!(message->header.cs.attributes & SEGMENT_64_BIT) || mov.flags == 0 ||
        mov.size != sizeof(uint32_t))
        return refuse(vp);
    if (mov.flags & HV_VENEER_MOV_STORE) {
        bool immediate = mov.flags & HV_VENEER_MOV_IMMEDIATE;
        io_write_memory(vp, address, sizeof(uint32_t),
                        immediate ? mov.value : (uint32_t)gpr[mov.gpr]);
    } else {
        gpr[mov.gpr] = (uint32_t)io_read_memory(vp, address, sizeof(uint32_t));
        if (mov.gpr == GPR_RSP)
            vp->registers->dirty |= HV_VP_REGISTER_PAGE_DIRTY_GENERAL;
    }
    return VENEER_DISPATCH_SKIP_INSTRUCTION;
}
