#include "worker/pc_drives.h"

#include "lib/string.h"
#include "worker/control.h"
#include "worker/devices/ata.h"
#include "worker/devices/atapi.h"
#include "worker/devices/i82077.h"
#include "worker/devices/piix4_ide.h"
#include "worker/disk_host.h"
#include "worker/io.h"
#include "worker/machine.h"
#include "worker/options.h"
#include "worker/pc.h"
#include "worker/pc_interrupt.h"

#define IDE_POSITIONS (PIIX4_IDE_CHANNELS * IDE_DRIVES)
#define FLOPPY_SECTOR 512

static struct piix4_ide ide;
static struct ata disks[IDE_POSITIONS];
static struct atapi cds[IDE_POSITIONS];
static struct i82077 floppy;

/* The number in "KIND:NUMBER" if it is of that kind and below @limit; else @limit. */
static uint32_t position(const char *name, const char *kind, uint32_t limit)
{
    size_t length = strlen(kind);
    uint32_t number = (uint32_t)(uint8_t)name[length] - '0';
    bool matches = strncmp(name, kind, length) == 0 && name[length] != '\0' &&
                   name[length + 1] == '\0' && number < limit;
    return matches ? number : limit;
}

static struct disk *open_drive(const struct attached *attached, uint32_t sector, bool removable,
                               struct control *control)
{
    if (control->drive_count == CONTROL_MAX_DRIVES)
        machine_fail("a machine has at most %d drives", CONTROL_MAX_DRIVES);
    struct control_drive *drive = &control->drives[control->drive_count++];
    memcpy(drive->name, attached->name, sizeof(drive->name));
    drive->disk = disk_host_open(attached->handle, sector, removable);
    return drive->disk;
}

static void attach(uint32_t at, struct ide_drive *drive)
{
    if (ide.channels[at / IDE_DRIVES].drives[at % IDE_DRIVES])
        machine_fail("two drives at IDE position %u", at);
    ide_attach(&ide.channels[at / IDE_DRIVES], at % IDE_DRIVES, drive);
}

/* Adds the drive if it is one; @floppies gets its disk if it is of the other kind. */
static void add(const struct attached *attached, struct control *control, struct disk **floppies)
{
    uint32_t disk = position(attached->name, "hd:", IDE_POSITIONS);
    uint32_t cd = position(attached->name, "cd:", IDE_POSITIONS);
    uint32_t fd = position(attached->name, "fd:", I82077_DRIVES);
    if (disk < IDE_POSITIONS) {
        ata_init(&disks[disk], open_drive(attached, DISK_SECTOR, false, control));
        attach(disk, &disks[disk].drive);
    } else if (cd < IDE_POSITIONS) {
        atapi_init(&cds[cd], open_drive(attached, CD_SECTOR, true, control));
        attach(cd, &cds[cd].drive);
    } else if (fd < I82077_DRIVES) {
        floppies[fd] = open_drive(attached, FLOPPY_SECTOR, true, control);
    }
}

/* The registers from Features to LBA High only take parameters of the command that follows. With
 * several processors, one could give the command that another has written them for. */
static void post_parameters(const struct device_ports *ports)
{
    if (machine.vp_count == 1)
        io_post_writes((uint16_t)(ports->first + 1), 5);
}

void pc_drives_make(const struct options *options, struct pci_bus *pci, struct i8237 *dma,
                    struct control *control)
{
    struct disk *floppies[I82077_DRIVES] = {NULL};
    piix4_ide_init(&ide, &machine.host, pc_irq(IDE_PRIMARY_IRQ), pc_irq(IDE_SECONDARY_IRQ));
    for (uint32_t i = 0; i < options->attached_count; i++)
        add(&options->attached[i], control, floppies);
    for (uint32_t i = 0; i < PIIX4_IDE_CHANNELS; i++) {
        io_add_ports(&ide.channels[i].command_ports);
        io_add_ports(&ide.channels[i].control_port);
        post_parameters(&ide.channels[i].command_ports);
    }
    pci_add(pci, PIIX4_DEVICE, 1, &ide.function);
    i82077_init(&floppy, &machine.host, pc_irq(FLOPPY_IRQ), dma, floppies);
    for (uint32_t i = 0; i < sizeof(floppy.ports) / sizeof(floppy.ports[0]); i++)
        io_add_ports(&floppy.ports[i].ports);
}

void pc_drives_reset(void)
{
    piix4_ide_reset(&ide);
    i82077_reset(&floppy);
}

uint8_t pc_drives_floppy_type(uint32_t number)
{
    return i82077_drive_type(&floppy, number);
}
