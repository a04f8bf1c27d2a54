/* Exits of children that are handled in place, or go to the parent. */
#include "hypervisor/atomic.h"
#include "hypervisor/dispatch.h"
#include "hypervisor/exit.h"
#include "hypervisor/guest_code.h"
#include "hypervisor/hw.h"
#include "lib/instruction.h"
#include "hypervisor/intercept.h"
#include "hypervisor/register_rule.h"

/* Writes @value to the low @size bytes of a general register, as the instructions do: 4 bytes clear
 * the upper half. */
static void set_gpr(struct vp *vp, unsigned gpr, unsigned size, bool high_byte, uint64_t value)
{
    uint64_t old = gpr == GPR_RSP ? hw->get_rsp(vp) : vp->gpr[gpr], result = value;

    if (size == 1)
        result = high_byte ? (old & ~0xff00ull) | (value & 0xff) << 8
                           : (old & ~0xffull) | (value & 0xff);
    else if (size == 2)
        result = (old & ~0xffffull) | (value & 0xffff);
    else if (size == 4)
        result = (uint32_t)value;
    if (gpr == GPR_RSP)
        hw->set_rsp(vp, result);
    else
        vp->gpr[gpr] = result;
}

static uint64_t get_gpr(const struct vp *vp, const struct mov_instruction *mov)
{
    uint64_t value = mov->gpr == GPR_RSP ? hw->get_rsp(vp) : vp->gpr[mov->gpr];

    return mov->high_byte ? value >> 8 : value;
}

static inline bool apply_rule(struct vp *vp, const struct register_rule *rule, bool in)
{
    uint32_t value;

    if (!in)
        return register_rule_post(vp, rule, (uint32_t)vp->gpr[GPR_RAX]);
    if (!register_rule_mirror(vp, rule, &value))
        return false;
    if (rule->size == 4)
        vp->gpr[GPR_RAX] = value;
    else
        set_gpr(vp, GPR_RAX, rule->size, false, value);
    return true;
}

/* Not in intercept.c, and its parts in this order, since nothing is left to do behind the call. */
static inline void intercept_port(struct vp *vp, uint16_t port, uint8_t size, bool in,
                                  uint8_t length)
{
    struct hv_x64_io_port_intercept_message *message =
        intercept_begin(vp, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, sizeof(*message), length,
                        in ? HV_INTERCEPT_READ : HV_INTERCEPT_WRITE);

    message->port_number = port;
    message->access_info = size;
    message->instruction_byte_count = 0;
    message->rax = vp->gpr[GPR_RAX];
    hw->show_header(vp, &message->header);
}

/* An access for which there is a rule. */
__attribute__((noinline)) static enum exit_action
exit_port_with_rule(struct vp *vp, uint16_t port, uint8_t size, bool in, uint8_t length)
{
    const struct register_rule *rule = register_rule_first(vp, VENEER_REGISTER_PORT, port);

    if (rule->address != port || rule->size != size || rule->kind != VENEER_REGISTER_PORT)
        rule = register_rule_find(vp, VENEER_REGISTER_PORT, port, size);
    if (rule != NULL && apply_rule(vp, rule, in))
        return EXIT_SKIP;
    intercept_port(vp, port, size, in, length);
    return EXIT_RETRY;
}

enum exit_action exit_port(struct vp *vp, uint16_t port, uint8_t size, bool in, uint8_t length)
{
    EXIT_COUNT(vp, port);
    if (register_rule_first(vp, VENEER_REGISTER_PORT, port)->flags != 0)
        return exit_port_with_rule(vp, port, size, in, length);
    intercept_port(vp, port, size, in, length);
    return EXIT_RETRY;
}

enum exit_action exit_string_io(struct vp *vp, const struct exit_string_io *io)
{
    EXIT_COUNT(vp, port);
    return intercept_string_io(vp, io);
}

static uint32_t value_to_store(const struct vp *vp, const struct mov_instruction *mov)
{
    return mov->immediate ? mov->value : (uint32_t)get_gpr(vp, mov);
}

/* A load ends with its register, which may be wider than what was read (MOVZX). */
static enum exit_action finish_load(struct vp *vp, const struct mov_instruction *mov,
                                    uint64_t value)
{
    set_gpr(vp, mov->gpr, mov->register_size, mov->high_byte, value);
    hw->skip_instruction(vp, mov->length);
    return EXIT_RETRY;
}

/* The xAPIC page: aligned 32-bit MOVs. False: the parent is asked. */
__attribute__((noinline)) static bool access_lapic(struct vp *vp, const struct exit_memory *access,
                                                   enum exit_action *action)
{
    uint32_t offset = access->address.value & (PAGE_SIZE - 1);

