/* Video memory as the guest reaches it: A0000h to BFFFFh through the planes or mapped, and all of
 * it behind the base address register. */
#include "worker/devices/vga_registers.h"

#define LOW_FIRST 0xa0000u
#define LOW_SIZE 0x20000u
#define BANK_SIZE 0x10000u
#define TEXT_SIZE 0x8000u
#define PAGE 4096

/* From here on are I/O APIC, local APIC and firmware, over which no memory is mapped. */
#define CHIPSET_FIRST 0xfec00000u

#define PLANES_ALL 0x0f
#define PLANES_TEXT 0x03

/* --- Mapping -------------------------------------------------------------------------------------
 */

/* What is written is stored, and what is stored is read. */
static bool is_plain(const struct vga_state *state)
{
    const uint8_t *graphics = state->graphics;

    return !(graphics[GC_MODE] & (GC_MODE_WRITE | GC_MODE_READ_COMPARE)) &&
           graphics[GC_ENABLE_SET_RESET] == 0 && graphics[GC_ROTATE] == 0 &&
           graphics[GC_BIT_MASK] == 0xff;
}

static bool is_plain_chain_4(const struct vga_state *state)
{
    return is_plain(state) && state->sequencer[SEQ_MEMORY] & SEQ_MEMORY_CHAIN_4 &&
           state->sequencer[SEQ_MAP_MASK] == PLANES_ALL &&
           GC_MISC_MAP(state->graphics[GC_MISC]) == 1;
}

static bool is_plain_text(const struct vga_state *state)
{
    return is_plain(state) &&
           !(state->sequencer[SEQ_MEMORY] & (SEQ_MEMORY_CHAIN_4 | SEQ_MEMORY_NO_ODD_EVEN)) &&
           state->sequencer[SEQ_MAP_MASK] == PLANES_TEXT &&
           state->graphics[GC_MODE] & GC_MODE_ODD_EVEN && !(state->graphics[GC_READ_MAP] & 2) &&
           GC_MISC_MAP(state->graphics[GC_MISC]) >= 2;
}

/* Where the guest's low window can be memory. */
static struct vga_window wanted_low(const struct vga_state *state)
{
    if (!(state->misc & MISC_RAM_ENABLE))
        return (struct vga_window){0};
    if (vga_is_linear(state))
        return (struct vga_window){LOW_FIRST, state->dispi[DISPI_BANK] * BANK_SIZE, BANK_SIZE};
    if (is_plain_chain_4(state))
        return (struct vga_window){LOW_FIRST, 0, BANK_SIZE};
    if (is_plain_text(state)) {
        bool colour = GC_MISC_MAP(state->graphics[GC_MISC]) == 3;

        return (struct vga_window){LOW_FIRST + BANK_SIZE + (colour ? TEXT_SIZE : 0), 0, TEXT_SIZE};
    }
    return (struct vga_window){0};
}

/* Only with the BAR mapped by the PCI bus, and nothing of the machine's own there: RAM goes first.
 */
static struct vga_window wanted_linear(const struct vga *vga)
{
    uint64_t first = vga->bar.first, size = vga->memory.size;
    const struct device_host *host = vga->host;

    if (!vga->function.bars[0].mapped || first + size > CHIPSET_FIRST)
        return (struct vga_window){0};
    for (uint64_t offset = 0; offset < size; offset += PAGE) {
        if (host->memory(host->machine, first + offset, PAGE) != NULL)
            return (struct vga_window){0};
    }
    return (struct vga_window){first, 0, size};
}

/* Brings the planes into the other layout: vga_cell(). Bytes whose index differs in bits 1 and 17
 * change places. */
static void change_layout(struct vga *vga)
{
    uint8_t *memory = vga->memory.data;

    vga->state.text_layout = !vga->state.text_layout;
    for (uint32_t low = 2; low < 2 * VGA_PLANE_SIZE; low += low & 1 ? 3 : 1) {
        uint32_t high = low ^ 0x20002;
        uint8_t byte = memory[low];

        memory[low] = memory[high];
        memory[high] = byte;
    }
}

static bool same_window(const struct vga_window *a, const struct vga_window *b)
{
    return a->first == b->first && a->offset == b->offset && a->size == b->size;
}

