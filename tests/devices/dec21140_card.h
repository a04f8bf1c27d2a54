/* The network card in a machine of its own, for its unit tests and its fuzzer: on a PCI bus with
 * its ranges mapped, at the end of a cable whose other end is the test's. */
#ifndef VENEER_TESTS_DEVICES_DEC21140_CARD_H
#define VENEER_TESTS_DEVICES_DEC21140_CARD_H

#include "tests/devices/fake.h"
#include "worker/devices/dec21140.h"

#define CARD_PORT 0xec00
#define CARD_MMIO 0xfebff000u

struct dec21140_card {
    struct fake_machine machine;
    struct fake_line line;
    struct pci_bus bus;
    struct pci_ranges ranges;
    struct dec21140 nic;
    struct nic_link cable;
};

/* Makes @card, with address 00:15:5d:01:02:03 and a link; what it sends goes to @send. It must not
 * be moved. */
void card_create(struct dec21140_card *card,
                 void (*send)(struct nic_link *link, const void *frame, uint32_t size));
void card_destroy(struct dec21140_card *card);

/* Its registers. */
uint32_t card_read(struct dec21140_card *card, uint32_t csr);
void card_write(struct dec21140_card *card, uint32_t csr, uint32_t value);

/* Its configuration. */
uint32_t card_read_config(struct dec21140_card *card, uint32_t offset);
void card_write_config(struct dec21140_card *card, uint32_t offset, uint32_t value);

#endif
