/* The results of what users ask a stack to do. */
#ifndef VENEER_PARENT_NET_STATUS_H
#define VENEER_PARENT_NET_STATUS_H

enum net_status {
    NET_OK,
    NET_INVALID,    /* an argument that cannot be */
    NET_NO_LINK,    /* no cable, or no partner at its other end */
    NET_NO_ADDRESS, /* the own address is not configured yet */
    NET_NO_ROUTE,   /* not on our network, and there is no gateway */
    NET_TOO_LONG,
    NET_IN_USE,    /* the port is taken */
    NET_FORBIDDEN, /* a broadcast by a socket that may not */
    NET_NO_BUFFER, /* too much is on its way; later it will work */
};

/* A text for people: "no route to that address". */
const char *net_status_text(enum net_status status);

#endif
