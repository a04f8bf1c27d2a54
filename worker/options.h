/* The worker's words. */
#ifndef VENEER_WORKER_OPTIONS_H
#define VENEER_WORKER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/machine_control.h"
#include "parent/user/system.h"

#define OPTIONS_ATTACHED 12u

/* A drive or an adapter. */
struct attached {
    char name[MACHINE_DRIVE_NAME]; /* without ":empty" */
    uint32_t handle;               /* 0: a drive without medium */
};

struct options {
    bool pc;              /* the emulated PC; else the enlightened machine */
    uint64_t kernel_size; /* bytes; of the PC: of its firmware */
    uint64_t initrd_size; /* bytes; 0: none; of the PC: of its option ROM */
    uint64_t vps, memory; /* number, MiB */
    uint64_t devices;     /* of the bus */
    bool has_bus;         /* without devices, too */
    const char *boot;     /* letters, the first one first; NULL: not said */
    uint64_t fault;       /* seconds after which the worker makes an exception; 0: never */
    struct attached attached[OPTIONS_ATTACHED];
    uint32_t attached_count;
    char command_line[SYSTEM_MAX_ARGUMENTS];

    /* Handles; 0: none. */
    uint32_t kernel, initrd, console, control;
    uint32_t first_device;
};

/* Ends the process if the words make no sense. */
void options_read(int argc, char **argv, struct options *options);

/* What is attached as @name; NULL: nothing. */
const struct attached *options_find(const struct options *options, const char *name);

#endif
