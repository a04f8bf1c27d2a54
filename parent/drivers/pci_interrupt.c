/* Interrupts of PCI functions: MSI-X and MSI (PCI 3.0, 6.8), and the line that the firmware routed.
 */
#include <stddef.h>

#include "parent/drivers/pci.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"

/* MSI capability. */
#define MSI_CONTROL 2
#define MSI_ADDRESS 4
#define MSI_ADDRESS_HIGH 8
#define MSI_DATA_32 8
#define MSI_DATA_64 12
#define MSI_MASK_32 12
#define MSI_MASK_64 16
#define MSI_CONTROL_ENABLE 0x0001u
#define MSI_CONTROL_MULTIPLE_ENABLE 0x0070u
#define MSI_CONTROL_64_BIT 0x0080u
#define MSI_CONTROL_MASKABLE 0x0100u

/* MSI-X capability and table. */
#define MSIX_CONTROL 2
#define MSIX_TABLE 4
#define MSIX_CONTROL_COUNT_MASK 0x07ffu /* of the last entry */
#define MSIX_CONTROL_FUNCTION_MASK 0x4000u
#define MSIX_CONTROL_ENABLE 0x8000u
#define MSIX_TABLE_BAR_MASK 0x7u
#define MSIX_ENTRY_SIZE 16u
#define MSIX_ENTRY_MASKED 0x1u

struct msix_entry {
    uint32_t address, address_high, data, control;
};

_Static_assert(sizeof(struct msix_entry) == MSIX_ENTRY_SIZE, "PCI 3.0, 6.8.2.6");

static void disable_line(const struct pci_function *function)
{
    pci_write(function, PCI_COMMAND, 2,
              pci_read(function, PCI_COMMAND, 2) | PCI_COMMAND_INTERRUPT_DISABLE);
}

static void enable_line(const struct pci_function *function)
{
    pci_write(function, PCI_COMMAND, 2,
              pci_read(function, PCI_COMMAND, 2) & ~PCI_COMMAND_INTERRUPT_DISABLE);
}

uint32_t pci_msix_count(const struct pci_function *function)
{
    uint8_t capability = pci_find_capability(function, PCI_CAPABILITY_MSIX);

    if (capability == 0)
        return 0;
    return (pci_read(function, capability + MSIX_CONTROL, 2) & MSIX_CONTROL_COUNT_MASK) + 1;
}

/* Maps the entry @index of the table of the capability at @capability; NULL if the function says
 * that it is where nothing can be. */
static volatile struct msix_entry *msix_entry(const struct pci_function *function,
                                              uint8_t capability, uint32_t index)
{
    uint32_t table = pci_read(function, capability + MSIX_TABLE, 4);
    uint32_t bar_index = table & MSIX_TABLE_BAR_MASK;
    uint64_t offset = (table & ~MSIX_TABLE_BAR_MASK) + (uint64_t)index * MSIX_ENTRY_SIZE;

    if (bar_index >= PCI_BAR_COUNT)
        return NULL;

    const struct pci_bar *bar = &function->bars[bar_index];

    if (bar->io || offset + MSIX_ENTRY_SIZE > bar->size)
        return NULL;
    return memory_map_device(bar->address + offset, MSIX_ENTRY_SIZE, MEMORY_UNCACHED);
}

bool pci_connect_msix(const struct pci_function *function, uint32_t index, device_handler_t handler,
                      void *context)
{
    struct interrupt_message message;
    uint8_t capability = pci_find_capability(function, PCI_CAPABILITY_MSIX);

    if (index >= pci_msix_count(function))
        return false;

    volatile struct msix_entry *entry = msix_entry(function, capability, index);

    if (entry == NULL || !interrupt_connect_message(handler, context, &message))
        return false;
    entry->control = MSIX_ENTRY_MASKED;
    entry->address = (uint32_t)message.address;
    entry->address_high = (uint32_t)(message.address >> 32);
    entry->data = message.data;
    entry->control = 0;
    disable_line(function);

    uint32_t control = pci_read(function, capability + MSIX_CONTROL, 2);

    pci_write(function, capability + MSIX_CONTROL, 2,
              (control | MSIX_CONTROL_ENABLE) & ~MSIX_CONTROL_FUNCTION_MASK);
    return true;
}

static bool connect_msi(const struct pci_function *function, device_handler_t handler,
                        void *context)
{
    struct interrupt_message message;
    uint8_t capability = pci_find_capability(function, PCI_CAPABILITY_MSI);

    if (capability == 0)
        return false;

    uint32_t control = pci_read(function, capability + MSI_CONTROL, 2);
    bool wide = (control & MSI_CONTROL_64_BIT) != 0;

    if (!interrupt_connect_message(handler, context, &message))
        return false;
    pci_write(function, capability + MSI_ADDRESS, 4, (uint32_t)message.address);
    if (wide)
        pci_write(function, capability + MSI_ADDRESS_HIGH, 4, (uint32_t)(message.address >> 32));
    pci_write(function, capability + (wide ? MSI_DATA_64 : MSI_DATA_32), 2, message.data);
    if (control & MSI_CONTROL_MASKABLE)
        pci_write(function, capability + (wide ? MSI_MASK_64 : MSI_MASK_32), 4, 0);
    disable_line(function);
    control &= ~MSI_CONTROL_MULTIPLE_ENABLE; /* one message */
    pci_write(function, capability + MSI_CONTROL, 2, control | MSI_CONTROL_ENABLE);
    return true;
}

/* The firmware writes the input of the interrupt controller into the register; FFh: none. */
static bool connect_line(const struct pci_function *function, device_handler_t handler,
                         void *context)
{
    if (function->interrupt_pin == 0 || function->interrupt_line == 0 ||
        function->interrupt_line == UINT8_MAX)
        return false;
    enable_line(function);
    return interrupt_connect_pci_line(function->interrupt_line, handler, context);
}

bool pci_connect_interrupt(const struct pci_function *function, device_handler_t handler,
                           void *context)
{
    if (pci_connect_msix(function, 0, handler, context) ||
        connect_msi(function, handler, context) || connect_line(function, handler, context))
        return true;
    log_print(LOG_ERROR, "pci: %02x:%02x.%u: no usable interrupt", function->bus, function->device,
              function->function);
    return false;
}
