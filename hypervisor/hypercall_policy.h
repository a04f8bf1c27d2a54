/* Hypercalls about what a child partition may do and see: properties, intercepts, CPUID. */
#ifndef VENEER_HYPERVISOR_HYPERCALL_POLICY_H
#define VENEER_HYPERVISOR_HYPERCALL_POLICY_H

#include "hypervisor/hypercall.h"

enum hv_status hypercall_get_partition_property(const struct hypercall *call);
enum hv_status hypercall_set_partition_property(const struct hypercall *call);
enum hv_status hypercall_install_intercept(const struct hypercall *call);
enum hv_status hypercall_register_intercept_result(const struct hypercall *call);
enum hv_status hypercall_get_system_property(const struct hypercall *call);

#endif
