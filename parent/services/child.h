/* Running children: each a worker process with its files and devices, started again after each
 * reset, and its serial console. Until the VM service takes their place, the console's commands
 * make them. Thread. */
#ifndef VENEER_PARENT_SERVICES_CHILD_H
#define VENEER_PARENT_SERVICES_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/console/program_file.h"
#include "parent/include/system_call.h"
#include "parent/services/child_drives.h"
#include "parent/services/guest_console.h"

#define CHILD_NAME_SIZE 16 /* with the zero at its end */
#define CHILD_DEVICES_MAX 5
#define CHILD_PORTS_MAX 4 /* network cards of an emulated machine */
#define CHILDREN_MAX 16   /* that run at the same time */

struct channel_device;
struct child;
struct machine_control_answer;
struct machine_control_request;
struct object;

/* What a child is made of. */
struct child_plan {
    char name[CHILD_NAME_SIZE];
    struct program_file worker;
    struct program_file kernel; /* or the firmware of an emulated machine */
    struct program_file initrd; /* or an emulated machine's option ROM; size 0: there is none */
    bool emulated;              /* a machine with firmware, drives and network cards: */
    struct child_drives drives;
    struct object *ports[CHILD_PORTS_MAX]; /* with references: what its cards are connected to */
    unsigned port_count;
    struct channel_device *devices[CHILD_DEVICES_MAX];
    unsigned device_count;
    struct channel_device
        *controller;                  /* that of its disks, one of the devices; NULL: it has none */
    char words[SYSTEM_MAX_ARGUMENTS]; /* the worker's, each ended by NUL; without attach= */
    size_t words_size;
    struct guest_console_listener listener; /* of its serial port, at each start */
};

/* Gives back the files and devices of a plan that is not started. */
void child_plan_free(struct child_plan *plan);

/* Once, before the others. */
void child_init(void);

/* Starts a child; its files and the references to its devices are its own from now on, also if it
 * fails. The result is a reference. NULL: *@error says why. */
struct child *child_start(struct child_plan *plan, const char **error);

/* The child called @name, which runs or has ended, with a reference; or NULL. */
struct child *child_find(const char *name);
void child_put(struct child *child);

/* Takes a child that has ended off the list, so that its name is free again. */
void child_forget(struct child *child);

/* Calls @function for each child. */
void child_for_each(void (*function)(struct child *child));

const char *child_name(const struct child *child);

/* The controller of its disks, as long as @child is referred to; NULL: it was started without. */
struct channel_device *child_controller(const struct child *child);

/* Waits for the end until @deadline; false if that passed first. Listeners have heard everything
 * then. */
bool child_wait(struct child *child, struct system_process_end *end, uint64_t deadline);

/* The terminal shows what its serial port has said and is that port until it has ended, or a person
 * leaves by ^]: then false. */
bool child_be_terminal(struct child *child);

/* Ends its worker at once. */
void child_kill(struct child *child);

/* Asks its system to switch itself off, or to start anew. SYSTEM_ERROR_UNAVAILABLE: it does not
 * listen. */
enum system_error child_shutdown(struct child *child, enum system_vm_shutdown how);

/* *@age: microseconds since its system's last beat. SYSTEM_ERROR_UNAVAILABLE: there was none. */
enum system_error child_heartbeat(struct child *child, uint64_t *age);

/* Whether it is a machine that does not need the bus, and so has what follows. */
bool child_is_emulated(const struct child *child);

/* Sends @request to its machine, with a handle for @object, if that is not NULL; *@error says what
 * has gone wrong. False: it is not done. */
bool child_ask(struct child *child, struct machine_control_request *request, struct object *object,
               struct machine_control_answer *answer, const char **error);

/* Puts @disk into the empty drive called @drive; the reference is the child's if that succeeds.
 * False: *@error says why not. */
bool child_insert(struct child *child, const char *drive, struct object *disk, const char **error);

/* Takes the medium out of the drive called @drive. False: *@error says why not. */
bool child_eject(struct child *child, const char *drive, const char **error);

/* Types a key on its keyboard: @flags of enum system_vm_key. */
enum system_error child_key(struct child *child, uint16_t make_code, uint32_t flags);

#endif
