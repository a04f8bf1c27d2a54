/* How VP 0 begins. */
#ifndef VENEER_WORKER_START_H
#define VENEER_WORKER_START_H

#include <stdint.h>

/* Guest physical addresses below 1 MiB that start-up uses. What follows START_TABLES are page
 * tables. */
#define START_INFORMATION 0x1000ull /* what the kernel is told: by its kind */
#define START_INFORMATION_SIZE 0xf000ull
#define START_TABLES 0x10000ull
#define START_KERNEL_LOWEST 0x100000ull /* where kernels may be */

enum start_mode {
    START_PROTECTED_MODE, /* 32 bits, no paging */
    START_LONG_MODE,      /* 64 bits; the first 4 GiB mapped one to one */
};

struct start_state {
    enum start_mode mode;
    uint64_t rip, rax, rbx, rsi, rdi;
    uint16_t code, data; /* selectors of flat segments */
    uint64_t gdt;        /* address; 0 and 0: none */
    uint16_t gdt_limit;
};

/* Sets the registers of VP 0, and the tables that they need. */
void start_set(const struct start_state *start);

#endif
