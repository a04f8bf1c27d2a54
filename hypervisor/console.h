/* Messages of the hypervisor: serial port always; the screen until the parent owns it, and again in
 * a panic. */
#ifndef VENEER_HYPERVISOR_CONSOLE_H
#define VENEER_HYPERVISOR_CONSOLE_H

#include <stdarg.h>
#include <stdint.h>

#include "include/boot_info.h"

/* Opens the serial port: COM1, or what "serial=" on @command_line says (com1, com2, a port number,
 * off). */
void console_init_serial(const char *command_line);

/* Uses the screen that the boot loader set up; @memory is where it is mapped now. */
void console_init_screen(const struct boot_framebuffer *framebuffer, volatile void *memory);

/* The screen's memory has been mapped elsewhere (the hypervisor's own page tables). */
void console_move_screen(volatile void *memory);

/* Bytes of screen memory, 0 without a screen. */
uint64_t console_screen_size(void);

/* From now on only the serial port (the parent draws on the screen). */
void console_leave_screen(void);

/* From now on several LPs print: take the lock, which needs an LP's own stack. LP 0, once. */
void console_use_lock(void);

/* Prints, one message at a time. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vprint(const char *format, va_list arguments);

/* For panics: takes the console from whoever holds it, serial and screen, and prints without lock.
 */
void console_seize(void);

#endif
