/* The worker of a child partition: makes the machine, loads its kernel or its firmware, and runs it
 * until it ends, with its status. It is started with words, of an enlightened machine:
 *     worker kernel=SIZE [initrd=SIZE] [devices=N] [vps=N] [memory=MiB] [fault=SECONDS] [--]
 *            [words for the kernel]
 * and handles, in this order: memory with the kernel's file of SIZE bytes, the same for the initrd
 * if there is one, a pipe for the serial port, and N devices for its bus. And of a PC:
 *     worker machine=pc firmware=SIZE [optionrom=SIZE] [vps=N] [memory=MiB] [boot=LETTERS]
 *            [attach=KIND:NUMBER...] [devices=N] [fault=SECONDS]
 * with memory with the firmware, the same for the option ROM if there is one, a pipe for the serial
 * port, the control pipe, one handle per attach= (hd:0 to hd:3, cd:0 to cd:3, fd:0, fd:1, nic:0;
 * none for a drive without medium: attach=cd:2:empty), and N devices for its bus, which it has only
 * with devices=. With fault= the worker makes an exception so many seconds after its start, to see
 * what comes of it. */
#include "include/child_start.h"
#include "parent/user/dispatch.h"
#include "parent/user/program.h"
#include "parent/user/system.h"
#include "worker/enlightened.h"
#include "worker/guest_memory.h"
#include "worker/lapic.h"
#include "worker/load.h"
#include "worker/machine.h"
#include "worker/options.h"
#include "worker/pc_machine.h"
#include "worker/serial_console.h"
#include "worker/test_device.h"
#include "worker/timer.h"
#include "worker/vp.h"

#define US_PER_SECOND 1000000u

static struct load_file map_file(uint32_t handle, uint64_t size)
{
    void *data;
    machine_must(system_memory_map(handle, 0, size, SYSTEM_RIGHT_READ, &data), "the child's file");
    return (struct load_file){.data = data, .size = size};
}

static void unmap_file(uint32_t handle, const struct load_file *file)
{
    system_handle_close(handle);
    system_memory_unmap((void *)file->data);
}

static void load(const struct options *options)
{
    struct load_request request = {
        .kernel = map_file(options->kernel, options->kernel_size),
        .command_line = options->command_line,
    };
    if (options->initrd != 0)
        request.initrd = map_file(options->initrd, options->initrd_size);
    load_kernel(&request);
    unmap_file(options->kernel, &request.kernel);
    if (options->initrd != 0)
        unmap_file(options->initrd, &request.initrd);
}

/* The guest's memory is there by now: it is what devices reach. */
static void start_bus(const struct options *options)
{
    machine_must(system_vm_bus_start(machine.handle), "no bus for synthetic devices");
    for (uint32_t i = 0; i < options->devices; i++)
        machine_must(system_vm_attach(machine.handle, options->first_device + i, i),
                     "a device of the child");
}

/* --- The machine's end --- */

static void power_off(void *context)
{
    (void)context;
    serial_console_flush();
    system_exit(MACHINE_STATUS_OFF);
}

static void reset(void *context)
{
    (void)context;
    serial_console_flush();
    system_exit(CHILD_STATUS_RESET);
}

static void init_host(void)
{
    machine.host = (struct device_host){.power_off = power_off, .reset = reset};
    guest_memory_init(&machine.host);
    timer_init(&machine.host);
}

static void make_enlightened(const struct options *options)
{
    machine_map_ram(0);
    enlightened_add_devices(options->console);
    test_device_add();
    load(options);
}

static void make_pc(const struct options *options)
{
    struct load_file firmware = map_file(options->kernel, options->kernel_size);
    struct load_file option_rom = {0};
    if (options->initrd != 0)
        option_rom = map_file(options->initrd, options->initrd_size);
    pc_machine_make(options, &firmware, &option_rom);
    unmap_file(options->kernel, &firmware);
    if (options->initrd != 0)
        unmap_file(options->initrd, &option_rom);
}

/* Of @argument, the seconds. With the lock, as a device that makes a fault has it. */
static void make_fault(void *argument)
{
    const uint64_t *seconds = argument;
    system_sleep(system_time() + *seconds * US_PER_SECOND);
    lock_take(&machine.lock);
    __builtin_trap();
}

static void run_vp(void *argument)
{
    vp_run(argument);
}

int main(int argc, char **argv)
{
    static struct options options;
    options_read(argc, argv, &options);
    vp_dispatch_init();
    machine_create(options.memory << 20, (uint32_t)options.vps, options.has_bus);
    init_host();
    lapic_init();
    if (options.pc)
        make_pc(&options);
    else
        make_enlightened(&options);
    if (options.has_bus)
        start_bus(&options);
    if (!options.pc)
        machine_start_thread(test_device_receive, NULL);
    if (options.fault != 0)
        machine_start_thread(make_fault, &options.fault);
    for (uint32_t i = 1; i < machine.vp_count; i++)
        machine_start_thread(run_vp, &machine.vps[i]);
    vp_run(&machine.vps[0]);
}
