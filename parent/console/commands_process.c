/* Commands on threads. */
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/kernel/sched/thread.h"

const struct command process_commands[] = {
    {0},
};
