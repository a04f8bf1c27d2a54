/* What operations cost, in TSC ticks. */
#ifndef VENEER_VSC_DEMO_BENCH_H
#define VENEER_VSC_DEMO_BENCH_H

/* Measures what the command line names; prints lines "bench NAME MINIMUM MEDIAN". */
void bench_run(void);

#endif
