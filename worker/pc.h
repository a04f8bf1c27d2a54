/* Where a PC has its devices: I/O ports and interrupt requests. */
#ifndef VENEER_WORKER_PC_H
#define VENEER_WORKER_PC_H

#define COM1_PORT 0x3f8
#define COM1_IRQ 4
#define COM2_PORT 0x2f8
#define COM2_IRQ 3
#define COM_PORTS 8

#define RTC_PORT 0x70
#define RTC_PORTS 2
#define RTC_IRQ 8
#define RTC_CENTURY 0x32 /* in the CMOS RAM */

/* The APM's, where ACPI is switched on. */
#define APM_PORT 0xb2

#define IOAPIC_TIMER_PIN 2 /* of the I/O APIC: IRQ 0 */

#define ISA_IRQS 16
#define TIMER_IRQ 0
#define KEYBOARD_IRQ 1
#define FLOPPY_IRQ 6
#define SCI_IRQ 9
#define MOUSE_IRQ 12
#define IDE_PRIMARY_IRQ 14
#define IDE_SECONDARY_IRQ 15

#define DELAY_PORT 0x80

/* On the PCI bus. */
#define PIIX4_DEVICE 7
#define VGA_DEVICE 8
#define NIC_DEVICE 10

/* Bytes. */
#define DISK_SECTOR 512
#define CD_SECTOR 2048

#endif
