/* The kernel's log: with level and time stamp on serial port and screen, and kept in a ring for the `log` command. */
#ifndef VENEER_PARENT_INCLUDE_LOG_H
#define VENEER_PARENT_INCLUDE_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* One line, without \n at its end. Start it with the subject: "ahci0: port 1: …". Any. */
void log_print(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
