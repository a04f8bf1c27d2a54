/* INS and OUTS, all repetitions of an instruction at once, or as many as fit. */
#include "worker/io.h"
#include "worker/vp.h"

#define MAX_AT_ONCE 256u /* elements, of at most 4 bytes */

static void put(uint8_t *bytes, uint32_t size, uint32_t value)
{
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get(const uint8_t *bytes, uint32_t size)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < size; i++)
        value |= (uint32_t)bytes[i] << 8 * i;
    return value;
}

/* Adds @change to the part of a register that addresses of @size bytes use. */
static void advance(uint64_t *reg, uint32_t size, uint64_t change)
{
    uint64_t value = *reg + change;
    if (size == sizeof(uint64_t))
        *reg = value;
    else if (size == sizeof(uint32_t))
        *reg = (uint32_t)value;
    else
        *(uint16_t *)reg = (uint16_t)value;
}

/* Moves @count elements, whose lowest is at linear @low, in the order of the instruction. False:
 * the memory is not there. */
static bool move(struct vp *vp, const struct hv_x64_io_port_intercept_message *message,
                 uint64_t low, uint32_t count)
{
    uint8_t bytes[MAX_AT_ONCE * sizeof(uint32_t)];
    uint32_t size = message->access_info & HV_IO_PORT_ACCESS_SIZE_MASK;
    bool down = message->access_info & HV_IO_PORT_ACCESS_DOWN;
    bool out = message->header.access_type == HV_INTERCEPT_WRITE;
    if (out && !linear_read(vp, low, bytes, count * size))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *element = bytes + (down ? count - 1 - i : i) * size;
        if (out)
            io_write_port(vp, message->port_number, size, get(element, size));
        else
            put(element, size, io_read_port(vp, message->port_number, size));
    }
    return out || linear_write(vp, low, bytes, count * size);
}

uint32_t vp_string_io(struct vp *vp, const struct hv_x64_io_port_intercept_message *message)
{
    uint32_t size = message->access_info & HV_IO_PORT_ACCESS_SIZE_MASK;
    bool repeated = message->access_info & HV_IO_PORT_ACCESS_REP;
    bool down = message->access_info & HV_IO_PORT_ACCESS_DOWN;
    bool out = message->header.access_type == HV_INTERCEPT_WRITE;
    uint64_t *gpr = vp->registers->gpr;
    uint64_t total = repeated ? message->rcx : 1;
    uint32_t count = total < MAX_AT_ONCE ? (uint32_t)total : MAX_AT_ONCE;
    uint64_t length = (uint64_t)count * size;
    if (size == 0 || size > sizeof(uint32_t))
        vp_crash(vp, "string access of a size that there is not");
    if (count > 0) {
        uint64_t low = down ? message->address - length + size : message->address;
        if (!move(vp, message, low, count))
            vp_crash(vp, "string access to memory that is not there");
        advance(&gpr[out ? GPR_RSI : GPR_RDI], message->address_size, down ? -length : length);
        if (repeated)
            advance(&gpr[GPR_RCX], message->address_size, -(uint64_t)count);
    }
    if (count < total) /* the instruction again, for the rest */
        return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    return VENEER_DISPATCH_SKIP_INSTRUCTION;
}
