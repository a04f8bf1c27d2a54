/* Commands on devices. */
#include "parent/console/command.h"
#include "parent/console/terminal.h"
#include "parent/include/driver.h"
#include "parent/include/block.h"

static bool run_pci(unsigned count, char **arguments)
{
    (void)count;
    (void)arguments;
    for (const struct pci_function *f = pci_functions(); f != NULL && !terminal_interrupted();
         f = f->next)
        terminal_print("%04x:%02x:%02x.%u  %04x:%04x  class %02x%02x%02x  %s\n", f->segment, f->bus,
                       f->device, f->function, f->vendor_id, f->device_id, f->class_code,
                       f->subclass, f->programming_interface,
                       f->driver != NULL ? f->driver->name : "(no driver)");
    return true;
}

static bool run_disks(unsigned count, char **arguments)
{
    struct block_device *device = NULL;

    (void)count;
    (void)arguments;
    while ((device = block_next(device)) != NULL) {
        if (device->sector_count == 0) {
            terminal_print("%-10s no medium  %s\n", device->name, device->model);
            continue;
        }
        terminal_print("%-10s %6llu MiB  %s%s  %llu reads, %llu writes, %llu errors\n",
                       device->name,
                       (unsigned long long)(device->sector_count * device->sector_size >> 20),
                       device->parent == NULL ? device->model : "partition",
                       device->read_only ? ", read-only" : "", (unsigned long long)device->reads,
                       (unsigned long long)device->writes, (unsigned long long)device->errors);
    }
    if (block_next(NULL) == NULL)
        terminal_print("no disks that a driver knows; pci lists all devices\n");
    return true;
}

const struct command device_commands[] = {
    {"pci", "", "lists PCI devices and their drivers", "pci", 0, 0, WORDS_NONE, run_pci},
    {"disks", "", "lists disks and partitions", "disks", 0, 0, WORDS_NONE, run_disks},
    {0},
};
