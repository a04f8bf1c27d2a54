/* What operations cost, in TSC ticks. */
#ifndef VENEER_VSC_DEMO_BENCH_H
#define VENEER_VSC_DEMO_BENCH_H

#include <stdbool.h>
#include <stdint.h>

/* Measures what the command line names; prints lines "bench NAME MINIMUM MEDIAN". */
void bench_run(void);

/* bench_disk.c: LUN 0 of the first controller. False: there is none. */
bool bench_disk_open(void);
void bench_disk_close(void);

/* Ticks for a request; deep: for one of BENCH_DISK_DEPTH that are under way at once. The child
 * polls for the answer; halting: it halts until the host's interrupt. */
#define BENCH_DISK_DEPTH 32u
uint64_t bench_disk_read_4k(void);
uint64_t bench_disk_write_4k(void);
uint64_t bench_disk_write_100k(void);
uint64_t bench_disk_write_100k_deep(void);
uint64_t bench_disk_write_100k_halting(void);
uint64_t bench_disk_write_100k_halting_deep(void);

/* bench_net.c: from the first network adapter to the second one. False: there are no two, or they
 * do not start. */
bool bench_net_open(void);
void bench_net_close(void);

/* Ticks for a frame with 1,500 bytes of payload; deep: for one of BENCH_NET_DEPTH that are under
 * way at once. */
#define BENCH_NET_DEPTH 16u
uint64_t bench_net_frame_1500(void);
uint64_t bench_net_frame_1500_deep(void);

#endif
