/* Registers and descriptors of the 21140A, and what its files have of each other. Names: 21140A
 * Hardware Reference Manual, chapters 3 and 4. */
#ifndef VENEER_WORKER_DEVICES_DEC21140_REGISTERS_H
#define VENEER_WORKER_DEVICES_DEC21140_REGISTERS_H

#include "worker/devices/dec21140.h"

/* Their numbers; a register is at 8 times that. */
enum {
    CSR0 = 0,   /* bus mode */
    CSR1 = 1,   /* transmit poll demand */
    CSR2 = 2,   /* receive poll demand */
    CSR3 = 3,   /* receive list */
    CSR4 = 4,   /* transmit list */
    CSR5 = 5,   /* status */
    CSR6 = 6,   /* operation mode */
    CSR7 = 7,   /* interrupt enable */
    CSR8 = 8,   /* missed frames */
    CSR9 = 9,   /* EEPROM and MII management */
    CSR10 = 10, /* boot ROM address */
    CSR11 = 11, /* general-purpose timer */
    CSR12 = 12, /* general-purpose port */
    CSR15 = 15, /* watchdog */
};

#define CSR0_SWR 0x00000001u /* software reset */
#define CSR0_DSL(value) ((value) >> 2 & 31)
#define CSR0_BLE 0x00000080u /* data in big-endian order */
#define CSR0_TAP(value) ((value) >> 17 & 3)
#define CSR0_DBO 0x00100000u /* descriptors in big-endian order */
#define CSR0_ONES 0xfe000000u

#define CSR5_TI 0x00000001u
#define CSR5_TPS 0x00000002u
#define CSR5_TU 0x00000004u
#define CSR5_RI 0x00000040u
#define CSR5_RU 0x00000080u
#define CSR5_RPS 0x00000100u
#define CSR5_GTE 0x00000800u
#define CSR5_FBE 0x00002000u
#define CSR5_EVENTS 0x00006fefu /* cleared by writing 1 */
#define CSR5_AIS 0x00008000u
#define CSR5_NIS 0x00010000u
#define CSR5_RS_SHIFT 17
#define CSR5_TS_SHIFT 20
#define CSR5_STATE 7u
#define CSR5_EB_SHIFT 23
#define CSR5_ONES 0xfc000000u
#define EB_MASTER_ABORT 1u

/* What happens in the two processes, where it can be seen. */
enum { PROCESS_STOPPED = 0, RECEIVE_WAITING = 3, RECEIVE_SUSPENDED = 4, TRANSMIT_SUSPENDED = 6 };

#define CSR6_HP 0x00000001u /* hash filter, one perfect address */
#define CSR6_SR 0x00000002u /* receive */
#define CSR6_HO 0x00000004u /* hash filter only */
#define CSR6_IF 0x00000010u /* inverse filter */
#define CSR6_FILTER (CSR6_HP | CSR6_HO | CSR6_IF)
#define CSR6_PR 0x00000040u /* promiscuous */
#define CSR6_PM 0x00000080u /* pass all multicast */
#define CSR6_OM(value) ((value) >> 10 & 3)
#define CSR6_ST 0x00002000u /* transmit */
#define CSR6_RA 0x40000000u /* receive all */

/* Of both kinds of descriptors. */
#define DES0_OWN 0x80000000u /* the adapter's */
#define DES0_ES 0x00008000u  /* error summary */
#define DES1_SIZE1(control) ((control)&0x7ff)
#define DES1_SIZE2(control) ((control) >> 11 & 0x7ff)
#define DES1_CHAINED 0x01000000u
#define DES1_END_OF_RING 0x02000000u
#define DESCRIPTOR_SIZE 16

struct dec21140_descriptor {
    uint32_t address; /* where it is */
    uint32_t status, control, buffer1, buffer2;
};

/* Sets @events of CSR5. */
void dec21140_event(struct dec21140 *nic, uint32_t events);
/* Sets the interrupt line as the registers say. */
void dec21140_update_interrupt(struct dec21140 *nic);

/* State of the receive or transmit process, PROCESS_… */
uint32_t dec21140_process(const struct dec21140 *nic, uint32_t shift);
void dec21140_set_process(struct dec21140 *nic, uint32_t shift, uint32_t process);

/* Memory for DMA; NULL: that is no RAM, and the adapter has stopped with a fatal bus error. */
void *dec21140_memory(struct dec21140 *nic, uint32_t address, uint32_t size);
/* Whether the adapter may reach memory at all. */
bool dec21140_is_master(const struct dec21140 *nic);

/* Reads the descriptor at @address, once. False: bus error. */
bool dec21140_read_descriptor(struct dec21140 *nic, uint32_t address,
                              struct dec21140_descriptor *descriptor);
/* Gives it back to the driver, after everything else. */
void dec21140_close_descriptor(struct dec21140 *nic, const struct dec21140_descriptor *descriptor,
                               uint32_t status);
/* Where the next one is; @list: the register with the ring's beginning. */
uint32_t dec21140_next_descriptor(const struct dec21140 *nic,
                                  const struct dec21140_descriptor *descriptor, uint32_t list);

/* dec21140_transmit.c: sends what there is. */
void dec21140_transmit(struct dec21140 *nic);

/* dec21140_receive.c: a frame has come, from the link or (@looped) from the adapter itself. */
void dec21140_receive(struct dec21140 *nic, const uint8_t *frame, uint32_t size, bool looped);
/* Looks whether a suspended process can go on. */
void dec21140_receive_poll(struct dec21140 *nic);

/* dec21140_filter.c: before the first setup frame; what a setup frame of @kind (TDES1's FT1 and
 * FT0) says; whether a frame to @destination is wanted. */
#define SETUP_FRAME_SIZE 192
void dec21140_filter_reset(struct dec21140_filter *filter, const uint8_t mac[6]);
void dec21140_filter_setup(struct dec21140_filter *filter, uint32_t kind,
                           const uint8_t frame[SETUP_FRAME_SIZE]);
bool dec21140_filter_accepts(const struct dec21140_filter *filter, const uint8_t *destination);

/* dec21140_srom.c: the EEPROM of a card with this address. */
void dec21140_srom_make(uint16_t words[EEPROM_93C46_WORDS], const uint8_t mac[6]);

#endif
