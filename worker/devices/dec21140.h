/* A PCI network card with a 21140A (1011:0009): descriptor rings, address filter, an EEPROM with
 * its address, and a transceiver for 100 Mb/s. dec21140.c has the registers, dec21140_transmit.c
 * and dec21140_receive.c the two processes, dec21140_filter.c which addresses it wants,
 * dec21140_srom.c what is in the EEPROM.
 *
 * Not there: the early receive interrupt, the boot ROM, the ports of the serial and symbol
 * interfaces other than MII, the sleep modes (their bits are kept).
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_DEC21140_H
#define VENEER_WORKER_DEVICES_DEC21140_H

#include "lib/crc32.h"
#include "worker/devices/eeprom_93c46.h"
#include "worker/devices/mii_phy.h"
#include "worker/devices/nic.h"
#include "worker/devices/pci.h"

#define DEC21140_SIZE 128 /* bytes of registers */
#define DEC21140_REGISTERS 16
#define DEC21140_MAX_FRAME 2048 /* that is put together for sending */
#define DEC21140_CRC_SIZE 4

#define DEC21140_PERFECT 16    /* addresses in the filter */
#define DEC21140_HASH_BITS 512 /* of addresses */

/* What the last setup frame said, or what holds before there was one. */
struct dec21140_filter {
    uint32_t mode; /* CSR6_HP, CSR6_HO, CSR6_IF */
    uint8_t perfect[DEC21140_PERFECT][6];
    uint8_t hash[DEC21140_HASH_BITS / 8];
};

struct dec21140_state {
    uint32_t csr[DEC21140_REGISTERS];  /* bits that are stored; see dec21140.c */
    uint32_t receive_at, transmit_at;  /* current descriptors */
    bool bus_error;                    /* both processes stand until a reset */
    uint8_t port_direction, port_data; /* CSR12: 1 for outputs; what they are set to */
    uint64_t timer_end; /* of CSR11's count, as now() counts; DEVICE_NEVER: it stands */
    struct dec21140_filter filter;
    struct eeprom_93c46_state eeprom;
    struct mii_phy_state phy;
    uint32_t frame_size; /* of the frame that is being put together */
    bool frame_too_long; /* it does not fit */
    uint8_t frame[DEC21140_MAX_FRAME];
};

struct dec21140 {
    const struct device_host *host;
    struct device_line interrupt;
    struct nic_link *link;
    struct device_timer timer; /* CSR11's */
    struct device_timer poll;  /* looks for descriptors to send, or goes on with many */
    struct device_ports ports;
    struct device_mmio mmio;
    struct pci_function function; /* for the machine to put on its bus */
    uint16_t srom[EEPROM_93C46_WORDS];
    struct crc32_tables crc;
    uint8_t received[NIC_MAX_FRAME + DEC21140_CRC_SIZE]; /* of one call only */
    struct dec21140_state state;
};

/* Makes @nic at the end of @link, whose callbacks for the adapter it fills in, with the address
 * that is there. @interrupt: what its pin INTA is routed to. */
void dec21140_init(struct dec21140 *nic, const struct device_host *host,
                   struct device_line interrupt, struct nic_link *link);

/* Resets what is not of the PCI function, which pci_reset() does. */
void dec21140_reset(struct dec21140 *nic);

#endif
