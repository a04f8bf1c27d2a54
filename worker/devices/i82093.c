#include "worker/devices/i82093.h"

/* 82093AA data sheet, 3.1 and 3.2. */
#define REGISTERS_SIZE 0x1000ull
#define IOREGSEL 0x00
#define IOWIN 0x10
#define EOIR 0x40 /* of later versions: a vector */

#define IOAPICID 0x00
#define IOAPICVER 0x01
#define IOAPICARB 0x02
#define IOREDTBL 0x10 /* two registers for each input */

#define ID_SHIFT 24
#define ID_MASK 0x0f
#define VERSION (0x20u | (I82093_INPUTS - 1) << 16)

#define VECTOR_MASK 0xffull
#define DELIVERY_STATUS (1ull << 12)
#define REMOTE_IRR (1ull << 14)
#define LEVEL (1ull << 15)
#define MASKED (1ull << 16)
#define READ_ONLY (DELIVERY_STATUS | REMOTE_IRR)
#define WRITABLE 0xff0000000001afffull

void i82093_reset(struct i82093 *ioapic)
{
    ioapic->state.select = ioapic->state.id = 0;
    for (unsigned i = 0; i < I82093_INPUTS; i++)
        ioapic->state.redirection[i] = MASKED;
}

/* Sends input @i's interrupt if it is due: a level-triggered one as long as the line is asserted
 * and nobody serves it. Devices' lines are active high here, whatever polarity was set. */
static void deliver_level(struct i82093 *ioapic, unsigned i)
{
    uint64_t *entry = &ioapic->state.redirection[i];
    if (!(ioapic->state.lines >> i & 1) || !(*entry & LEVEL) || *entry & (MASKED | REMOTE_IRR))
        return;
    *entry |= REMOTE_IRR;
    ioapic->deliver(ioapic->context, *entry);
}

void i82093_set_input(void *device, uint32_t input, bool asserted)
{
    struct i82093 *ioapic = device;
    struct i82093_state *state = &ioapic->state;
    bool rises = asserted && !(state->lines >> input & 1);
    state->lines = (state->lines & ~(1u << input)) | (uint32_t)asserted << input;
    if (state->redirection[input] & LEVEL)
        deliver_level(ioapic, input);
    else if (rises && !(state->redirection[input] & MASKED))
        ioapic->deliver(ioapic->context, state->redirection[input]);
}

void i82093_eoi(struct i82093 *ioapic, uint8_t vector)
{
    for (unsigned i = 0; i < I82093_INPUTS; i++) {
        uint64_t *entry = &ioapic->state.redirection[i];
        if (!(*entry & REMOTE_IRR) || (*entry & VECTOR_MASK) != vector)
            continue;
        *entry &= ~REMOTE_IRR;
        deliver_level(ioapic, i);
    }
}

static uint32_t read_window(const struct i82093_state *state)
{
    unsigned number = state->select - IOREDTBL;
    if (state->select == IOAPICID || state->select == IOAPICARB)
        return (uint32_t)state->id << ID_SHIFT;
    if (state->select == IOAPICVER)
        return VERSION;
    if (state->select < IOREDTBL || number / 2 >= I82093_INPUTS)
        return 0;
    return (uint32_t)(state->redirection[number / 2] >> (number % 2 ? 32 : 0));
}

static void write_window(struct i82093 *ioapic, uint32_t value)
{
    struct i82093_state *state = &ioapic->state;
    unsigned number = state->select - IOREDTBL, shift = number % 2 ? 32 : 0;
    if (state->select == IOAPICID)
        state->id = value >> ID_SHIFT & ID_MASK;
    if (state->select < IOREDTBL || number / 2 >= I82093_INPUTS)
        return;
    uint64_t *entry = &state->redirection[number / 2];
    uint64_t new = (*entry & ~(0xffffffffull << shift)) | (uint64_t)value << shift;
    *entry = (new &WRITABLE) | (*entry & READ_ONLY);
    if (!(*entry & LEVEL)) /* nothing of an edge stays */
        *entry &= ~REMOTE_IRR;
    deliver_level(ioapic, number / 2);
}

static uint64_t read_register(void *device, uint64_t offset, uint32_t size)
{
    const struct i82093 *ioapic = device;
    (void)size;
    if (offset == IOREGSEL)
        return ioapic->state.select;
    return offset == IOWIN ? read_window(&ioapic->state) : 0;
}

static void write_register(void *device, uint64_t offset, uint32_t size, uint64_t value)
{
    struct i82093 *ioapic = device;
    (void)size;
    if (offset == IOREGSEL)
        ioapic->state.select = (uint8_t)value;
    else if (offset == IOWIN)
        write_window(ioapic, (uint32_t)value);
    else if (offset == EOIR)
        i82093_eoi(ioapic, (uint8_t)value);
}

void i82093_init(struct i82093 *ioapic, void (*deliver)(void *context, uint64_t redirection),
                 void *context)
{
    *ioapic = (struct i82093){.mmio = {.first = I82093_ADDRESS,
                                       .size = REGISTERS_SIZE,
                                       .read = read_register,
                                       .write = write_register,
                                       .device = ioapic},
                              .deliver = deliver,
                              .context = context};
    i82093_reset(ioapic);
}
