/* A network stack on a device that is made of memory, for the tests: what it sends is kept, or
 * given to a function. */
#ifndef VENEER_TESTS_NET_STATION_H
#define VENEER_TESTS_NET_STATION_H

#include <stdalign.h>

#include "parent/net/net.h"

#define STATION_BUFFERS 64
#define STATION_FRAMES 256
#define STATION_EVENTS 4

struct station_frame {
    uint8_t bytes[NET_HEADER_SIZE + NET_MTU];
    size_t size;
};

struct station {
    struct net_device device;
    struct net_client client;
    struct net_stack stack;
    uint64_t now_us;
    uint64_t deadline_us; /* as the stack said last */
    uint64_t random;      /* state of the generator of its numbers */
    unsigned events[STATION_EVENTS];

    /* Gets what is sent; NULL: it is kept in frames. */
    void (*transmit)(struct station *station, const uint8_t *frame, size_t size);
    void *context;
    unsigned first_frame, frame_count;

    bool hold; /* the device keeps what is sent from now on, instead of completing it */
    struct net_frame *held[STATION_BUFFERS];
    unsigned held_count;

    struct station_frame frames[STATION_FRAMES]; /* from here on: not cleared at the start */
    alignas(4096) uint8_t memory[STATION_BUFFERS * NET_BUFFER_SIZE];
};

/* A station without configuration, with the MAC address 02:00:00:00:00:@number and its link up. */
void station_init(struct station *station, uint8_t number);

/* Gives it 10.0.0.@number/24 with the router 10.0.0.1, and forgets what it sent on that. */
void station_configure(struct station *station, uint8_t number);

/* Hands @frame to the stack, out of memory of exactly its size; then ticks. */
void station_receive(struct station *station, const void *frame, size_t size);

/* Lets @duration_us go by, ticking whenever the stack wants. */
void station_wait(struct station *station, uint64_t duration_us);

/* Tells the stack the time, as its user has to after each call. */
void station_tick(struct station *station);

/* The next frame that was sent, NULL if there is none. */
const struct station_frame *station_next(struct station *station);

/* The same where there must be one: else the test ends. */
const struct station_frame *station_sent(struct station *station);

/* Forgets what was sent. */
void station_forget(struct station *station);

/* Completes what the device held back. */
void station_complete(struct station *station);

/* The next of a reproducible series of numbers. */
uint32_t station_random(uint64_t *state);

#endif
