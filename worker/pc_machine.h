/* The PC: an Intel 440BX with PIIX4, for systems that know nothing of hypervisors. Makes its
 * devices and puts them together. */
#ifndef VENEER_WORKER_PC_MACHINE_H
#define VENEER_WORKER_PC_MACHINE_H

struct load_file;
struct options;

/* Makes the machine that @options describe, with @firmware, and @option_rom if its size is not 0,
 * which are copied. Ends the process with a message if it cannot be. No VP runs yet. */
void pc_machine_make(const struct options *options, const struct load_file *firmware,
                     const struct load_file *option_rom);

/* Resets the devices, but for the interrupt controllers. With the machine's lock; no VP is being
 * served. */
void pc_machine_reset(void);

#endif
