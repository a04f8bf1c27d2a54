#include "worker/devices/piix4_ide.h"

/* Configuration. 82371AB (PIIX4), 5.1. */
enum {
    CONFIG_BMIBA = 0x20,
    CONFIG_IDETIM = 0x40, /* two words, one for each channel */
    CONFIG_SIDETIM = 0x44,
    CONFIG_UDMACTL = 0x48,
    CONFIG_UDMATIM = 0x4a,
};

#define BMIBA_BAR ((CONFIG_BMIBA - PCI_BAR0) / 4)
#define IDETIM_ENABLE 0x8000 /* decode of the channel's ports: here always */

static const struct {
    uint16_t command, control;
} ports[PIIX4_IDE_CHANNELS] = {{0x1f0, 0x3f6}, {0x170, 0x376}};

static struct ide_dma *dma_of(struct piix4_ide *ide, uint32_t offset)
{
    return &ide->channels[offset / IDE_DMA_PORTS].dma;
}

static uint32_t read_bus_master(void *device, uint16_t offset, uint32_t size)
{
    struct piix4_ide *ide = device;
    uint32_t value = UINT32_MAX;

    for (uint32_t i = 0; i < size && offset + i < ide->bus_master.count; i++) {
        uint8_t byte = ide_dma_read(dma_of(ide, offset + i), (offset + i) % IDE_DMA_PORTS);

        value &= ~(0xffu << 8 * i);
        value |= (uint32_t)byte << 8 * i;
    }
    return value;
}

static void write_bus_master(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    struct piix4_ide *ide = device;

    for (uint32_t i = 0; i < size && offset + i < ide->bus_master.count; i++)
        ide_dma_write(dma_of(ide, offset + i), (offset + i) % IDE_DMA_PORTS,
                      (uint8_t)(value >> 8 * i));
}

static void config_written(void *device, uint32_t offset, uint32_t size)
{
    struct piix4_ide *ide = device;
    bool master = pci_get16(ide->function.config, PCI_COMMAND) & PCI_COMMAND_MASTER;

    (void)offset;
    (void)size;
    for (uint32_t i = 0; i < PIIX4_IDE_CHANNELS; i++)
        ide_dma_enable(&ide->channels[i].dma, master);
}

void piix4_ide_reset(struct piix4_ide *ide)
{
    for (uint32_t i = 0; i < PIIX4_IDE_CHANNELS; i++)
        ide_reset(&ide->channels[i]);
}

void piix4_ide_init(struct piix4_ide *ide, const struct device_host *host,
                    struct device_line primary, struct device_line secondary)
{
    struct pci_function *function = &ide->function;
    struct device_line irqs[PIIX4_IDE_CHANNELS] = {primary, secondary};

    for (uint32_t i = 0; i < PIIX4_IDE_CHANNELS; i++)
        ide_init(&ide->channels[i], host, irqs[i], ports[i].command, ports[i].control);
    ide->bus_master = (struct device_ports){.count = IDE_DMA_PORTS * PIIX4_IDE_CHANNELS,
                                            .read = read_bus_master,
                                            .write = write_bus_master,
                                            .device = ide};
    /* Bus master; both channels in compatibility mode, for good. */
    pci_function_init(function, 0x8086, 0x7111, 0x010180, 1);
    pci_set16(function->writable, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    pci_add_port_bar(function, BMIBA_BAR, &ide->bus_master);
    for (uint32_t i = 0; i < PIIX4_IDE_CHANNELS; i++) {
        pci_set16(function->reset, CONFIG_IDETIM + 2 * i, IDETIM_ENABLE);
        pci_set16(function->writable, CONFIG_IDETIM + 2 * i, 0xf3ff);
    }
    function->writable[CONFIG_SIDETIM] = 0xff;
    function->writable[CONFIG_UDMACTL] = 0x0f;
    pci_set16(function->writable, CONFIG_UDMATIM, 0x3333);
    function->written = config_written;
    function->device = ide;
}
