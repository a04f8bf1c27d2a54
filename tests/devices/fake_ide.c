#include "tests/devices/fake_ide.h"

#include <string.h>

static void map_ports(void *context, const struct device_ports *ports)
{
    fake_add_ports(context, ports);
}

static void unmap_ports(void *context, const struct device_ports *ports)
{
    fake_remove_ports(context, ports);
}

void fake_ide_add_disk(struct fake_ide *pc, struct fake_disk *disk, struct ata *ata,
                       uint64_t sectors, uint32_t stored)
{
    fake_disk_create(disk, 512, sectors, stored);
    for (uint32_t i = 0; i < stored * 512; i++)
        disk->data[i] = (uint8_t)(i / 512 * 7 + i);
    ata_init(ata, &disk->disk);
    ide_attach(&pc->ide.channels[0], 0, &ata->drive);
}

void fake_ide_config(struct fake_ide *pc, uint32_t offset, uint32_t size, uint32_t value)
{
    fake_out(&pc->machine, 0xcf8, 4, 0x80000000 | 7 << 11 | 1 << 8 | (offset & 0xfc));
    fake_out(&pc->machine, (uint16_t)(0xcfc + (offset & 3)), size, value);
}

void fake_ide_create(struct fake_ide *pc)
{
    static struct pci_ranges ranges;

    fake_create(&pc->machine);
    memset(pc->irqs, 0, sizeof(pc->irqs));
    ranges = (struct pci_ranges){&pc->machine, map_ports, unmap_ports, NULL, NULL};
    pci_init(&pc->bus, &pc->machine.host, &ranges);
    piix4_ide_init(&pc->ide, &pc->machine.host, fake_line(&pc->irqs[0]), fake_line(&pc->irqs[1]));
    pci_add(&pc->bus, 7, 1, &pc->ide.function);
    fake_add_ports(&pc->machine, &pc->bus.ports);
    for (int i = 0; i < 2; i++) {
        fake_add_ports(&pc->machine, &pc->ide.channels[i].command_ports);
        fake_add_ports(&pc->machine, &pc->ide.channels[i].control_port);
    }
    fake_ide_config(pc, 0x20, 4, IDE_BM_COMMAND);
    fake_ide_config(pc, 0x04, 2, 0x0005);
}

void fake_ide_destroy(struct fake_ide *pc)
{
    fake_destroy(&pc->machine);
}

void fake_ide_command(struct fake_ide *pc, uint8_t device, uint32_t lba, uint8_t count,
                      uint8_t code)
{
    fake_outb(&pc->machine, IDE_DEVICE, (uint8_t)(0xe0 | device << 4 | lba >> 24));
    fake_outb(&pc->machine, IDE_COUNT, count);
    fake_outb(&pc->machine, IDE_LOW, (uint8_t)lba);
    fake_outb(&pc->machine, IDE_MID, (uint8_t)(lba >> 8));
    fake_outb(&pc->machine, IDE_HIGH, (uint8_t)(lba >> 16));
    fake_outb(&pc->machine, IDE_STATUS, code);
}

void fake_ide_command_ext(struct fake_ide *pc, uint8_t device, uint64_t lba, uint16_t count,
                          uint8_t code)
{
    fake_outb(&pc->machine, IDE_DEVICE, (uint8_t)(0xe0 | device << 4));
    fake_outb(&pc->machine, IDE_COUNT, (uint8_t)(count >> 8));
    fake_outb(&pc->machine, IDE_LOW, (uint8_t)(lba >> 24));
    fake_outb(&pc->machine, IDE_MID, (uint8_t)(lba >> 32));
    fake_outb(&pc->machine, IDE_HIGH, (uint8_t)(lba >> 40));
    fake_ide_command(pc, device, (uint32_t)lba & 0xffffff, (uint8_t)count, code);
}

void fake_ide_read(struct fake_ide *pc, void *data, uint32_t size, bool block)
{
    const struct device_ports *ports = &pc->ide.channels[0].command_ports;
    uint8_t *bytes = data;

    if (block) {
        ports->read_block(ports->device, 0, 2, size / 2, data);
        return;
    }
    for (uint32_t i = 0; i < size; i += 2) {
        uint32_t word = fake_in(&pc->machine, IDE_DATA, 2);

        memcpy(bytes + i, &word, 2);
    }
}

void fake_ide_write(struct fake_ide *pc, const void *data, uint32_t size, bool block)
{
    const struct device_ports *ports = &pc->ide.channels[0].command_ports;
    const uint8_t *bytes = data;

    if (block) {
        ports->write_block(ports->device, 0, 2, size / 2, data);
        return;
    }
    for (uint32_t i = 0; i < size; i += 2)
        fake_out(&pc->machine, IDE_DATA, 2, (uint32_t)(bytes[i] | bytes[i + 1] << 8));
}

void fake_ide_prd(struct fake_ide *pc, uint32_t at, uint32_t address, uint32_t size, bool last)
{
    uint32_t words[2] = {address, (size & 0xffff) | (last ? 0x80000000 : 0)};

    memcpy(pc->machine.ram + at, words, sizeof(words));
}

void fake_ide_start(struct fake_ide *pc, uint32_t table, bool to_memory)
{
    fake_out(&pc->machine, IDE_BM_TABLE, 4, table);
    fake_outb(&pc->machine, IDE_BM_COMMAND, to_memory ? 0x08 : 0);
    fake_outb(&pc->machine, IDE_BM_COMMAND, to_memory ? 0x09 : 0x01);
}
