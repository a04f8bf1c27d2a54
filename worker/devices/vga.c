/* The VGA's registers at 3B0h to 3DFh. */
#include "worker/devices/vga_registers.h"

#include "lib/string.h"

#define FIRST_PORT 0x3b0
#define PORTS 0x30

/* Ports, from FIRST_PORT on. Those of the CRTC, of input status 1 and of feature control are at
 * 3B0h or, with MISC_COLOUR, at 3D0h. */
enum {
    CRTC_INDEX_PORT = 0x04,
    CRTC_DATA_PORT = 0x05,
    STATUS_1_PORT = 0x0a, /* written: feature control */
    ATTRIBUTE_PORT = 0x10,
    ATTRIBUTE_DATA_PORT = 0x11,
    STATUS_0_PORT = 0x12, /* written: misc output */
    SEQUENCER_INDEX_PORT = 0x14,
    SEQUENCER_DATA_PORT = 0x15,
    DAC_MASK_PORT = 0x16,
    DAC_STATE_PORT = 0x17, /* written: index for reading */
    DAC_INDEX_PORT = 0x18,
    DAC_DATA_PORT = 0x19,
    FEATURE_PORT = 0x1a,
    MISC_PORT = 0x1c,
    GRAPHICS_INDEX_PORT = 0x1e,
    GRAPHICS_DATA_PORT = 0x1f,
    COLOUR_PORTS = 0x20,
};

#define STATUS_0_SWITCH_SENSE 0x10 /* a colour monitor is there */
#define DAC_STATE_READING 0x03
#define FEATURE_WRITABLE 0x0b

/* Bits that there are. */
static const uint8_t sequencer_bits[VGA_SEQUENCER_REGISTERS] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t graphics_bits[VGA_GRAPHICS_REGISTERS] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03,
                                                              0x7b, 0x0f, 0x0f, 0xff};
static const uint8_t attribute_bits[VGA_ATTRIBUTE_REGISTERS] = {
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};

/* Register @index of @count; what is not there reads as 0. */
static uint8_t indexed(const uint8_t *registers, uint32_t count, uint8_t index)
{
    return index < count ? registers[index] : 0;
}

/* --- Attribute controller and DAC ----------------------------------------------------------------
 */

/* One port for index and data in turn. */
static void write_attribute(struct vga_state *state, uint8_t value)
{
    uint8_t index = state->attribute_index & ATTRIBUTE_INDEX;

    state->attribute_data = !state->attribute_data;
    if (state->attribute_data)
        state->attribute_index = value & (ATTRIBUTE_INDEX | ATTRIBUTE_INDEX_DISPLAY);
    else if (index < VGA_ATTRIBUTE_REGISTERS)
        state->attribute[index] = value & attribute_bits[index];
}

static void select_dac(struct vga_state *state, bool reading)
{
    state->dac_reading = reading;
    state->dac_component = 0;
}

static uint8_t read_dac(struct vga_state *state)
{
    uint8_t value = state->dac[3 * state->dac_read_index + state->dac_component];

    state->dac_component = (state->dac_component + 1) % 3;
    state->dac_read_index += state->dac_component == 0;
    return value;
}

static void write_dac(struct vga_state *state, uint8_t value)
{
    uint8_t bits = state->dispi[DISPI_ENABLE] & DISPI_ENABLE_8BIT_DAC ? 0xff : 0x3f;

    state->dac[3 * state->dac_write_index + state->dac_component] = value & bits;
    state->dac_component = (state->dac_component + 1) % 3;
    state->dac_write_index += state->dac_component == 0;
}

/* --- Other registers -----------------------------------------------------------------------------
 */

static void write_crtc(struct vga_state *state, uint8_t value)
{
    bool protected = state->crtc[CRTC_RETRACE_END] & CRTC_RETRACE_END_PROTECT;
    uint8_t *old = &state->crtc[state->crtc_index < VGA_CRTC_REGISTERS ? state->crtc_index : 0];
    uint8_t bits = 0xff;

    if (state->crtc_index >= VGA_CRTC_REGISTERS)
        return;
    if (protected && state->crtc_index <= CRTC_OVERFLOW)
        bits = state->crtc_index == CRTC_OVERFLOW ? CRTC_OVERFLOW_LINE_COMPARE : 0;
    *old = (uint8_t)((*old & ~bits) | (value & bits));
}

/* The port without which of the two places it is at; false if it is at the other one. */
static bool select_port(const struct vga_state *state, uint16_t *port)
{
    bool colour = state->misc & MISC_COLOUR;

    if (*port >= ATTRIBUTE_PORT && *port < COLOUR_PORTS)
        return true;
    if (colour != (*port >= COLOUR_PORTS))
        return false;
    *port &= 0x0f;
    return true;
}

