/* A keyboard on the 8042 controller of a PC. */
#ifndef VENEER_PARENT_DRIVERS_PS2_KEYBOARD_H
#define VENEER_PARENT_DRIVERS_PS2_KEYBOARD_H

#include <stdbool.h>

/* Puts what is typed into the input (parent/include/input.h). False: there is no controller or no
 * keyboard. Thread, once. */
bool ps2_keyboard_start(void);

#endif
