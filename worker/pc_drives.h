/* The PC's drives: two IDE channels with up to two drives each, and up to two floppy drives. With
 * the machine's lock, or before VPs run. */
#ifndef VENEER_WORKER_PC_DRIVES_H
#define VENEER_WORKER_PC_DRIVES_H

#include <stdint.h>

struct control;
struct i8237;
struct options;
struct pci_bus;

/* Makes the controllers and the drives that are attached, which @control gets too. */
void pc_drives_make(const struct options *options, struct pci_bus *pci, struct i8237 *dma,
                    struct control *control);

/* The machine's reset, after that of the PCI bus. */
void pc_drives_reset(void);

/* The types of the floppy drives, as i82077_drive_type(). */
uint8_t pc_drives_floppy_type(uint32_t number);

#endif
