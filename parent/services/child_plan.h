/* How what a child is to have, as names, becomes what it is made of (struct child_plan): files,
 * disks, ports of switches. The console's thread. */
#ifndef VENEER_PARENT_SERVICES_CHILD_PLAN_H
#define VENEER_PARENT_SERVICES_CHILD_PLAN_H

#include <stdbool.h>

#include "parent/console/command.h"
#include "parent/services/child.h"
#include "parent/services/network_adapter.h"
#include "parent/services/scsi_controller.h"

#define CHILD_WORKER "worker" /* the program's name, and that of a child that has none */
#define CHILD_OWN_WORDS 5     /* for it: its name and its machine's, two about files, devices= */

struct child_options {
    const char *name;                  /* NULL: it is to run in the foreground */
    const char *kernel, *initrd;       /* names of files; NULL: none is named */
    bool pc;                           /* an emulated machine with firmware: */
    const char *firmware, *option_rom; /* names of files; NULL: not named */
    const char *cd, *floppy;           /* NULL: not named */
    bool vmbus;                        /* the machine has the bus, too */
    /* By LUN, or position of IDE; and by number of the adapter. NULL: none there. */
    const char *disks[SCSI_CONTROLLER_DISKS];
    const char *switches[NETWORK_ADAPTERS_MAX];
    /* For the worker, from CHILD_OWN_WORDS on; the first ones are made from the rest. */
    char *words[COMMAND_WORDS + CHILD_OWN_WORDS + 1];
    unsigned word_count;
};

/* Opens everything that @options name; the plan is then for child_start() or child_plan_free().
 * False: it has been printed why, for the command called @command, and nothing is open. */
bool child_plan_open(const char *command, struct child_options *options, struct child_plan *plan);

#endif
