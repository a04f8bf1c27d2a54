/* Device interrupts. */
#ifndef VENEER_PARENT_INCLUDE_INTERRUPT_H
#define VENEER_PARENT_INCLUDE_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* Runs with interrupts off. True: the interrupt was of this device (lines are shared). */
typedef bool (*device_handler_t)(void *context);

/* Connects an ISA interrupt (0-15), by the MADT's overrides, or a PCI line interrupt, by the number
 * that the firmware left in the function's line register (level, active low, unless the MADT knows
 * better), to
 * @handler. Lines are shared: all handlers of one are called until one says that it was its device.
 * There is no way to disconnect. False: no such interrupt, no vector or no memory left. Thread. */
bool interrupt_connect_isa(uint8_t irq, device_handler_t handler, void *context);
bool interrupt_connect_pci_line(uint8_t line, device_handler_t handler, void *context);

/* A message-signalled interrupt for a device to send: what to write where. CPUs take turns. */
struct interrupt_message {
    uint64_t address;
    uint32_t data;
    uint32_t cpu; /* that will get it */
};

/* False: no vector left. Thread. */
bool interrupt_connect_message(device_handler_t handler, void *context,
                               struct interrupt_message *message);

#endif
