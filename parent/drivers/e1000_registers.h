/* Registers and descriptors of Intel's gigabit Ethernet controllers, by the names of their manuals
 * (see e1000.c). */
#ifndef VENEER_PARENT_DRIVERS_E1000_REGISTERS_H
#define VENEER_PARENT_DRIVERS_E1000_REGISTERS_H

#include <stdint.h>

#define CTRL 0x0000
#define STATUS 0x0008
#define EERD 0x0014
#define ICR 0x00c0
#define ITR 0x00c4
#define IMS 0x00d0
#define IMC 0x00d8
#define IVAR 0x00e4 /* 82574: which cause raises which MSI-X vector */
#define EITR0 0x00e8
#define RCTL 0x0100
#define TCTL 0x0400
#define TIPG 0x0410
#define RDBAL 0x2800
#define RDBAH 0x2804
#define RDLEN 0x2808
#define RDH 0x2810
#define RDT 0x2818
#define TDBAL 0x3800
#define TDBAH 0x3804
#define TDLEN 0x3808
#define TDH 0x3810
#define TDT 0x3818
#define MPC 0x4010 /* missed packets; reading clears it */
#define MTA 0x5200
#define MTA_COUNT 128
#define RAL0 0x5400
#define RAH0 0x5404

#define CTRL_GIO_MASTER_DISABLE (1u << 2) /* 82574 */
#define CTRL_LRST (1u << 3)
#define CTRL_ASDE (1u << 5)
#define CTRL_SLU (1u << 6)
#define CTRL_ILOS (1u << 7)
#define CTRL_FRCSPD (1u << 11)
#define CTRL_FRCDPLX (1u << 12)
#define CTRL_RST (1u << 26)
#define CTRL_PHY_RST (1u << 31)
#define STATUS_LU (1u << 1)
#define STATUS_SPEED(status) ((status) >> 6 & 3)
#define STATUS_GIO_MASTER_ENABLE (1u << 19)

#define EERD_START (1u << 0)
#define EERD_DONE_82540 (1u << 4)
#define EERD_ADDRESS_SHIFT_82540 8
#define EERD_DONE_82574 (1u << 1)
#define EERD_ADDRESS_SHIFT_82574 2
#define EERD_DATA_SHIFT 16

#define INTERRUPT_TXDW (1u << 0)
#define INTERRUPT_LSC (1u << 2)
#define INTERRUPT_RXDMT0 (1u << 4)
#define INTERRUPT_RXO (1u << 6)
#define INTERRUPT_RXT0 (1u << 7)
#define INTERRUPT_RXQ0 (1u << 20) /* 82574 with MSI-X, as the next two */
#define INTERRUPT_TXQ0 (1u << 22)
#define INTERRUPT_OTHER (1u << 24)
#define INTERRUPTS                                                                                 \
    (INTERRUPT_TXDW | INTERRUPT_LSC | INTERRUPT_RXDMT0 | INTERRUPT_RXO | INTERRUPT_RXT0)
#define INTERRUPTS_MSIX (INTERRUPT_RXQ0 | INTERRUPT_TXQ0 | INTERRUPT_OTHER)
#define IVAR_ALL_TO_VECTOR_0 0x80080808u

#define RCTL_EN (1u << 1)
#define RCTL_UPE (1u << 3)
#define RCTL_MPE (1u << 4)
#define RCTL_BAM (1u << 15)
#define RCTL_BSIZE_2048 (0u << 16)
#define RCTL_SECRC (1u << 26)
#define TCTL_EN (1u << 1)
#define TCTL_PSP (1u << 3)
#define TCTL_CT (0x0fu << 4)
#define TCTL_COLD (0x40u << 12)
#define TIPG_82540 0x0060200au /* IPGT 10, IPGR1 8, IPGR2 6 */
#define TIPG_82574 0x00602008u
#define RAH_AV (1u << 31)

struct receive_descriptor {
    uint64_t address;
    uint16_t length, checksum;
    uint8_t status, errors;
    uint16_t special;
};

#define RECEIVE_DD 0x01
#define RECEIVE_EOP 0x02
#define RECEIVE_ERRORS 0x97 /* RXE, CXE, SEQ, SE, CE; the others are of checksums */

struct transmit_descriptor {
    uint64_t address;
    uint16_t length;
    uint8_t checksum_offset, command, status, checksum_start;
    uint16_t special;
};

#define TRANSMIT_EOP 0x01
#define TRANSMIT_IFCS 0x02
#define TRANSMIT_RS 0x08
#define TRANSMIT_DD 0x01

#endif
