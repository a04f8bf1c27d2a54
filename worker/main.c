/* The worker of a child partition that runs an enlightened kernel: makes the machine, loads the
 * kernel, and runs it until it ends, with its status. It is started with words:
 *     worker kernel=SIZE [initrd=SIZE] [devices=N] [vps=N] [memory=MiB] [--] [words for the kernel]
 * and handles, in this order: memory with the kernel's file of SIZE bytes, the same for the initrd
 * if there is one, a pipe for the serial port, and N devices for its bus. */
#include "include/child_start.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/user/dispatch.h"
#include "parent/user/program.h"
#include "parent/user/system.h"
#include "worker/enlightened.h"
#include "worker/guest_memory.h"
#include "worker/load.h"
#include "worker/machine.h"
#include "worker/serial_console.h"
#include "worker/test_device.h"
#include "worker/timer.h"
#include "worker/vp.h"

#define DEFAULT_MEMORY 32u /* MiB */
#define LEAST_MEMORY 4u
#define MOST_MEMORY (1u << 20)

struct options {
    uint64_t kernel_size, initrd_size; /* bytes */
    uint64_t vps, memory, devices;     /* number, MiB, number */
    char command_line[SYSTEM_MAX_ARGUMENTS];
};

/* --- Words --- */

/* Whether @word is @key and a number, which goes to *@number. */
static bool take_number(const char *word, const char *key, uint64_t *number)
{
    size_t length = strlen(key);
    if (strncmp(word, key, length) != 0)
        return false;
    if (!parse_number(word + length, number))
        machine_fail("%s: %s is no number", key, word + length);
    return true;
}

/* All words together are no longer than the line. */
static void add_word(char *line, const char *word)
{
    size_t used = strlen(line);
    if (used > 0)
        line[used++] = ' ';
    string_copy(line + used, word, SYSTEM_MAX_ARGUMENTS - used);
}

static void read_options(int argc, char **argv, struct options *options)
{
    int i = 1;
    *options = (struct options){.vps = 1, .memory = DEFAULT_MEMORY};
    while (i < argc && (take_number(argv[i], "kernel=", &options->kernel_size) ||
                        take_number(argv[i], "initrd=", &options->initrd_size) ||
                        take_number(argv[i], "vps=", &options->vps) ||
                        take_number(argv[i], "memory=", &options->memory) ||
                        take_number(argv[i], "devices=", &options->devices)))
        i++;
    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    for (; i < argc; i++)
        add_word(options->command_line, argv[i]);
    if (options->kernel_size == 0 || options->devices > SYSTEM_MAX_START_HANDLES ||
        program_handle_count() != 2 + (options->initrd_size > 0) + options->devices)
        machine_fail("there is no kernel: start it by the console's command");
    if (options->vps == 0 || options->vps > MACHINE_MAX_VPS)
        machine_fail("a child has 1 to %d VPs", MACHINE_MAX_VPS);
    if (options->memory < LEAST_MEMORY || options->memory > MOST_MEMORY)
        machine_fail("a child has %u to %u MiB", LEAST_MEMORY, MOST_MEMORY);
}

/* --- Handles --- */

#define KERNEL_HANDLE 1u

static uint32_t console_handle(const struct options *options)
{
    return KERNEL_HANDLE + 1 + (options->initrd_size > 0);
}

static struct load_file map_file(uint32_t handle, uint64_t size)
{
    void *data;
    machine_must(system_memory_map(handle, 0, size, SYSTEM_RIGHT_READ, &data),
                 "the child's kernel");
    return (struct load_file){.data = data, .size = size};
}

static void load(const struct options *options)
{
    struct load_request request = {
        .kernel = map_file(KERNEL_HANDLE, options->kernel_size),
        .command_line = options->command_line,
    };
    if (options->initrd_size > 0)
        request.initrd = map_file(KERNEL_HANDLE + 1, options->initrd_size);
    load_kernel(&request);
    for (uint32_t handle = KERNEL_HANDLE; handle < console_handle(options); handle++)
        system_handle_close(handle);
    system_memory_unmap((void *)request.kernel.data);
    if (request.initrd.data)
        system_memory_unmap((void *)request.initrd.data);
}

/* The guest's memory is there by now: it is what devices reach. */
static void start_bus(const struct options *options)
{
    machine_must(system_vm_bus_start(machine.handle), "no bus for synthetic devices");
    for (uint32_t i = 0; i < options->devices; i++)
        machine_must(system_vm_attach(machine.handle, console_handle(options) + 1 + i, i),
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

static void run_vp(void *argument)
{
    vp_run(argument);
}

int main(int argc, char **argv)
{
    static struct options options;
    read_options(argc, argv, &options);
    vp_dispatch_init();
    machine_create(options.memory << 20, (uint32_t)options.vps, true);
    machine_map_ram(0);
    init_host();
    enlightened_add_devices(console_handle(&options));
    test_device_add();
    load(&options);
    start_bus(&options);
    machine_start_thread(test_device_receive, NULL);
    for (uint32_t i = 1; i < machine.vp_count; i++)
        machine_start_thread(run_vp, &machine.vps[i]);
    vp_run(&machine.vps[0]);
}