/* Maps @wanted instead of @window. */
static void move_window(const struct vga *vga, struct vga_window *window,
                        const struct vga_window *wanted)
{
    const struct device_host *host = vga->host;

    if (window->size != 0)
        host->unmap_memory(host->machine, window->first);
    *window = *wanted;
    if (window->size != 0)
        host->map_memory(host->machine, window->first, &vga->memory, window->offset, window->size);
}

void vga_map_low(struct vga *vga)
{
    static const struct vga_window nowhere;
    struct vga_window wanted = wanted_low(&vga->state);
    bool text = wanted.size == TEXT_SIZE;

    if (same_window(&vga->low, &wanted))
        return;
    if (wanted.size != 0 && !vga_is_linear(&vga->state) && text != vga->state.text_layout) {
        move_window(vga, &vga->low, &nowhere);
        change_layout(vga);
    }
    move_window(vga, &vga->low, &wanted);
}

void vga_map(struct vga *vga)
{
    struct vga_window linear = wanted_linear(vga);

    vga_map_low(vga);
    if (!same_window(&vga->linear, &linear))
        move_window(vga, &vga->linear, &linear);
}

/* --- Planes --------------------------------------------------------------------------------------
 */

/* The bytes of the four planes at one offset, plane 0 lowest, and what stands for one plane. */
static uint32_t all_planes(uint8_t byte)
{
    return byte * 0x01010101u;
}

/* FFh for each plane whose bit is set in @mask. */
static uint32_t expand(uint8_t mask)
{
    uint32_t planes = 0;

    for (uint32_t plane = 0; plane < VGA_PLANES; plane++)
        planes |= mask >> plane & 1 ? 0xffu << 8 * plane : 0;
    return planes;
}

static uint32_t latched(const struct vga_state *state)
{
    uint32_t planes = 0;

    for (uint32_t plane = 0; plane < VGA_PLANES; plane++)
        planes |= (uint32_t)state->latches[plane] << 8 * plane;
    return planes;
}

static uint8_t rotate(uint8_t byte, uint32_t count)
{
    return (uint8_t)(byte >> count | byte << (8 - count));
}

static uint32_t combine(uint32_t data, uint32_t latches, uint32_t function)
{
    switch (function) {
    case 1:
        return data & latches;
    case 2:
        return data | latches;
    case 3:
        return data ^ latches;
    default:
        return data;
    }
}

/* What the guest's @byte makes of the four planes. */
static uint32_t written(const struct vga_state *state, uint8_t byte)
{
    const uint8_t *graphics = state->graphics;
    uint8_t rotated = rotate(byte, graphics[GC_ROTATE] & 7), mask = graphics[GC_BIT_MASK];
    uint32_t set_reset = expand(graphics[GC_SET_RESET]), latches = latched(state), data, bits;

    switch (graphics[GC_MODE] & GC_MODE_WRITE) {
    case 1:
        return latches;
    case 2:
        data = expand(byte);
        break;
    case 3:
        data = set_reset;
        mask &= rotated;
        break;
    default:
        data = all_planes(rotated);
        bits = expand(graphics[GC_ENABLE_SET_RESET]);
        data = (data & ~bits) | (set_reset & bits);
        break;
    }
    data = combine(data, latches, graphics[GC_ROTATE] >> 3 & 3);
    bits = all_planes(mask);
    return (data & bits) | (latches & ~bits);
}

/* The guest's byte at @address of a plane, which a write can change in the planes of @mask, or
 * which a read has of *@plane. */
static uint32_t decode(const struct vga_state *state, uint32_t address, bool write, uint8_t *mask,
                       uint32_t *plane)
{
    bool odd_even = write ? !(state->sequencer[SEQ_MEMORY] & SEQ_MEMORY_NO_ODD_EVEN)
                          : state->graphics[GC_MODE] & GC_MODE_ODD_EVEN;

    *mask = state->sequencer[SEQ_MAP_MASK];
    *plane = state->graphics[GC_READ_MAP];
    if (state->sequencer[SEQ_MEMORY] & SEQ_MEMORY_CHAIN_4) {
        *plane = address & 3;
        *mask &= (uint8_t)(1u << (address & 3));
        return address & ~3u;
    }
    if (odd_even) {
        *plane = (*plane & 2) | (address & 1);
        *mask &= (uint8_t)(5u << (address & 1));
        return address & ~1u;
    }
    return address;
}