    if (access->execute || offset % 4 != 0)
        return false;
    const struct mov_instruction *mov = &guest_code_fetch_mov(vp)->mov;
    if (mov->length == 0 || mov->size != 4)
        return false;
    *action = EXIT_RETRY;
    if (mov->store) {
        uint32_t value = value_to_store(vp, mov);
        hw->skip_instruction(vp, mov->length);
        lapic_write_page(vp, offset, value);
    } else {
        *action = finish_load(vp, mov, lapic_read_page(vp, offset));
    }
    return true;
}

__attribute__((noinline)) static bool access_rule(struct vp *vp, const struct exit_memory *access,
                                                  enum exit_action *action)
{
    const struct register_rule *rule =
        register_rule_find(vp, VENEER_REGISTER_MMIO, access->address.value, 0);
    uint32_t value;

    if (rule == NULL || access->execute)
        return false;
    const struct mov_instruction *mov = &guest_code_fetch_mov(vp)->mov;
    if (mov->length == 0 || mov->size != rule->size)
        return false;
    *action = EXIT_RETRY;
    if (mov->store) {
        if (!register_rule_post(vp, rule, value_to_store(vp, mov)))
            return false;
        hw->skip_instruction(vp, mov->length);
        return true;
    }
    if (!register_rule_mirror(vp, rule, &value))
        return false;
    *action = finish_load(vp, mov, value);
    return true;
}

/* Looks whether another VP, or the parent, has mapped the page meanwhile. */
__attribute__((noinline)) static enum exit_action
look_again(struct vp *vp, const struct exit_memory *access, uint64_t map_count)
{
    struct partition *partition = vp->partition;
    struct page_table_walk walk = page_table_lookup(&partition->nested, access->address.value);

    if (walk.present && !access->write && !access->execute)
        return EXIT_RETRY;
    if (walk.present && partition_allows(partition, walk.entry, access->write, access->execute))
        return EXIT_RETRY;
    if (walk.entry == 0) {
        vp->missing_page = access->address.value & PAGE_MASK;
        vp->missing_count = map_count;
    }
    return intercept_memory(vp, access, walk.entry != 0);
}

enum exit_action exit_child_nested_fault(struct vp *vp, const struct exit_memory *access)
{
    uint64_t page = access->address.value & PAGE_MASK;
    enum exit_action action;

    EXIT_COUNT(vp, memory);
    if (page == LAPIC_BASE_ADDRESS && lapic_has_page(vp) && access_lapic(vp, access, &action))
        return action;
    if (register_rule_first(vp, VENEER_REGISTER_MMIO, access->address.value)->flags != 0 &&
        access_rule(vp, access, &action))
        return action;
    uint64_t map_count = __atomic_load_n(&vp->partition->nested.map_count, __ATOMIC_SEQ_CST);
    if (vp->missing_page != page || vp->missing_count != map_count)
        return look_again(vp, access, map_count);
    return intercept_memory(vp, access, false);
}

enum exit_action exit_hlt(struct vp *vp)
{
    EXIT_COUNT(vp, halt);
    vp->activity = VP_HALTED;
    vp_attention(vp, VP_ATTENTION_INTERRUPT);
    return EXIT_SKIP;
}

enum exit_action exit_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error,
                                uint64_t parameter)
{
    exit_count_other(vp);
    return intercept_exception(vp, vector, has_error, error, parameter);
}

enum exit_action exit_physical_interrupt(struct vp *vp)
{
    EXIT_COUNT(vp, interrupt);
    vp->leave = VP_LEAVE_INTERRUPT;
    return EXIT_RETRY;
}

enum exit_action exit_interrupt_window(struct vp *vp)
{
    EXIT_COUNT(vp, interrupt_window);
    vp_attention(vp, VP_ATTENTION_INTERRUPT);
    return EXIT_RETRY;
}

enum exit_action exit_write_cr8(struct vp *vp, uint64_t value)
{
    exit_count_other(vp);
    return lapic_write_cr8(vp, value) ? EXIT_SKIP : EXIT_GP;
}

enum exit_action exit_read_cr8(struct vp *vp, unsigned gpr)
{
    exit_count_other(vp);
    set_gpr(vp, gpr, 8, false, lapic_read_cr8(vp));
    return EXIT_SKIP;
}

enum exit_action exit_debug_register(struct vp *vp)
{
    exit_count_other(vp);
    vp_use_extra_state(vp, VP_EXTRA_DEBUG_REGISTERS);
    return EXIT_RETRY;
}
