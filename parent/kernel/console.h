/* Messages: to the serial port and the screen, whole messages at a time. */
#ifndef VENEER_PARENT_CONSOLE_H
#define VENEER_PARENT_CONSOLE_H

/* Opens COM1, or what "serial=" on the command line says: com1, com2, a port number, off. */
void console_init_serial(void);

/* Maps and clears the screen that the boot loader set up. memory_init() has been called. */
void console_init_screen(void);

/* As printf(); see lib/printf.h. Not from NMI handlers. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For panics: from now on messages of this CPU take no lock, whoever holds it. */
void console_seize(void);

/* Waits until all has left the serial port. */
void console_drain(void);

#endif