/* --- Ports ---------------------------------------------------------------------------------------
 */

static uint8_t read_port(void *device, uint16_t port)
{
    struct vga *vga = device;
    struct vga_state *state = &vga->state;

    if (!select_port(state, &port))
        return 0xff;
    switch (port) {
    case CRTC_INDEX_PORT:
        return state->crtc_index;
    case CRTC_DATA_PORT:
        return indexed(state->crtc, VGA_CRTC_REGISTERS, state->crtc_index);
    case STATUS_1_PORT:
        state->attribute_data = false;
        return vga_input_status_1(vga);
    case ATTRIBUTE_PORT:
        return state->attribute_index;
    case ATTRIBUTE_DATA_PORT:
        return indexed(state->attribute, VGA_ATTRIBUTE_REGISTERS,
                       state->attribute_index & ATTRIBUTE_INDEX);
    case STATUS_0_PORT:
        return STATUS_0_SWITCH_SENSE;
    case SEQUENCER_INDEX_PORT:
        return state->sequencer_index;
    case SEQUENCER_DATA_PORT:
        return indexed(state->sequencer, VGA_SEQUENCER_REGISTERS, state->sequencer_index);
    case DAC_MASK_PORT:
        return state->dac_mask;
    case DAC_STATE_PORT:
        return state->dac_reading ? DAC_STATE_READING : 0;
    case DAC_INDEX_PORT:
        return state->dac_write_index;
    case DAC_DATA_PORT:
        return read_dac(state);
    case FEATURE_PORT:
        return state->feature;
    case MISC_PORT:
        return state->misc;
    case GRAPHICS_INDEX_PORT:
        return state->graphics_index;
    case GRAPHICS_DATA_PORT:
        return indexed(state->graphics, VGA_GRAPHICS_REGISTERS, state->graphics_index);
    default:
        return 0xff;
    }
}

/* Registers that nothing but the screen depends on; false if @port is another one. */
static bool write_screen_port(struct vga_state *state, uint16_t port, uint8_t value)
{
    switch (port) {
    case CRTC_INDEX_PORT:
        state->crtc_index = value;
        return true;
    case CRTC_DATA_PORT:
        write_crtc(state, value);
        return true;
    case STATUS_1_PORT:
        state->feature = value & FEATURE_WRITABLE;
        return true;
    case ATTRIBUTE_PORT:
        write_attribute(state, value);
        return true;
    case DAC_MASK_PORT:
        state->dac_mask = value;
        return true;
    case DAC_STATE_PORT:
        state->dac_read_index = value;
        select_dac(state, true);
        return true;
    case DAC_INDEX_PORT:
        state->dac_write_index = value;
        select_dac(state, false);
        return true;
    case DAC_DATA_PORT:
        write_dac(state, value);
        return true;
    default:
        return false;
    }
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
    struct vga *vga = device;
    struct vga_state *state = &vga->state;

    if (!select_port(state, &port) || write_screen_port(state, port, value))
        return;
    switch (port) {
    case STATUS_0_PORT:
        state->misc = value;
        break;
    case SEQUENCER_INDEX_PORT:
        state->sequencer_index = value;
        return;
    case SEQUENCER_DATA_PORT:
        if (state->sequencer_index < VGA_SEQUENCER_REGISTERS)
            state->sequencer[state->sequencer_index] =
                value & sequencer_bits[state->sequencer_index];
        break;
    case GRAPHICS_INDEX_PORT:
        state->graphics_index = value;
        return;
    case GRAPHICS_DATA_PORT:
        if (state->graphics_index < VGA_GRAPHICS_REGISTERS)
            state->graphics[state->graphics_index] = value & graphics_bits[state->graphics_index];
        break;
    default:
        return;
    }
    vga_map_low(vga);
}

void vga_reset(struct vga *vga)
{
    bool text_layout = vga->state.text_layout;

    memset(&vga->state, 0, sizeof(vga->state));
    vga->state.text_layout = text_layout;
    vga->state.dac_mask = 0xff;
    vga_dispi_reset(&vga->state);
    vga_map(vga);
}

void vga_init(struct vga *vga, const struct device_host *host)
{
    *vga = (struct vga){.host = host};
    byte_ports_init(&vga->ports, FIRST_PORT, PORTS, read_port, write_port, vga);
    vga_dispi_init(vga);
    pci_function_init(&vga->function, 0x1414, 0x5353, 0x030000, 0);
    vga_memory_init(vga);
    vga_reset(vga);
}
