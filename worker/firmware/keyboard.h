/* The 8042 keyboard controller, the keyboard and the mouse. */
#ifndef VENEER_FIRMWARE_KEYBOARD_H
#define VENEER_FIRMWARE_KEYBOARD_H

#include "worker/firmware/firmware.h"

/* Tests and starts the controller and the keyboard. */
void keyboard_init(void);

/* Whether there is a mouse port. */
bool mouse_init(void);

/* INT 15h AH=C2h */
void mouse_service(struct frame *frame);

/* INT 15h AX=2400h to 2403h, and the state of A20, which address 1 MiB and above need. */
void a20_service(struct frame *frame);
bool a20_enabled(void);
void a20_enable(bool enable);

/* --- 8042 (i8042.c) --- */

#define KBC_DATA 0x60
#define KBC_STATUS 0x64
#define KBC_STATUS_OUTPUT 0x01 /* there is a byte to read */
#define KBC_STATUS_AUX 0x20    /* it is from the mouse */

/* Writes to the controller; false if it does not take it. */
bool kbc_command(uint8_t command);
bool kbc_data(uint8_t data);

/* Waits up to 500 ms for a byte, of the mouse's if @aux. */
bool kbc_read(bool aux, uint8_t *byte);

/* Throws away what is there to be read. */
void kbc_flush(void);

/* The controller's command byte. */
bool kbc_get_mode(uint8_t *mode);
bool kbc_set_mode(uint8_t mode);

#define KBC_MODE_KEYBOARD_IRQ 0x01
#define KBC_MODE_AUX_IRQ 0x02
#define KBC_MODE_SYSTEM 0x04
#define KBC_MODE_KEYBOARD_OFF 0x10
#define KBC_MODE_AUX_OFF 0x20
#define KBC_MODE_TRANSLATE 0x40

#endif
