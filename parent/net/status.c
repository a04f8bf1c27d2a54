#include "parent/net/status.h"

const char *net_status_text(enum net_status status)
{
    static const char *const texts[] = {
        [NET_OK] = "done",
        [NET_INVALID] = "not a valid address or value",
        [NET_NO_LINK] = "the network card has no link",
        [NET_NO_ADDRESS] = "no address is configured",
        [NET_NO_ROUTE] = "no route to that address",
        [NET_TOO_LONG] = "too long for one packet",
        [NET_IN_USE] = "the port is in use",
        [NET_FORBIDDEN] = "broadcasts are not allowed here",
        [NET_NO_BUFFER] = "too many packets are on their way",
    };

    return texts[status];
}
