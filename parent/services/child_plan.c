#include "parent/services/child_plan.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/services/network_port.h"

#define WORD_SIZE 32
#define DEMO_MODULE "demo.elf"
#define DEMO_MODULE_SHORT "demo"
#define DEMO_PATH "/demo.elf"
#define FIRMWARE_MODULE "firmware"

static const char *demo_kernel(void)
{
    if (program_is_module(DEMO_MODULE))
        return DEMO_MODULE;
    return program_is_module(DEMO_MODULE_SHORT) ? DEMO_MODULE_SHORT : DEMO_PATH;
}

/* The CD first: it has its position. */
static bool open_drives(const char *command, const struct child_options *options,
                        struct child_plan *plan)
{
    if (options->cd != NULL && !child_drives_add_cd(command, &plan->drives, options->cd))
        return false;
    if (options->floppy != NULL &&
        !child_drives_add_floppy(command, &plan->drives, options->floppy))
        return false;
    for (unsigned i = 0; i < SCSI_CONTROLLER_DISKS; i++)
        if (options->disks[i] != NULL &&
            !child_drives_add_disk(command, &plan->drives, i, options->disks[i]))
            return false;
    return true;
}

/* What its network cards are connected to. */
static bool open_ports(const char *command, const struct child_options *options,
                       struct child_plan *plan)
{
    for (unsigned i = 0; i < NETWORK_ADAPTERS_MAX; i++) {
        if (options->switches[i] == NULL)
            continue;
        struct object *port = network_port_create(command, options->switches[i], i);
        if (port == NULL)
            return false;
        plan->ports[plan->port_count++] = port;
    }
    return true;
}

/* The controller of its disks: those at the paths, or the hard disks of an emulated machine. */
static struct channel_device *create_controller(const char *command,
                                                const struct child_options *options,
                                                const struct child_plan *plan)
{
    struct vdisk *disks[SCSI_CONTROLLER_DISKS];
    if (!options->pc)
        return scsi_controller_create(command, options->disks);
    unsigned count = child_drives_share(&plan->drives, disks, SCSI_CONTROLLER_DISKS);
    return scsi_controller_create_shared(command, disks, count);
}

static bool open_controller(const char *command, const struct child_options *options,
                            struct child_plan *plan)
{
    bool any = false;
    for (unsigned i = 0; i < SCSI_CONTROLLER_DISKS; i++)
        any = any || options->disks[i] != NULL;
    if (!any)
        return true;
    plan->controller = create_controller(command, options, plan);
    if (plan->controller == NULL)
        return false;
    plan->devices[plan->device_count++] = plan->controller;
    return true;
}

/* Those on its bus. */
static bool open_devices(const char *command, const struct child_options *options,
                         struct child_plan *plan)
{
    if (!open_controller(command, options, plan))
        return false;
    for (unsigned i = 0; i < NETWORK_ADAPTERS_MAX; i++) {
        if (options->switches[i] == NULL)
            continue;
        struct channel_device *device = network_adapter_create(command, options->switches[i], i);
        if (device == NULL)
            return false;
        plan->devices[plan->device_count++] = device;
    }
    return true;
}

/* With the bus, a system that knows it finds the hard disks there, too, and its network adapters
 * only there. */
static bool open_machine(const char *command, const struct child_options *options,
                         struct child_plan *plan)
{
    if (!open_drives(command, options, plan))
        return false;
    return options->vmbus ? open_devices(command, options, plan)
                          : open_ports(command, options, plan);
}

/* The worker's words, but for those about drives. Without devices= an emulated machine has no bus.
 */
static bool write_words(const char *command, struct child_options *options, struct child_plan *plan)
{
    static char name[] = CHILD_WORKER, machine[] = "machine=pc";
    char file[WORD_SIZE], initrd[WORD_SIZE], devices[WORD_SIZE];

    snprintf(file, sizeof(file), "%s=%zu", options->pc ? "firmware" : "kernel", plan->kernel.size);
    snprintf(initrd, sizeof(initrd), "%s=%zu", options->pc ? "optionrom" : "initrd",
             plan->initrd.size);
    snprintf(devices, sizeof(devices), "devices=%u", plan->device_count);
    char *own[CHILD_OWN_WORDS] = {name};
    unsigned count = 1;
    if (options->pc)
        own[count++] = machine;
    own[count++] = file;
    if (plan->initrd.size > 0)
        own[count++] = initrd;
    if (!options->pc || options->vmbus)
        own[count++] = devices;
    unsigned unused = CHILD_OWN_WORDS - count;
    char **words = options->words + unused;
    memcpy(words, own, count * sizeof(own[0]));
    plan->words_size =
        program_join_words(options->word_count - unused, words, plan->words, sizeof(plan->words));
    return plan->words_size > 0 || command_failed(command, NULL, "the words are too long");
}

/* False: a part is missing, which has been said. What is there is in @plan. */
static bool open_parts(const char *command, struct child_options *options, struct child_plan *plan)
{
    const char *image = options->pc ? FIRMWARE_MODULE : demo_kernel();
    const char *second = options->pc ? options->option_rom : options->initrd;
    *plan = (struct child_plan){.emulated = options->pc};
    if (options->firmware != NULL)
        image = options->firmware;
    if (options->kernel != NULL)
        image = options->kernel;
    string_copy(plan->name, options->name != NULL ? options->name : CHILD_WORKER,
                sizeof(plan->name));
    return program_file_open(command, CHILD_WORKER, &plan->worker) &&
           program_file_open(command, image, &plan->kernel) &&
           (second == NULL || program_file_open(command, second, &plan->initrd)) &&
           (options->pc ? open_machine(command, options, plan)
                        : open_devices(command, options, plan)) &&
           write_words(command, options, plan);
}

bool child_plan_open(const char *command, struct child_options *options, struct child_plan *plan)
{
    if (open_parts(command, options, plan))
        return true;
    child_plan_free(plan);
    return false;
}
