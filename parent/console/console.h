/* The administrator's console. */
#ifndef VENEER_PARENT_CONSOLE_CONSOLE_H
#define VENEER_PARENT_CONSOLE_CONSOLE_H

/* Runs the file of commands that "autorun=" names, if any, then reads and runs commands for ever.
 * The body of a thread. */
int console_thread(void *argument);

#endif
