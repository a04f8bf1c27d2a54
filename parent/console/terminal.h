/* The administrator's terminal: serial port and screen show the same, and keys come from serial
 * port and keyboard. One thread uses it. */
#ifndef VENEER_PARENT_CONSOLE_TERMINAL_H
#define VENEER_PARENT_CONSOLE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Size of the terminal in characters: as "columns=" and "rows=" on the command line say, or 80
 * by 24. */
uint32_t terminal_columns(void);

/* Writes formatted text. While paging is on, stops after each screenful until a key is pressed. */
void terminal_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void terminal_write(const char *text, size_t length);

/* Turns paging on for the output of one command, or off; on also forgets earlier keys. */
void terminal_page(bool on);

/* Whether the person wants the present command to end: ^C, or q at a page's end. Commands that take
 * long ask this now and then. */
bool terminal_interrupted(void);

/* Waits for a key. */
int terminal_key(void);

/* A bar that shows how much of something long is done: call with @done from 0 to @total, and once
 * more with done = total. */
void terminal_progress(const char *what, uint64_t done, uint64_t total);

/* Ends the bar's line, if there is one, wherever it stands. */
void terminal_progress_end(void);

#endif
