/* Faults on demand, to test that they are survived or reported as they should be. */
#ifndef VENEER_HYPERVISOR_SELFTEST_H
#define VENEER_HYPERVISOR_SELFTEST_H

/* Runs what "fault=" on @command_line names: "panic", "exception", "write-code", "execute-data",
 * "stack". None of them returns; without the option nothing happens. LP 0, at the end of the boot.
 */
void selftest_run(const char *command_line);

#endif
