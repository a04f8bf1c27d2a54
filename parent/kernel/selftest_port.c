/* Self test "port": a program in ring 3, a boot module, that uses two ports of a private switch;
 * its cable is pulled, and it is ended while it waits. */
#include "lib/string.h"
#include "parent/include/list.h"
#include "parent/include/process.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/proc/object.h"
#include "parent/kernel/proc/program.h"
#include "parent/kernel/selftest.h"
#include "parent/net/virtual_switch.h"
#include "parent/services/network_port.h"

#define PATIENCE_US 60000000
#define POLL_US 1000
#define PAUSE_US 50000
#define STATUS_ENDED 7

static struct virtual_switch *net;
static struct object *ports[2];
static uint32_t signs; /* frames of 60 bytes to all, from the program; atomic */

static bool receive(struct switch_port *port, const struct net_frame *frame)
{
    (void)port;
    if (frame->size == NET_FRAME_MIN)
        __atomic_fetch_add(&signs, 1, __ATOMIC_RELEASE);
    return true;
}

static struct switch_port observer = {.mac = {{0x02, 0, 0, 0, 0x77, 1}},
                                      .mtu = NET_MTU,
                                      .accept = SWITCH_ACCEPT_BROADCAST,
                                      .owner = "self test",
                                      .receive = receive};

/* With @word, or NULL. */
static struct process *start(const char *word)
{
    static char words[32];
    struct process_program program = {
        .name = "port", .arguments = words, .objects = ports, .object_count = 2};
    const char *error = "it is not there";
    struct process *process = NULL;
    size_t length = string_copy(words, "port", sizeof(words)) + 1;

    if (word != NULL)
        length += string_copy(words + length, word, sizeof(words) - length) + 1;
    program.arguments_size = length;
    if (program_find("port", &program.file, &program.size))
        process = process_start(&program, &error);
    check(process != NULL, "program port: %s", error);
    return process;
}

static void finish(struct process *process, uint32_t cause, int status)
{
    struct system_process_end end = {0};

    if (check(process_wait(process, &end, time_now() + PATIENCE_US), "it does not end")) {
        check_equal(end.cause, cause, "cause of its end");
        check_equal((uint32_t)end.status, (uint32_t)status, "its status");
    }
    process_put(process);
}

/* Port 0 is the first that was connected. */
static void pull_cable(struct process *process)
{
    struct system_process_end end;
    uint64_t deadline = time_now() + PATIENCE_US;

    while (__atomic_load_n(&signs, __ATOMIC_ACQUIRE) == 0 && time_now() < deadline) {
        if (process_wait(process, &end, time_now() + POLL_US))
            return; /* it says why */
    }
    virtual_switch_plug(net, 0, false);
    thread_sleep(PAUSE_US);
    virtual_switch_plug(net, 0, true);
}

static void run_programs(void)
{
    struct process *process = start(NULL);

    if (process == NULL)
        return;
    pull_cable(process);
    finish(process, SYSTEM_END_EXIT, 0);
    process = start("wait");
    if (process == NULL)
        return;
    thread_sleep(PAUSE_US);
    process_kill(process, STATUS_ENDED);
    finish(process, SYSTEM_END_KILLED, STATUS_ENDED);
}

static void run(void)
{
    const char *error = "";

    if (!check(virtual_switch_create("test", SWITCH_PRIVATE, NULL, &error) != NULL, "%s", error))
        return;
    net = virtual_switch_get("test");
    ports[0] = network_port_create("selftest", "test", 0);
    ports[1] = network_port_create("selftest", "test,02:11:22:33:44:55", 1);
    check(network_port_create("selftest", "test,02:11:22:33:44:55", 1) == NULL, "address twice");
    if (check(ports[0] != NULL && ports[1] != NULL, "no ports") &&
        check(virtual_switch_connect(net, &observer), "no port is free")) {
        run_programs();
        virtual_switch_disconnect(net, &observer);
    }
    for (int i = 0; i < 2; i++) {
        if (ports[i] != NULL)
            object_put(ports[i]);
    }
    virtual_switch_put(net);
    check(virtual_switch_delete("test", &error), "delete: %s", error);
}

const struct selftest selftest_port = {"port", run, SELFTEST_ONCE, true};
