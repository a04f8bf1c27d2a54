#include "parent/services/network_port.h"

#include "lib/printf.h"
#include "parent/console/command.h"
#include "parent/net/worker_port.h"
#include "parent/services/switch_plug.h"

struct object *network_port_create(const char *command, const char *word, unsigned index)
{
    char owner[SWITCH_OWNER_SIZE];
    struct worker_port *port;

    snprintf(owner, sizeof(owner), "a child's card %u", index);
    port = worker_port_create(owner);
    if (port == NULL) {
        command_failed(command, NULL, "no memory is left");
        return NULL;
    }
    if (switch_plug(command, word, &port->port, &port->net))
        return &port->object;
    object_put(&port->object);
    return NULL;
}
