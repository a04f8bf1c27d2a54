/* Direct start of kernels, without firmware. A kernel's file is trusted no more than its guest. */
#ifndef VENEER_WORKER_LOAD_H
#define VENEER_WORKER_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_file {
    const void *data;
    size_t size; /* 0: there is none */
};

struct load_request {
    struct load_file kernel, initrd;
    const char *command_line;
};

/* Loads the kernel by what its file is: Linux bzImage, Multiboot, or ELF as include/child_start.h
 * has it; and sets the registers of VP 0. After the VPs were made. Ends the process with a message
 * if it cannot be loaded. */
void load_kernel(const struct load_request *request);

/* For the kinds: copies @size bytes of @file from @offset on to guest @address, and clears what
 * follows up to @memory_size bytes. The result is where that ends. Ends the process if the file is
 * too short or the memory is not there. */
uint64_t load_place(const struct load_file *file, uint64_t offset, uint64_t size, uint64_t address,
                    uint64_t memory_size);

/* One for each kind. False: the file is of another kind. */
bool load_linux(const struct load_request *request);
bool load_multiboot(const struct load_request *request);
bool load_elf(const struct load_request *request);

#endif
