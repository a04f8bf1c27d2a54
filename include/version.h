/* The version of the whole system: on the consoles, and in CPUID leaf 40000002h. */
#ifndef VENEER_VERSION_H
#define VENEER_VERSION_H

#define VENEER_VERSION_MAJOR 0
#define VENEER_VERSION_MINOR 1
#define VENEER_BUILD 1
#define VENEER_VERSION "0.1"

#endif
