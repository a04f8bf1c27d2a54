#include "parent/kernel/power.h"

#include "lib/x86/cpu.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/console.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/time.h"

/* PM1 control register, and sleep control of hardware-reduced systems (ACPI 6.4, 4.8.3.2.1
 * and 4.8.3.7). */
#define PM1_SCI_ENABLE (1u << 0)
#define PM1_SLEEP_TYPE_SHIFT 10
#define PM1_SLEEP_TYPE_MASK (7u << PM1_SLEEP_TYPE_SHIFT)
#define PM1_SLEEP_ENABLE (1u << 13)
#define SLEEP_CONTROL_TYPE_SHIFT 2
#define SLEEP_CONTROL_ENABLE (1u << 5)

#define ACPI_ENABLE_LIMIT_MILLISECONDS 3000
#define EFFECT_MICROSECONDS 1000000 /* what we give the chipset to act */

/* Reset control register of Intel's chipsets and their like. */
#define RESET_CONTROL_PORT 0xcf9
#define RESET_CONTROL_SYSTEM 0x02 /* hard reset, not only INIT */
#define RESET_CONTROL_RESET 0x04
/* Keyboard controller (8042). */
#define KEYBOARD_STATUS_PORT 0x64
#define KEYBOARD_INPUT_FULL 0x02
#define KEYBOARD_PULSE_RESET 0xfe
#define KEYBOARD_POLLS 100000

static const void *reach(void *context, uint64_t address, size_t size)
{
    (void)context;
    return memory_reach(address, size);
}

const struct acpi_header *acpi_table(const char signature[4])
{
    static const struct acpi_access access = {.map = reach};
    if (!acpi_rsdp_valid(boot_info.rsdp, sizeof(boot_info.rsdp)))
        return NULL;
    return acpi_find(&access, boot_info.rsdp, signature);
}

static uint16_t read_register(const struct acpi_register *reg)
{
    if (reg->space == ACPI_SPACE_IO)
        return inw((uint16_t)reg->address);
    volatile uint16_t *memory = memory_map_device(reg->address, 2, MEMORY_UNCACHED);
    return memory ? *memory : 0;
}

static void write_register16(const struct acpi_register *reg, uint16_t value)
{
    if (reg->address == 0)
        return;
    if (reg->space == ACPI_SPACE_IO) {
        outw((uint16_t)reg->address, value);
        return;
    }
    volatile uint16_t *memory = memory_map_device(reg->address, 2, MEMORY_UNCACHED);
    if (memory)
        *memory = value;
}

static void write_register8(const struct acpi_register *reg, uint8_t value)
{
    if (reg->address == 0)
        return;
    if (reg->space == ACPI_SPACE_IO) {
        outb((uint16_t)reg->address, value);
        return;
    }
    volatile uint8_t *memory = memory_map_device(reg->address, 1, MEMORY_UNCACHED);
    if (memory)
        *memory = value;
}

/* Firmware may have left the machine in legacy mode, in which the PM registers need not work. */
static void enable_acpi_mode(const struct acpi_fixed_hardware *hardware)
{
    if (hardware->smi_command_port == 0 || hardware->acpi_enable == 0 ||
        read_register(&hardware->pm1a_control) & PM1_SCI_ENABLE)
        return;
    outb(hardware->smi_command_port, hardware->acpi_enable);
    for (int i = 0; i < ACPI_ENABLE_LIMIT_MILLISECONDS; i++) {
        if (read_register(&hardware->pm1a_control) & PM1_SCI_ENABLE)
            return;
        time_delay(1000);
    }
}

static void sleep_by_pm1(const struct acpi_register *reg, uint8_t type)
{
    if (reg->address == 0)
        return;
    uint16_t value = read_register(reg) & (uint16_t) ~(PM1_SLEEP_TYPE_MASK | PM1_SLEEP_ENABLE);
    value |= (uint16_t)(type << PM1_SLEEP_TYPE_SHIFT);
    write_register16(reg, value | PM1_SLEEP_ENABLE);
}

static bool read_fixed_hardware(struct acpi_fixed_hardware *hardware)
{
    const struct acpi_header *fadt = acpi_table("FACP");
    if (!fadt)
        return false;
    acpi_read_fadt(fadt, hardware);
    return true;
}

_Noreturn void power_halt(void)
{
    console_drain();
    for (;;)
        __asm__ volatile("cli; hlt");
}

_Noreturn void power_off(void)
{
    struct acpi_fixed_hardware hardware;
    const struct acpi_header *dsdt = acpi_table("DSDT");
    uint8_t type_a, type_b;
    console_drain();
    interrupts_disable();
    if (!dsdt || !read_fixed_hardware(&hardware) || !acpi_find_s5(dsdt, &type_a, &type_b)) {
        print("This machine's ACPI tables do not say how to switch it off.\n");
        power_halt();
    }
    if (hardware.hardware_reduced) {
        write_register8(&hardware.sleep_control,
                        (uint8_t)(type_a << SLEEP_CONTROL_TYPE_SHIFT | SLEEP_CONTROL_ENABLE));
    } else {
        enable_acpi_mode(&hardware);
        sleep_by_pm1(&hardware.pm1a_control, type_a);
        sleep_by_pm1(&hardware.pm1b_control, type_b);
    }
    time_delay(EFFECT_MICROSECONDS);
    print("This machine did not switch off: it is safe to do it by hand.\n");
    power_halt();
}

static void reset_by_keyboard_controller(void)
{
    for (int i = 0; i < KEYBOARD_POLLS; i++) {
        if (!(inb(KEYBOARD_STATUS_PORT) & KEYBOARD_INPUT_FULL))
            break;
    }
    outb(KEYBOARD_STATUS_PORT, KEYBOARD_PULSE_RESET);
}

_Noreturn void power_reset(void)
{
    struct acpi_fixed_hardware hardware;
    console_drain();
    interrupts_disable();
    if (read_fixed_hardware(&hardware)) {
        write_register8(&hardware.reset, hardware.reset_value);
        time_delay(EFFECT_MICROSECONDS);
    }
    outb(RESET_CONTROL_PORT, RESET_CONTROL_SYSTEM);
    outb(RESET_CONTROL_PORT, RESET_CONTROL_SYSTEM | RESET_CONTROL_RESET);
    time_delay(EFFECT_MICROSECONDS);
    reset_by_keyboard_controller();
    time_delay(EFFECT_MICROSECONDS);
    print("This machine did not restart: please do it by hand.\n");
    power_halt();
}