static void write_planes(struct vga *vga, uint32_t address, uint8_t byte)
{
    uint8_t mask;
    uint32_t plane, offset = decode(&vga->state, address, true, &mask, &plane);
    uint32_t planes = written(&vga->state, byte);

    for (plane = 0; plane < VGA_PLANES; plane++) {
        if (mask >> plane & 1)
            vga->memory.data[vga_cell(&vga->state, offset, plane)] = (uint8_t)(planes >> 8 * plane);
    }
}

static uint8_t read_planes(struct vga *vga, uint32_t address)
{
    struct vga_state *state = &vga->state;
    uint8_t mask;
    uint32_t plane, offset = decode(state, address, false, &mask, &plane), differ;

    for (uint32_t i = 0; i < VGA_PLANES; i++)
        state->latches[i] = vga->memory.data[vga_cell(state, offset, i)];
    if (!(state->graphics[GC_MODE] & GC_MODE_READ_COMPARE))
        return state->latches[plane];
    differ = (latched(state) ^ expand(state->graphics[GC_COLOR_COMPARE])) &
             expand(state->graphics[GC_COLOR_DONT_CARE]);
    return (uint8_t) ~(differ | differ >> 8 | differ >> 16 | differ >> 24);
}

/* --- The low window ------------------------------------------------------------------------------
 */

/* Where in a plane the byte at @offset of the window is; false if it is not the VGA's now. */
static bool low_address(const struct vga_state *state, uint64_t offset, uint32_t *address)
{
    static const struct {
        uint32_t first, size;
    } maps[] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    uint32_t map = GC_MISC_MAP(state->graphics[GC_MISC]);

    if (vga_is_linear(state))
        map = 1;
    *address = (uint32_t)(offset - maps[map].first) % VGA_PLANE_SIZE;
    return state->misc & MISC_RAM_ENABLE && offset >= maps[map].first &&
           offset - maps[map].first < maps[map].size;
}

static uint8_t *banked(const struct vga *vga, uint32_t address)
{
    return &vga->memory.data[vga->state.dispi[DISPI_BANK] * BANK_SIZE + address];
}

static uint64_t read_low(void *device, uint64_t offset, uint32_t size)
{
    struct vga *vga = device;
    uint64_t value = 0;

    for (uint32_t i = 0; i < size; i++) {
        uint64_t byte = 0xff;
        uint32_t address;

        if (low_address(&vga->state, offset + i, &address))
            byte = vga_is_linear(&vga->state) ? *banked(vga, address) : read_planes(vga, address);
        value |= byte << 8 * i;
    }
    return value;
}

static void write_low(void *device, uint64_t offset, uint32_t size, uint64_t value)
{
    struct vga *vga = device;

    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        uint32_t address;

        if (!low_address(&vga->state, offset + i, &address))
            continue;
        if (vga_is_linear(&vga->state))
            *banked(vga, address) = byte;
        else
            write_planes(vga, address, byte);
    }
}

/* --- The base address register -------------------------------------------------------------------
 */

static uint64_t read_bar(void *device, uint64_t offset, uint32_t size)
{
    const struct vga *vga = device;
    uint64_t value = 0;

    for (uint32_t i = 0; i < size; i++)
        value |= (uint64_t)vga->memory.data[offset + i] << 8 * i;
    return value;
}

static void write_bar(void *device, uint64_t offset, uint32_t size, uint64_t value)
{
    struct vga *vga = device;

    for (uint32_t i = 0; i < size; i++)
        vga->memory.data[offset + i] = (uint8_t)(value >> 8 * i);
}

static void config_written(void *device, uint32_t offset, uint32_t size)
{
    (void)offset;
    (void)size;
    vga_map(device);
}

void vga_memory_init(struct vga *vga)
{
    vga->mmio = (struct device_mmio){LOW_FIRST, LOW_SIZE, read_low, write_low, vga};
    vga->bar = (struct device_mmio){0, VGA_MEMORY_SIZE, read_bar, write_bar, vga};
    vga->host->create_memory(vga->host->machine, VGA_MEMORY_SIZE, &vga->memory);
    pci_add_mmio_bar(&vga->function, 0, &vga->bar);
    vga->function.written = config_written;
    vga->function.device = vga;
}
