/* A PC with the IDE controller of the PIIX4 and its two channels, for the tests of drives. */
#ifndef VENEER_TESTS_DEVICES_FAKE_IDE_H
#define VENEER_TESTS_DEVICES_FAKE_IDE_H

#include "tests/devices/fake.h"
#include "tests/devices/fake_disk.h"
#include "worker/devices/ata.h"
#include "worker/devices/piix4_ide.h"

/* Registers of the primary channel, and of its bus master where fake_ide_create() puts it. */
enum {
    IDE_DATA = 0x1f0,
    IDE_FEATURE = 0x1f1,
    IDE_COUNT = 0x1f2,
    IDE_LOW = 0x1f3,
    IDE_MID = 0x1f4,
    IDE_HIGH = 0x1f5,
    IDE_DEVICE = 0x1f6,
    IDE_STATUS = 0x1f7,
    IDE_CONTROL = 0x3f6,
    IDE_BM_COMMAND = 0xc000,
    IDE_BM_STATUS = 0xc002,
    IDE_BM_TABLE = 0xc004,
};

struct fake_ide {
    struct fake_machine machine;
    struct pci_bus bus;
    struct piix4_ide ide;
    struct fake_line irqs[2];
};

/* Makes the machine, with no drives yet, and lets the function be master of the bus. */
void fake_ide_create(struct fake_ide *pc);
void fake_ide_destroy(struct fake_ide *pc);

/* Attaches @ata on @disk, which it makes, with @sectors and a pattern in the first @stored of them,
 * as master of the primary channel. The caller destroys @disk. */
void fake_ide_add_disk(struct fake_ide *pc, struct fake_disk *disk, struct ata *ata,
                       uint64_t sectors, uint32_t stored);

/* Writes a register of the function's configuration. */
void fake_ide_config(struct fake_ide *pc, uint32_t offset, uint32_t size, uint32_t value);

/* Writes count, LBA (28 bits) and device, then the command. */
void fake_ide_command(struct fake_ide *pc, uint8_t device, uint32_t lba, uint8_t count,
                      uint8_t code);
/* Likewise with 48 bits. */
void fake_ide_command_ext(struct fake_ide *pc, uint8_t device, uint64_t lba, uint16_t count,
                          uint8_t code);

/* Moves @size bytes as 16-bit words, as a string if @block. */
void fake_ide_read(struct fake_ide *pc, void *data, uint32_t size, bool block);
void fake_ide_write(struct fake_ide *pc, const void *data, uint32_t size, bool block);

/* Writes a descriptor of a table of regions to RAM. @size: 65536 at most. */
void fake_ide_prd(struct fake_ide *pc, uint32_t at, uint32_t address, uint32_t size, bool last);
/* Starts the bus master. */
void fake_ide_start(struct fake_ide *pc, uint32_t table, bool to_memory);

#endif
