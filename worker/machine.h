/* The machine that this process is: one child partition with its memory, VPs and devices.
 *
 * Locks: `lock` is held while a device is accessed, and by whatever else calls a device. Ports and
 * memory ranges are added before VPs run and never change. */
#ifndef VENEER_WORKER_MACHINE_H
#define VENEER_WORKER_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hv/parent.h"
#include "include/hv/synic.h"
#include "include/hv/vp_page.h"
#include "worker/devices/device.h"
#include "worker/lock.h"

#define MACHINE_MAX_VPS 32
#define MACHINE_LINE_SIZE 200

/* RAM is from 0 to here, and the rest of it from 4 GiB on; between are registers. */
#define MACHINE_LOW_END 0xc0000000ull
#define MACHINE_HIGH_START 0x100000000ull

/* How the process ends. */
#define MACHINE_STATUS_OFF 0
#define MACHINE_STATUS_FAILED 1

struct vp {
    uint32_t index;
    struct hv_vp_register_page *registers;
    struct veneer_vp_run *run;
    struct hv_message *message; /* the last intercept */
    /* For the test device. */
    char line[MACHINE_LINE_SIZE]; /* that the VP is printing */
    uint32_t line_length;
    uint32_t string_count; /* elements that IN strings have read */
};

struct machine {
    uint32_t handle; /* of the VM */
    uint64_t partition_id;
    struct device_memory ram; /* all of it, in one piece */
    uint32_t vp_count;
    struct vp vps[MACHINE_MAX_VPS];

    struct lock lock;
    struct vp *accessing; /* the VP whose access is being served; by the lock */
    struct device_host host;
    bool resets_by_triple_fault; /* else that is the machine's end */
    uint32_t disk_requests;      /* atomic: under way at drives, whose threads do them */
    /* Takes a write to a register that is declared as posted. The VP's thread. */
    void (*posted)(struct vp *vp, const struct veneer_posted_write *write);
};

extern struct machine machine;

/* Prints a message, which says what does not work and what to do, and ends the process. */
_Noreturn void machine_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A system call's result that must not be an error; else fails with @what. */
uint64_t machine_must(int64_t result, const char *what);

/* Makes the partition, @ram_size bytes of memory, which is to be mapped (guest_memory.h), and
 * @vp_count VPs. @enlightened: the guest sees that there is a hypervisor, and can use it. */
void machine_create(uint64_t ram_size, uint32_t vp_count, bool enlightened);

/* Bytes of RAM from address 0 on; the rest is from MACHINE_HIGH_START on. */
static inline uint64_t machine_low_size(void)
{
    return machine.ram.size < MACHINE_LOW_END ? machine.ram.size : MACHINE_LOW_END;
}

/* Maps the RAM from guest physical @first (below machine_low_size()) on, with what is from
 * MACHINE_HIGH_START on. */
void machine_map_ram(uint64_t first);

/* Starts a thread of this process. */
void machine_start_thread(void (*entry)(void *argument), void *argument);

/* A hypercall about the machine's partition. 0, or a result that is not success (negative: the
 * system call's error). */
int64_t machine_call(uint16_t code, uint16_t reps, const void *input, size_t input_size);

#endif
