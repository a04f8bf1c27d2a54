#include "tests/devices/dec21140_card.h"

#define CONFIG 0x80005000u /* device 10 */

static void map_ports(void *context, const struct device_ports *ports)
{
    fake_add_ports(context, ports);
}

static void unmap_ports(void *context, const struct device_ports *ports)
{
    fake_remove_ports(context, ports);
}

static void map_mmio(void *context, const struct device_mmio *mmio)
{
    fake_add_mmio(context, mmio);
}

static void unmap_mmio(void *context, const struct device_mmio *mmio)
{
    fake_remove_mmio(context, mmio);
}

void card_create(struct dec21140_card *card,
                 void (*send)(struct nic_link *link, const void *frame, uint32_t size))
{
    struct fake_machine *machine = &card->machine;

    fake_create(machine);
    card->line = (struct fake_line){0};
    card->ranges = (struct pci_ranges){machine, map_ports, unmap_ports, map_mmio, unmap_mmio};
    card->cable = (struct nic_link){.mac = {0x00, 0x15, 0x5d, 1, 2, 3}, .up = true, .send = send};
    pci_init(&card->bus, &machine->host, &card->ranges);
    dec21140_init(&card->nic, &machine->host, fake_line(&card->line), &card->cable);
    pci_add(&card->bus, 10, 0, &card->nic.function);
    fake_add_ports(machine, &card->bus.ports);
    card_write_config(card, 0x10, CARD_PORT);
    card_write_config(card, 0x14, CARD_MMIO);
    card_write_config(card, 0x04, 7);
}

void card_destroy(struct dec21140_card *card)
{
    fake_destroy(&card->machine);
}

uint32_t card_read(struct dec21140_card *card, uint32_t csr)
{
    return fake_in(&card->machine, (uint16_t)(CARD_PORT + 8 * csr), 4);
}

void card_write(struct dec21140_card *card, uint32_t csr, uint32_t value)
{
    fake_out(&card->machine, (uint16_t)(CARD_PORT + 8 * csr), 4, value);
}

uint32_t card_read_config(struct dec21140_card *card, uint32_t offset)
{
    fake_out(&card->machine, 0xcf8, 4, CONFIG | offset);
    return fake_in(&card->machine, 0xcfc, 4);
}

void card_write_config(struct dec21140_card *card, uint32_t offset, uint32_t value)
{
    fake_out(&card->machine, 0xcf8, 4, CONFIG | offset);
    fake_out(&card->machine, 0xcfc, 4, value);
}
