/* Files of commands: how tests and users automate the machine. */
#ifndef VENEER_PARENT_CONSOLE_AUTORUN_H
#define VENEER_PARENT_CONSOLE_AUTORUN_H

#include <stdbool.h>

/* Runs the file that "autorun=" on the command line names: a boot module of that name, or a file on
 * the store. Each command is echoed. Stops at the first that fails, unless a line "onerror
 * continue" came before. The last line of output is "AUTORUN PASS", or "AUTORUN FAIL" and where. A
 * poweroff or reboot in the file happens after that. */
void autorun(void);

/* What the file says should happen at its end; called by the commands poweroff and reboot. False:
 * no file is being run. */
bool autorun_end_with(void (*action)(void));

/* For the command onerror. False: no file is being run. */
bool autorun_on_error(bool go_on);

#endif
