/* The DISPI registers: modes of VBE. A word at 1CEh says which register is at 1CFh. */
#include "worker/devices/vga_registers.h"

#include "lib/string.h"

#define DISPI_FIRST_PORT 0x1ce
enum { DISPI_INDEX_PORT, DISPI_DATA_PORT, DISPI_PORTS };

#define DISPI_ID0 0xb0c0
#define DISPI_ID5 0xb0c5

#define ENABLE_WRITABLE                                                                            \
    (DISPI_ENABLE_ENABLED | DISPI_ENABLE_GETCAPS | DISPI_ENABLE_8BIT_DAC | DISPI_ENABLE_LFB |      \
     DISPI_ENABLE_NOCLEARMEM)

#define BANKS (VGA_MEMORY_SIZE / 0x10000u)

/* Bytes that lines can take: of a plane if there are planes. */
static uint32_t memory_for(uint32_t bpp)
{
    return bpp == 4 ? VGA_PLANE_SIZE : VGA_MEMORY_SIZE;
}

static bool is_bpp(uint16_t bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

/* Makes the virtual screen @width pixels wide, and as high as video memory allows; false if the
 * visible part would not fit. */
static bool set_virtual_size(uint16_t *dispi, uint16_t width)
{
    uint32_t pitch = vga_dispi_pitch(width, dispi[DISPI_BPP]);
    uint32_t height;

    if (width == 0 || width < dispi[DISPI_XRES])
        return false;
    height = memory_for(dispi[DISPI_BPP]) / pitch;
    if (dispi[DISPI_YRES] == 0 || height < dispi[DISPI_YRES])
        return false;
    dispi[DISPI_VIRT_WIDTH] = width;
    dispi[DISPI_VIRT_HEIGHT] = (uint16_t)(height < UINT16_MAX ? height : UINT16_MAX);
    return true;
}

static void clear(struct vga *vga)
{
    const uint16_t *dispi = vga->state.dispi;
    uint32_t size = VGA_PLANES * VGA_PLANE_SIZE;

    if (vga_is_linear(&vga->state))
        size = vga_dispi_pitch(dispi[DISPI_XRES], dispi[DISPI_BPP]) * dispi[DISPI_YRES];
    memset(vga->memory.data, 0, size);
}

/* A mode that video memory is too small for is not enabled, which the guest can read. */
static void write_enable(struct vga *vga, uint16_t value)
{
    uint16_t *dispi = vga->state.dispi;
    bool was = vga_dispi_enabled(&vga->state);

    value &= ENABLE_WRITABLE;
    if (!was && value & DISPI_ENABLE_ENABLED) {
        dispi[DISPI_X_OFFSET] = dispi[DISPI_Y_OFFSET] = 0;
        if (!set_virtual_size(dispi, dispi[DISPI_XRES]))
            value &= (uint16_t)~DISPI_ENABLE_ENABLED;
    }
    dispi[DISPI_ENABLE] = value;
    if (was != vga_dispi_enabled(&vga->state))
        dispi[DISPI_BANK] = 0;
    if (!was && vga_dispi_enabled(&vga->state) && !(value & DISPI_ENABLE_NOCLEARMEM))
        clear(vga);
}

/* A value that makes no sense changes nothing; the size is only for a screen that is off. */
static void write_register(struct vga *vga, uint16_t value)
{
    uint16_t *dispi = vga->state.dispi;
    bool enabled = vga_dispi_enabled(&vga->state);

    switch (vga->state.dispi_index) {
    case DISPI_ID:
        if (value >= DISPI_ID0 && value <= DISPI_ID5)
            dispi[DISPI_ID] = value;
        break;
    case DISPI_XRES:
        if (!enabled && value <= DISPI_MAX_XRES)
            dispi[DISPI_XRES] = value;
        break;
    case DISPI_YRES:
        if (!enabled && value <= DISPI_MAX_YRES)
            dispi[DISPI_YRES] = value;
        break;
    case DISPI_BPP: /* 0 is what guests of the first version write for 8 */
        if (!enabled && (value == 0 || is_bpp(value)))
            dispi[DISPI_BPP] = value == 0 ? 8 : value;
        break;
    case DISPI_ENABLE:
        write_enable(vga, value);
        break;
    case DISPI_BANK:
        if (value < BANKS)
            dispi[DISPI_BANK] = value;
        break;
    case DISPI_VIRT_WIDTH:
        if (enabled)
            set_virtual_size(dispi, value);
        break;
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET: /* what is beyond video memory is not shown */
        dispi[vga->state.dispi_index] = value;
        break;
    default:
        break;
    }
}

static uint16_t read_register(const struct vga_state *state)
{
    bool capabilities = state->dispi[DISPI_ENABLE] & DISPI_ENABLE_GETCAPS;

    switch (state->dispi_index) {
    case DISPI_XRES:
        return capabilities ? DISPI_MAX_XRES : state->dispi[DISPI_XRES];
    case DISPI_YRES:
        return capabilities ? DISPI_MAX_YRES : state->dispi[DISPI_YRES];
    case DISPI_BPP:
        return capabilities ? 32 : state->dispi[DISPI_BPP];
    default:
        return state->dispi_index < DISPI_REGISTERS ? state->dispi[state->dispi_index] : 0;
    }
}

/* Registers are of 2 bytes; a byte reads as the lower one, and is not written. */
static uint32_t read_ports(void *device, uint16_t offset, uint32_t size)
{
    const struct vga *vga = device;
    uint32_t value =
        offset == DISPI_INDEX_PORT ? vga->state.dispi_index : read_register(&vga->state);

    (void)size;
    return value | 0xffff0000;
}

static void write_ports(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    struct vga *vga = device;

    if (size == 1)
        return;
    if (offset == DISPI_INDEX_PORT) {
        vga->state.dispi_index = (uint16_t)value;
        return;
    }
    write_register(vga, (uint16_t)value);
    vga_map_low(vga);
}

void vga_dispi_reset(struct vga_state *state)
{
    state->dispi[DISPI_ID] = DISPI_ID5;
    state->dispi[DISPI_BPP] = 8;
    state->dispi[DISPI_VIDEO_MEMORY_64K] = BANKS;
}

void vga_dispi_init(struct vga *vga)
{
    vga->dispi = (struct device_ports){DISPI_FIRST_PORT, DISPI_PORTS, read_ports, write_ports, vga};
}
