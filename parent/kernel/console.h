/* Messages: to the serial port and the screen, whole messages at a time. */
#ifndef VENEER_PARENT_CONSOLE_H
#define VENEER_PARENT_CONSOLE_H

#include <stdbool.h>

/* Opens COM1, or what "serial=" on the command line says: com1, com2, a port number, off. */
void console_init_serial(void);

/* Maps and clears the screen that the boot loader set up. memory_init() has been called. */
void console_init_screen(void);

/* Starts the drivers of the serial port and the keyboard, which type into parent/include/input.h.
 * Interrupts and threads work. Thread, once. */
void console_start(void);

/* As printf(); see lib/printf.h. Not from NMI handlers. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Shows or hides on the screen where the next character goes; messages hide it. */
void console_show_cursor(bool visible);

/* Asks for the screen to show what left it, half a screen further up or down. Any. */
void console_scroll(bool up);

/* For panics: from now on messages of this CPU take no lock, whoever holds it. */
void console_seize(void);

/* Waits until all has left the serial port. */
void console_drain(void);

#endif
