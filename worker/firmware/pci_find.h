/* The PCI BIOS's functions that need ports and nothing else. This is compiled for real mode and,
 * with "protected_" before all names, for protected mode (BIOS32). */
#ifndef VENEER_FIRMWARE_PCI_FIND_H
#define VENEER_FIRMWARE_PCI_FIND_H

#include "worker/firmware/firmware.h"

#define PCI_SUCCESSFUL 0x00
#define PCI_NOT_SUPPORTED 0x81
#define PCI_BAD_VENDOR 0x83
#define PCI_NOT_FOUND 0x86
#define PCI_BAD_REGISTER 0x87
#define PCI_BUFFER_TOO_SMALL 0x89

/* Sets AH and CF. */
void pci_answer(struct frame *frame, uint8_t status);

/* Functions B101h to B10Dh; others are not supported. */
void pci_functions(struct frame *frame);

#endif
