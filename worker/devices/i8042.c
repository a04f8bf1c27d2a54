#include "worker/devices/i8042.h"

/* Status register (port 64h). */
#define STATUS_OBF 0x01
#define STATUS_SYS 0x04
#define STATUS_COMMAND 0x08
#define STATUS_UNLOCKED 0x10
#define STATUS_AUX_OBF 0x20

/* Command byte. */
#define CCB_KEYBOARD_IRQ 0x01
#define CCB_MOUSE_IRQ 0x02
#define CCB_SYS 0x04
#define CCB_KEYBOARD_OFF 0x10
#define CCB_MOUSE_OFF 0x20
#define CCB_TRANSLATE 0x40

/* Commands. IBM PS/2 Technical Reference, Keyboard and Auxiliary Device Controller. */
enum {
    KBC_READ_RAM = 0x20,  /* to 3Fh; 20h is the command byte */
    KBC_WRITE_RAM = 0x60, /* to 7Fh */
    KBC_PASSWORD_INSTALLED = 0xa4,
    KBC_MOUSE_OFF = 0xa7,
    KBC_MOUSE_ON = 0xa8,
    KBC_TEST_MOUSE = 0xa9,
    KBC_SELF_TEST = 0xaa,
    KBC_TEST_KEYBOARD = 0xab,
    KBC_KEYBOARD_OFF = 0xad,
    KBC_KEYBOARD_ON = 0xae,
    KBC_READ_INPUT_PORT = 0xc0,
    KBC_READ_OUTPUT_PORT = 0xd0,
    KBC_WRITE_OUTPUT_PORT = 0xd1,
    KBC_WRITE_KEYBOARD_BUFFER = 0xd2,
    KBC_WRITE_MOUSE_BUFFER = 0xd3,
    KBC_WRITE_MOUSE = 0xd4,
    KBC_A20_OFF = 0xdd,
    KBC_A20_ON = 0xdf,
    KBC_READ_TEST_INPUTS = 0xe0,
    KBC_PULSE = 0xf0, /* to FFh: output port bits 3:0 that are 0 go low for a moment */
};

#define SELF_TEST_PASSED 0x55
#define NO_PASSWORD 0xf1
#define INPUT_PORT_UNLOCKED 0x80
#define BREAK 0xf0

#define OUTPUT_PORT_NO_RESET 0x01
#define OUTPUT_PORT_A20 0x02
#define OUTPUT_PORT_KEYBOARD_OBF 0x10
#define OUTPUT_PORT_MOUSE_OBF 0x20
#define OUTPUT_PORT_CLOCKS 0xc0

#define PORT_92_RESET 0x01
#define PORT_92_A20 0x02

/* --- Output buffer -----------------------------------------------------------------------------
 */

static void update_lines(struct i8042 *controller)
{
    const struct i8042_state *state = &controller->state;
    bool full = state->output_full, mouse = state->output_of_mouse;

    device_line_set(&controller->keyboard_irq, full && !mouse && state->ram[0] & CCB_KEYBOARD_IRQ);
    device_line_set(&controller->mouse_irq, full && mouse && state->ram[0] & CCB_MOUSE_IRQ);
}

static void update_a20(struct i8042 *controller)
{
    const struct i8042_state *state = &controller->state;

    device_line_set(&controller->a20,
                    state->output_port & OUTPUT_PORT_A20 || state->port_92 & PORT_92_A20);
}

/* Puts @byte into the buffer; what was in it is lost. Its interrupt is a new edge. */
static void output(struct i8042 *controller, uint8_t byte, bool mouse)
{
    controller->state.output_full = false;
    update_lines(controller);
    controller->state.output = byte;
    controller->state.output_full = true;
    controller->state.output_of_mouse = mouse;
    update_lines(controller);
}

/* Takes a byte of the keyboard, translated; false if there is none. */
static bool take_key(struct i8042_state *state, uint8_t *byte)
{
    while (ps2_keyboard_take(&state->keyboard, byte)) {
        if (!(state->ram[0] & CCB_TRANSLATE))
            return true;
        if (*byte == BREAK) {
            state->releases = true;
            continue;
        }
        *byte = ps2_translate(*byte);
        if (state->releases)
            *byte |= 0x80;
        state->releases = false;
        return true;
    }
    return false;
}

