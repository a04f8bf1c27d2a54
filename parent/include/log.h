/* The kernel's log: with level and time stamp on serial port and screen, and kept in a ring for the
 * `log` command. */
#ifndef VENEER_PARENT_INCLUDE_LOG_H
#define VENEER_PARENT_INCLUDE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

#define LOG_TEXT_SIZE 200

/* One line, without \n at its end, cut to LOG_TEXT_SIZE. Start it with the subject: "ahci0: port 1:
 * …". Errors, warnings and information appear on the console; LOG_DEBUG only if "loglevel=debug" is
 * on the command line. Any but NMI handlers. */
void log_print(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* While somebody edits a line on the console, lines of the log erase it first. Whoever edits it
 * draws it again when log_shown(), which counts lines shown, has changed. Any. */
void log_set_editing(bool editing);
uint32_t log_shown(void);

struct log_line {
    enum log_level level;
    uint64_t time; /* as time_now() */
    char text[LOG_TEXT_SIZE];
};

/* The line at *@position, which is 0 for the oldest one that is kept, and moves on to the next.
 * Lines that have been overwritten meanwhile are skipped. False: there is none yet. Any. */
bool log_read(uint64_t *position, struct log_line *line);

#endif
