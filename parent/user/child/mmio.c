/* Registers in memory: the 32-bit MOVs of 64-bit code by which drivers reach them. Where they are,
 * the hypervisor says; the instruction is read for the register or constant, and for its length. It
 * may be another one by then, if the child changes its code. */
#include "lib/x86/cpu.h"
#include "parent/user/child/child.h"
#include "parent/user/system.h"

#define REX_FIRST 0x40u
#define REX_LAST 0x4fu
#define REX_W (1u << 3)
#define REX_R (1u << 2)
#define OPCODE_STORE 0x89u     /* MOV r/m32, r32 */
#define OPCODE_LOAD 0x8bu      /* MOV r32, r/m32 */
#define OPCODE_STORE_IMM 0xc7u /* MOV r/m32, imm32 */

/* hv_x64_intercept_message_header.instruction_length_cr8. */
#define INSTRUCTION_LENGTH_MASK 0xfu

/* hv_x64_segment_register.attributes of code. */
#define SEGMENT_64_BIT (1u << 13)
#define VECTOR_INVALID_OPCODE 6ull

struct mov {
    bool store, constant;
    uint32_t reg;   /* number */
    uint32_t value; /* of the constant */
    uint32_t length;
};

/* Bytes of ModRM, SIB and displacement at @bytes, in 64-bit mode (Intel SDM vol. 2, 2.1.5); 0: the
 * operand is a register. */
static uint32_t operand_length(const uint8_t *bytes)
{
    uint32_t mod = bytes[0] >> 6;
    uint32_t rm = bytes[0] & 7;
    bool has_sib = rm == 4;
    uint32_t length = has_sib ? 2 : 1;
    if (mod == 3)
        return 0;
    if (mod == 1)
        return length + 1;
    if (mod == 2)
        return length + 4;
    bool no_base = has_sib ? (bytes[1] & 7) == 5 : rm == 5;
    return no_base ? length + 4 : length;
}

/* Decodes @bytes, of which there are HV_INTERCEPT_INSTRUCTION_BYTES. */
static bool decode(const uint8_t *bytes, struct mov *mov)
{
    uint32_t rex = 0, at = 0;
    if (bytes[0] >= REX_FIRST && bytes[0] <= REX_LAST)
        rex = bytes[at++];
    uint8_t opcode = bytes[at++];
    if (rex & REX_W ||
        (opcode != OPCODE_STORE && opcode != OPCODE_LOAD && opcode != OPCODE_STORE_IMM))
        return false;
    uint32_t length = operand_length(bytes + at);
    if (length == 0)
        return false;
    *mov = (struct mov){.store = opcode != OPCODE_LOAD,
                        .constant = opcode == OPCODE_STORE_IMM,
                        .reg = (bytes[at] >> 3 & 7) + (rex & REX_R ? 8 : 0),
                        .length = at + length};
    if (mov->constant) {
        const uint8_t *c = bytes + mov->length;
        mov->value = c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24;
        mov->length += sizeof(uint32_t);
    }
    return true;
}

/* The instruction's bytes, and zeros behind them: from the message, or the child's memory, if the
 * processor gave none. */
static const uint8_t *find_bytes(struct child_vp *vp,
                                 const struct hv_x64_memory_intercept_message *message,
                                 uint8_t *buffer)
{
    uint64_t address = message->header.cs.base + message->header.rip;
    if (message->instruction_byte_count > 0)
        return message->instruction_bytes;
    /* It may end in front of a page that is not there. */
    size_t part = PAGE_SIZE - address % PAGE_SIZE;
    if (part > HV_INTERCEPT_INSTRUCTION_BYTES)
        part = HV_INTERCEPT_INSTRUCTION_BYTES;
    if (child_read(vp, address, buffer, part))
        child_read(vp, address + part, buffer + part, HV_INTERCEPT_INSTRUCTION_BYTES - part);
    return buffer;
}

/* An instruction that has no meaning here is an invalid one. */
static uint32_t refuse(struct child_vp *vp)
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
    int64_t result =
        system_vm_call(child.vm, HVCALL_SET_VP_REGISTERS, 1, &input, sizeof(input), NULL, 0);
    if (result < 0 || result & HV_HYPERCALL_STATUS_MASK)
        child_crash(vp, "instruction that cannot be emulated");
    return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
}

uint32_t child_mmio(struct child_vp *vp, const struct hv_x64_memory_intercept_message *message)
{
    uint8_t buffer[HV_INTERCEPT_INSTRUCTION_BYTES] = {0};
    struct mov mov;
    uint64_t *gpr = vp->registers->gpr;
    uint64_t address = message->guest_physical_address;
    if (address < CHILD_MMIO_BASE || address >= CHILD_MMIO_BASE + PAGE_SIZE)
        child_crash(vp, "access to memory that is not there");
    if (!(message->header.cs.attributes & SEGMENT_64_BIT) ||
        !decode(find_bytes(vp, message, buffer), &mov))
        return refuse(vp);
    if (mov.store) {
        child_mmio_write(vp, address, mov.constant ? mov.value : (uint32_t)gpr[mov.reg]);
    } else {
        gpr[mov.reg] = child_mmio_read(vp, address);
        if (mov.reg == GPR_RSP)
            vp->registers->dirty |= HV_VP_REGISTER_PAGE_DIRTY_GENERAL;
    }
    if (message->header.instruction_length_cr8 & INSTRUCTION_LENGTH_MASK)
        return VENEER_DISPATCH_SKIP_INSTRUCTION;
    vp->registers->rip = message->header.rip + mov.length;
    vp->registers->dirty |= HV_VP_REGISTER_PAGE_DIRTY_RIP;
    return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
}