/* Fetches the next byte of a device that is switched on, if the buffer has room. */
static void fetch(struct i8042 *controller)
{
    struct i8042_state *state = &controller->state;
    uint8_t byte;

    if (state->output_full)
        return;
    if (!(state->ram[0] & CCB_KEYBOARD_OFF) && take_key(state, &byte))
        output(controller, byte, false);
    else if (!(state->ram[0] & CCB_MOUSE_OFF) && ps2_mouse_take(&state->mouse, &byte))
        output(controller, byte, true);
}

/* --- Commands ----------------------------------------------------------------------------------
 */

static void write_output_port(struct i8042 *controller, uint8_t byte)
{
    controller->state.output_port = byte & OUTPUT_PORT_A20;
    update_a20(controller);
    if (!(byte & OUTPUT_PORT_NO_RESET))
        controller->host->reset(controller->host->machine);
}

static uint8_t read_output_port(const struct i8042_state *state)
{
    uint8_t bits = state->output_port | OUTPUT_PORT_NO_RESET | OUTPUT_PORT_CLOCKS;

    if (state->output_full)
        bits |= state->output_of_mouse ? OUTPUT_PORT_MOUSE_OBF : OUTPUT_PORT_KEYBOARD_OBF;
    return bits;
}

static void write_ram(struct i8042 *controller, uint8_t index, uint8_t byte)
{
    controller->state.ram[index] = byte;
    if (index == 0)
        update_lines(controller);
}

static void set_command_byte_bit(struct i8042 *controller, uint8_t bit, bool on)
{
    uint8_t *byte = &controller->state.ram[0];

    *byte = on ? *byte | bit : *byte & (uint8_t)~bit;
}

/* Commands that are not in ranges. */
static void single_command(struct i8042 *controller, uint8_t command)
{
    struct i8042_state *state = &controller->state;

    switch (command) {
    case KBC_MOUSE_OFF:
    case KBC_MOUSE_ON:
        set_command_byte_bit(controller, CCB_MOUSE_OFF, command == KBC_MOUSE_OFF);
        break;
    case KBC_KEYBOARD_OFF:
    case KBC_KEYBOARD_ON:
        set_command_byte_bit(controller, CCB_KEYBOARD_OFF, command == KBC_KEYBOARD_OFF);
        break;
    case KBC_SELF_TEST:
        write_ram(controller, 0, CCB_KEYBOARD_OFF | CCB_MOUSE_OFF | CCB_SYS);
        output(controller, SELF_TEST_PASSED, false);
        break;
    case KBC_TEST_MOUSE:
    case KBC_TEST_KEYBOARD:
    case KBC_READ_TEST_INPUTS:
        output(controller, 0, false);
        break;
    case KBC_PASSWORD_INSTALLED:
        output(controller, NO_PASSWORD, false);
        break;
    case KBC_READ_INPUT_PORT:
        output(controller, INPUT_PORT_UNLOCKED, false);
        break;
    case KBC_READ_OUTPUT_PORT:
        output(controller, read_output_port(state), false);
        break;
    case KBC_A20_OFF:
    case KBC_A20_ON:
        write_output_port(controller, command); /* their bits are those of the port */
        break;
    case KBC_WRITE_OUTPUT_PORT:
    case KBC_WRITE_KEYBOARD_BUFFER:
    case KBC_WRITE_MOUSE_BUFFER:
    case KBC_WRITE_MOUSE:
        state->command = command;
        break;
    default:
        break;
    }
}

static void write_command(struct i8042 *controller, uint8_t command)
{
    struct i8042_state *state = &controller->state;

    state->wrote_command = true;
    state->command = 0;
    if (command >= KBC_PULSE) {
        if (!(command & OUTPUT_PORT_NO_RESET))
            controller->host->reset(controller->host->machine);
    } else if ((command & 0xe0) == KBC_READ_RAM) {
        output(controller, state->ram[command & 0x1f], false);
    } else if ((command & 0xe0) == KBC_WRITE_RAM) {
        state->command = command;
    } else {
        single_command(controller, command);
    }
    fetch(controller);
}

