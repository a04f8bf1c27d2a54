/* The worker of a child that runs a freestanding kernel (include/child_start.h): the loader, one
 * thread per VP, and the devices. What a child does, it may do on purpose: everything that comes
 * from it is checked. */
#ifndef VENEER_PARENT_USER_CHILD_CHILD_H
#define VENEER_PARENT_USER_CHILD_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/child_start.h"
#include "include/hv/intercept.h"
#include "include/hv/parent.h"
#include "include/hv/synic.h"
#include "include/hv/vp_page.h"
#include "include/hv/vp_registers.h"

#define CHILD_MAX_VPS 32
#define CHILD_LINE_SIZE 200

struct child_vp {
    uint32_t index;
    struct hv_vp_register_page *registers;
    struct veneer_vp_run *run;
    struct hv_message *message; /* the last intercept */
    char line[CHILD_LINE_SIZE]; /* that it is printing */
    uint32_t line_length;
    uint32_t string_count; /* elements that the present IN string has read */
};

struct child {
    uint32_t vm; /* handle */
    uint64_t partition_id;
    uint8_t *memory; /* the child's, from guest address 0 on */
    uint64_t memory_size;
    uint64_t entry;
    uint32_t vp_count;
    struct child_vp vps[CHILD_MAX_VPS];

    /* What devices keep; atomic. */
    uint32_t scratch, mmio_scratch;
    uint32_t posted_count, posted_sum;
    uint32_t message_count, event_count;
};

extern struct child child;

/* Numbers of registers, for hv_vp_register_page.gpr. */
enum { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI };

/* Prints a message, which says what does not work, and ends the worker. */
_Noreturn void child_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* loader.c: puts the ELF file and what the child starts with into its memory. */
void child_load(const void *file, size_t size, const char *command_line);
/* Sets the registers of VP 0 to begin. */
void child_set_start_state(void);

/* memory.c: @size bytes of the child's at linear address @address, as VP @vp sees them now. False:
 * a part is not mapped, or not to be written. */
bool child_read(const struct child_vp *vp, uint64_t address, void *data, size_t size);
bool child_write(const struct child_vp *vp, uint64_t address, const void *data, size_t size);

/* vp.c: declares the registers of @vp that need no exit; runs @argument, a struct child_vp, for
 * ever. */
void child_declare_registers(const struct child_vp *vp);
_Noreturn void child_run(struct child_vp *vp);
/* Describes the state of @vp, says @why, and ends the worker. */
_Noreturn void child_crash(struct child_vp *vp, const char *why);

/* devices.c: registers of @size bytes; a port or in the page at CHILD_MMIO_BASE. */
void child_port_write(struct child_vp *vp, uint16_t port, uint32_t size, uint32_t value);
uint32_t child_port_read(struct child_vp *vp, uint16_t port, uint32_t size);
void child_mmio_write(struct child_vp *vp, uint64_t address, uint32_t value);
uint32_t child_mmio_read(struct child_vp *vp, uint64_t address);
void child_posted_write(const struct veneer_posted_write *write);
/* A thread: counts what comes through the child's connections. */
void child_receive(void *argument);

/* string_io.c: a string access; flags for the next dispatch. */
uint32_t child_string_io(struct child_vp *vp,
                         const struct hv_x64_io_port_intercept_message *message);

/* mmio.c: an access to memory that is not there; flags for the next dispatch. */
uint32_t child_mmio(struct child_vp *vp, const struct hv_x64_memory_intercept_message *message);

#endif
