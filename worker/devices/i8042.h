/* The 8042 keyboard controller of a PC at ports 60h and 64h, with a keyboard and a mouse, and port
 * 92h, which does two of its tasks. All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_I8042_H
#define VENEER_WORKER_DEVICES_I8042_H

#include "worker/devices/byte_ports.h"
#include "worker/devices/ps2.h"

struct i8042_state {
    struct ps2_keyboard keyboard;
    struct ps2_mouse mouse;
    uint8_t ram[32];     /* byte 0 is the command byte */
    uint8_t output;      /* the output buffer, if @output_full */
    uint8_t command;     /* whose parameter is expected, or 0 */
    uint8_t output_port; /* bits 1:0 */
    uint8_t port_92;
    bool output_full, output_of_mouse, wrote_command;
    bool releases; /* F0h came from the keyboard: the next code is that of a key that goes up */
};

struct i8042 {
    const struct device_host *host;
    struct device_line keyboard_irq, mouse_irq; /* IRQ 1, IRQ 12 */
    struct device_line a20;                     /* asserted: addresses have their bit 20 */
    struct byte_ports ports[3];                 /* 60h, 64h, 92h */
    struct i8042_state state;
};

/* Makes @controller as firmware hands it over: translating, keyboard on, mouse off, A20 on. */
void i8042_init(struct i8042 *controller, const struct device_host *host,
                struct device_line keyboard_irq, struct device_line mouse_irq,
                struct device_line a20);
void i8042_reset(struct i8042 *controller);

/* As ps2_keyboard_key() and ps2_mouse_move(). */
bool i8042_key(struct i8042 *controller, uint8_t prefix, uint8_t code, bool released);
void i8042_mouse(struct i8042 *controller, int32_t dx, int32_t dy, int32_t dz, uint8_t buttons);

#endif
