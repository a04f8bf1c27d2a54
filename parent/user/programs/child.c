/* The worker of a child partition that runs a freestanding kernel: makes it, loads it and runs it
 * until it ends, with its status. Words: file=SIZE [vps=N] [memory=MiB] [devices=N] [--] [words for
 * the child...]; handle 1 is memory that holds the kernel's ELF file of SIZE bytes, those behind it
 * are devices for its bus. parent/user/child/
 * has the parts. */
#include <stdarg.h>

#include "include/hv/cpuid.h"
#include "lib/cmdline.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/user/child/child.h"
#include "parent/user/dispatch.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define FILE_HANDLE 1
#define STACK_SIZE 0x8000u
#define MESSAGE_SIZE 256

#define DEFAULT_MEMORY 32u /* MiB */
#define LEAST_MEMORY 4u
#define MOST_MEMORY 2048u /* so that nothing is at CHILD_MMIO_BASE */

/* What the child may use of the hypervisor: everything that it has for children. */
#define PRIVILEGES_LOW                                                                             \
    (HV_ACCESS_VP_RUN_TIME | HV_ACCESS_PARTITION_REFERENCE_COUNTER | HV_ACCESS_SYNIC |             \
     HV_ACCESS_SYNTHETIC_TIMERS | HV_ACCESS_APIC_MSRS | HV_ACCESS_HYPERCALL_MSRS |                 \
     HV_ACCESS_VP_INDEX | HV_ACCESS_PARTITION_REFERENCE_TSC | HV_ACCESS_FREQUENCY_MSRS)
#define PRIVILEGES_HIGH (HV_ACCESS_PARTITION_ID | HV_POST_MESSAGES | HV_SIGNAL_EVENTS)
#define PRIVILEGES ((uint64_t)PRIVILEGES_HIGH << 32 | PRIVILEGES_LOW)

struct child child;

struct options {
    uint64_t file_size, vps, memory; /* bytes, number, MiB */
    uint64_t devices;                /* their handles are behind FILE_HANDLE */
    char command_line[CHILD_COMMAND_LINE_SIZE];
};

_Noreturn void child_fail(const char *format, ...)
{
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    printf("child: %s\n", text);
    system_exit(1);
}

/* A result of the kernel's that must not be an error. */
static uint64_t must(int64_t result, const char *what)
{
    if (result < 0)
        child_fail("%s: %s", what, system_error_text(result));
    return (uint64_t)result;
}

/* Whether @word is @key and a number, which goes to *@number. */
static bool take_number(const char *word, const char *key, uint64_t *number)
{
    size_t length = strlen(key);
    if (strncmp(word, key, length) != 0)
        return false;
    if (!parse_number(word + length, number))
        child_fail("%s: %s is no number", key, word + length);
    return true;
}

static void add_word(char *line, const char *word)
{
    size_t used = strlen(line);
    size_t length = strlen(word);
    if (used + (used > 0) + length >= CHILD_COMMAND_LINE_SIZE)
        child_fail("the words for the child are longer than %d characters",
                   CHILD_COMMAND_LINE_SIZE - 1);
    if (used > 0)
        line[used++] = ' ';
    memcpy(line + used, word, length + 1);
}

static void read_options(int argc, char **argv, struct options *options)
{
    int i = 1;
    *options = (struct options){.vps = 1, .memory = DEFAULT_MEMORY};
    while (i < argc && (take_number(argv[i], "file=", &options->file_size) ||
                        take_number(argv[i], "vps=", &options->vps) ||
                        take_number(argv[i], "memory=", &options->memory) ||
                        take_number(argv[i], "devices=", &options->devices)))
        i++;
    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    for (; i < argc; i++)
        add_word(options->command_line, argv[i]);
    if (options->file_size == 0 || program_handle_count() < FILE_HANDLE ||
        options->devices > program_handle_count() - FILE_HANDLE)
        child_fail("there is no kernel: start it by the console's command");
    if (options->vps == 0 || options->vps > CHILD_MAX_VPS)
        child_fail("a child has 1 to %d VPs", CHILD_MAX_VPS);
    if (options->memory < LEAST_MEMORY || options->memory > MOST_MEMORY)
        child_fail("a child has %u to %u MiB", LEAST_MEMORY, MOST_MEMORY);
}

static void create_vm(const struct options *options)
{
    void *memory;
    child.memory_size = options->memory << 20;
    child.vm = (uint32_t)must(
        system_vm_create(PRIVILEGES, HV_SYNTHETIC_FEATURE_HYPERVISOR_PRESENT, &child.partition_id),
        "no child can be made");
    uint32_t handle =
        (uint32_t)must(system_memory_create(child.memory_size), "memory for the child");
    must(system_memory_map(handle, 0, child.memory_size, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE,
                           &memory),
         "the child's memory");
    must(system_vm_map(child.vm, handle, 0, child.memory_size, 0,
                       SYSTEM_VM_READ | SYSTEM_VM_WRITE | SYSTEM_VM_EXECUTE),
         "the child's memory");
    system_handle_close(handle);
    child.memory = memory;
}

static void load(const struct options *options)
{
    void *file;
    must(system_memory_map(FILE_HANDLE, 0, options->file_size, SYSTEM_RIGHT_READ, &file),
         "the child's kernel");
    child_load(file, options->file_size, options->command_line);
    system_memory_unmap(file);
}

static void create_vps(const struct options *options)
{
    child.vp_count = (uint32_t)options->vps;
    for (uint32_t i = 0; i < child.vp_count; i++) {
        void *pages;
        struct child_vp *vp = &child.vps[i];
        must(system_vp_create(child.vm, i, &pages), "no VP can be made");
        vp->index = i;
        vp->registers = pages;
        vp->run = (void *)((uint8_t *)pages + VENEER_VP_RUN_OFFSET);
        vp->message = (void *)((uint8_t *)pages + PAGE_SIZE);
        child_declare_registers(vp);
    }
}

static void create_ports(void)
{
    must(system_vm_port_create(child.vm, SYSTEM_PORT_MESSAGE, CHILD_CONNECTION_MESSAGE, 0),
         "no port for messages");
    must(system_vm_port_create(child.vm, SYSTEM_PORT_EVENT, CHILD_CONNECTION_EVENT,
                               CHILD_EVENT_FLAGS),
         "no port for events");
}

/* The memory is there by now: it is what devices reach. */
static void start_bus(const struct options *options)
{
    must(system_vm_bus_start(child.vm), "no bus for synthetic devices");
    for (uint32_t i = 0; i < options->devices; i++)
        must(system_vm_attach(child.vm, FILE_HANDLE + 1 + i, i), "a device of the child");
}

static void start_thread(void (*entry)(void *argument), void *argument)
{
    char *stack = malloc(STACK_SIZE);
    if (!stack)
        child_fail("no memory for a thread");
    must(system_thread_start(entry, stack + STACK_SIZE, argument), "no thread can be started");
}

static void run_vp(void *argument)
{
    child_run(argument);
}

int main(int argc, char **argv)
{
    struct options options;
    read_options(argc, argv, &options);
    vp_dispatch_init();
    create_vm(&options);
    create_vps(&options);
    load(&options);
    child_set_start_state();
    create_ports();
    start_bus(&options);
    start_thread(child_receive, NULL);
    for (uint32_t i = 1; i < child.vp_count; i++)
        start_thread(run_vp, &child.vps[i]);
    child_run(&child.vps[0]);
}