static void write_data(struct i8042 *controller, uint8_t byte)
{
    struct i8042_state *state = &controller->state;
    uint8_t command = state->command;

    state->wrote_command = false;
    state->command = 0;
    if ((command & 0xe0) == KBC_WRITE_RAM) {
        write_ram(controller, command & 0x1f, byte);
    } else if (command == KBC_WRITE_OUTPUT_PORT) {
        write_output_port(controller, byte);
    } else if (command == KBC_WRITE_KEYBOARD_BUFFER) {
        output(controller, byte, false);
    } else if (command == KBC_WRITE_MOUSE_BUFFER) {
        output(controller, byte, true);
    } else if (command == KBC_WRITE_MOUSE) {
        set_command_byte_bit(controller, CCB_MOUSE_OFF, false);
        ps2_mouse_write(&state->mouse, byte);
    } else {
        set_command_byte_bit(controller, CCB_KEYBOARD_OFF, false);
        ps2_keyboard_write(&state->keyboard, byte);
    }
    fetch(controller);
}

/* --- Ports -------------------------------------------------------------------------------------
 */

static uint8_t read_data_port(void *device, uint16_t offset)
{
    struct i8042 *controller = device;
    uint8_t byte = controller->state.output;

    (void)offset;
    controller->state.output_full = false;
    update_lines(controller);
    fetch(controller);
    return byte;
}

static void write_data_port(void *device, uint16_t offset, uint8_t byte)
{
    (void)offset;
    write_data(device, byte);
}

static uint8_t read_status_port(void *device, uint16_t offset)
{
    const struct i8042 *controller = device;
    const struct i8042_state *state = &controller->state;
    uint8_t status = STATUS_UNLOCKED | (state->ram[0] & CCB_SYS ? STATUS_SYS : 0);

    (void)offset;
    if (state->output_full)
        status |= STATUS_OBF | (state->output_of_mouse ? STATUS_AUX_OBF : 0);
    if (state->wrote_command)
        status |= STATUS_COMMAND;
    return status;
}

static void write_command_port(void *device, uint16_t offset, uint8_t byte)
{
    (void)offset;
    write_command(device, byte);
}

static uint8_t read_port_92(void *device, uint16_t offset)
{
    const struct i8042 *controller = device;

    (void)offset;
    return controller->state.port_92;
}

static void write_port_92(void *device, uint16_t offset, uint8_t byte)
{
    struct i8042 *controller = device;
    bool rises = byte & PORT_92_RESET && !(controller->state.port_92 & PORT_92_RESET);

    (void)offset;
    controller->state.port_92 = byte & (PORT_92_RESET | PORT_92_A20);
    update_a20(controller);
    if (rises)
        controller->host->reset(controller->host->machine);
}

bool i8042_key(struct i8042 *controller, uint8_t prefix, uint8_t code, bool released)
{
    bool taken = ps2_keyboard_key(&controller->state.keyboard, prefix, code, released);

    fetch(controller);
    return taken;
}

void i8042_mouse(struct i8042 *controller, int32_t dx, int32_t dy, int32_t dz, uint8_t buttons)
{
    ps2_mouse_move(&controller->state.mouse, dx, dy, dz, buttons);
    fetch(controller);
}

void i8042_reset(struct i8042 *controller)
{
    controller->state = (struct i8042_state){
        .ram = {CCB_TRANSLATE | CCB_MOUSE_OFF | CCB_SYS | CCB_KEYBOARD_IRQ},
        .output_port = OUTPUT_PORT_A20,
    };
    ps2_keyboard_reset(&controller->state.keyboard);
    ps2_mouse_reset(&controller->state.mouse);
    update_lines(controller);
    update_a20(controller);
}

void i8042_init(struct i8042 *controller, const struct device_host *host,
                struct device_line keyboard_irq, struct device_line mouse_irq,
                struct device_line a20)
{
    *controller = (struct i8042){
        .host = host, .keyboard_irq = keyboard_irq, .mouse_irq = mouse_irq, .a20 = a20};
    byte_ports_init(&controller->ports[0], 0x60, 1, read_data_port, write_data_port, controller);
    byte_ports_init(&controller->ports[1], 0x64, 1, read_status_port, write_command_port,
                    controller);
    byte_ports_init(&controller->ports[2], 0x92, 1, read_port_92, write_port_92, controller);
    i8042_reset(controller);
}
