#include "tests/net/station.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the pool is in the tests' idea of physical memory. */
#define MEMORY_ADDRESS 0x100000ull

uint32_t station_random(uint64_t *state)
{
    /* Constants of Knuth's MMIX; the high half is random enough for tests. */
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 32);
}

static uint32_t next_random(void *context)
{
    struct station *station = context;

    return station_random(&station->random);
}

static void count_event(void *context, enum net_event event)
{
    struct station *station = context;

    station->events[event]++;
}

static bool start(struct net_device *device)
{
    (void)device;
    return true;
}

static void stop(struct net_device *device)
{
    (void)device;
}

/* Checks that the frame can be found by its physical addresses, too. */
static size_t read_frame(const struct station *station, const struct net_frame *frame,
                         uint8_t *bytes)
{
    size_t size = 0;

    for (uint32_t i = 0; i < frame->segment_count; i++) {
        const struct net_segment *segment = &frame->segments[i];

        if (memcmp(station->memory + (segment->address - MEMORY_ADDRESS), segment->data,
                   segment->size) != 0)
            abort();
        memcpy(bytes + size, segment->data, segment->size);
        size += segment->size;
    }
    return size;
}

static void keep_frame(struct station *station, const uint8_t *bytes, size_t size)
{
    struct station_frame *frame;

    if (station->frame_count == STATION_FRAMES)
        abort();
    frame = &station->frames[(station->first_frame + station->frame_count++) % STATION_FRAMES];
    memcpy(frame->bytes, bytes, size);
    frame->size = size;
}

static void transmit(struct net_device *device, struct net_frame *frame)
{
    struct station *station = (struct station *)device; /* its first field */
    uint8_t bytes[NET_HEADER_SIZE + NET_MTU];
    size_t size = read_frame(station, frame, bytes);

    if (station->hold) {
        station->held[station->held_count++] = frame;
        return;
    }
    net_device_sent(device, frame, true);
    if (station->transmit != NULL)
        station->transmit(station, bytes, size);
    else
        keep_frame(station, bytes, size);
}

static void receive(struct net_client *client, const struct net_frame *frame)
{
    struct station *station =
        (struct station *)((uint8_t *)client - offsetof(struct station, client));

    net_receive(&station->stack, frame);
}

static void link_changed(struct net_client *client)
{
    struct station *station =
        (struct station *)((uint8_t *)client - offsetof(struct station, client));

    net_link_changed(&station->stack);
}

void station_init(struct station *station, uint8_t number)
{
    static const struct net_device_operations operations = {start, stop, transmit, NULL};

    memset(station, 0, offsetof(struct station, frames));
    station->device.operations = &operations;
    station->device.mac = (struct mac_address){{2, 0, 0, 0, 0, number}};
    station->device.mtu = NET_MTU;
    station->client = (struct net_client){receive, link_changed};
    station->now_us = 1000000;
    station->random = number;

    const struct net_hooks hooks = {next_random, count_event, station};

    net_init(&station->stack, &station->device, &hooks, station->memory, MEMORY_ADDRESS,
             sizeof(station->memory), station->now_us);
    net_device_attach(&station->device, &station->client);
    net_device_set_link(&station->device, true, 1000);
    station_tick(station);
    memset(station->events, 0, sizeof(station->events));
}

void station_configure(struct station *station, uint8_t number)
{
    const struct net_configuration configuration = {
        .address = IPV4(10, 0, 0, number),
        .mask = IPV4(255, 255, 255, 0),
        .gateway = IPV4(10, 0, 0, 1),
    };

    if (net_configure(&station->stack, &configuration) != NET_OK)
        abort();
    station_wait(station, 3 * NET_SECOND); /* both announcements */
    station_forget(station);
    memset(station->events, 0, sizeof(station->events));
}

void station_tick(struct station *station)
{
    station->deadline_us = net_tick(&station->stack, station->now_us);
    while (station->deadline_us <= station->now_us)
        station->deadline_us = net_tick(&station->stack, station->now_us);
}

void station_receive(struct station *station, const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    const struct net_segment segment = {copy, 0, (uint32_t)size};
    const struct net_frame frame = {&segment, 1, (uint32_t)size, NULL};

    memcpy(copy, bytes, size);
    net_tick(&station->stack, station->now_us);
    net_device_deliver(&station->device, &frame);
    free(copy);
    station_tick(station);
}

void station_wait(struct station *station, uint64_t duration_us)
{
    uint64_t end = station->now_us + duration_us;

    station_tick(station);
    while (station->deadline_us <= end) {
        station->now_us = station->deadline_us;
        station_tick(station);
    }
    station->now_us = end;
    station_tick(station);
}

const struct station_frame *station_next(struct station *station)
{
    const struct station_frame *frame = &station->frames[station->first_frame];

    if (station->frame_count == 0)
        return NULL;
    station->first_frame = (station->first_frame + 1) % STATION_FRAMES;
    station->frame_count--;
    return frame;
}

const struct station_frame *station_sent(struct station *station)
{
    const struct station_frame *frame = station_next(station);

    if (frame == NULL) {
        fprintf(stderr, "nothing was sent\n");
        abort();
    }
    return frame;
}

void station_forget(struct station *station)
{
    station->frame_count = 0;
}

void station_complete(struct station *station)
{
    while (station->held_count > 0)
        net_device_sent(&station->device, station->held[--station->held_count], true);
}
