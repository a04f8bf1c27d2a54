/* CPUID leaves by which a hypervisor with the Hyper-V interface tells what it is.
 * Source: TLFS, chapter 2 (feature and interface discovery). */
#ifndef VENEER_HV_CPUID_H
#define VENEER_HV_CPUID_H

#define HV_CPUID_VENDOR_AND_MAX_FUNCTIONS 0x40000000u
#define HV_CPUID_INTERFACE 0x40000001u
#define HV_CPUID_VERSION 0x40000002u
#define HV_CPUID_FEATURES 0x40000003u
#define HV_CPUID_ENLIGHTENMENT_INFO 0x40000004u
#define HV_CPUID_IMPLEMENT_LIMITS 0x40000005u
#define HV_CPUID_HARDWARE_FEATURES 0x40000006u
#define HV_CPUID_CPU_MANAGEMENT_FEATURES 0x40000007u
#define HV_CPUID_MAX_LEAF HV_CPUID_CPU_MANAGEMENT_FEATURES
/* Last leaf of the range that belongs to hypervisors (Intel SDM and AMD APM, CPUID). */
#define HV_CPUID_RANGE_LAST 0x4fffffffu

/* CPUID 1, ECX: set by every hypervisor. */
#define CPUID_1_ECX_HYPERVISOR (1u << 31)

/* "Microsoft Hv" in EBX, ECX, EDX of the first leaf: guests look for exactly this text. */
#define HV_CPUID_VENDOR_EBX 0x7263694du
#define HV_CPUID_VENDOR_ECX 0x666f736fu
#define HV_CPUID_VENDOR_EDX 0x76482074u
/* "Hv#1" in EAX of HV_CPUID_INTERFACE. */
#define HV_CPUID_INTERFACE_SIGNATURE 0x31237648u

/* HV_CPUID_FEATURES, EAX: partition privileges, low half. */
#define HV_ACCESS_VP_RUN_TIME (1u << 0)
#define HV_ACCESS_PARTITION_REFERENCE_COUNTER (1u << 1)
#define HV_ACCESS_SYNIC (1u << 2)
#define HV_ACCESS_SYNTHETIC_TIMERS (1u << 3)
#define HV_ACCESS_APIC_MSRS (1u << 4)
#define HV_ACCESS_HYPERCALL_MSRS (1u << 5)
#define HV_ACCESS_VP_INDEX (1u << 6)
#define HV_ACCESS_RESET_MSR (1u << 7)
#define HV_ACCESS_STATS_MSR (1u << 8)
#define HV_ACCESS_PARTITION_REFERENCE_TSC (1u << 9)
#define HV_ACCESS_GUEST_IDLE_MSR (1u << 10)
#define HV_ACCESS_FREQUENCY_MSRS (1u << 11)
#define HV_ACCESS_TSC_INVARIANT (1u << 15)
/* HV_CPUID_FEATURES, EBX: partition privileges, high half. */
#define HV_CREATE_PARTITIONS (1u << 0)
#define HV_ACCESS_PARTITION_ID (1u << 1)
#define HV_POST_MESSAGES (1u << 4)
#define HV_SIGNAL_EVENTS (1u << 5)
#define HV_CREATE_PORT (1u << 6)
#define HV_CONNECT_PORT (1u << 7)
#define HV_CPU_MANAGEMENT (1u << 12)
/* HV_CPUID_FEATURES, EDX. */
#define HV_FEATURE_GUEST_IDLE (1u << 5)
#define HV_FEATURE_FREQUENCY_MSRS_AVAILABLE (1u << 8)
#define HV_FEATURE_GUEST_CRASH_MSRS (1u << 10)
#define HV_FEATURE_DIRECT_SYNTHETIC_TIMERS (1u << 19)
/* HV_CPUID_ENLIGHTENMENT_INFO, EAX: recommendations. */
#define HV_RECOMMEND_REMOTE_TLB_FLUSH (1u << 2)
#define HV_RECOMMEND_APIC_MSRS (1u << 3)
#define HV_RECOMMEND_RELAXED_TIMING (1u << 5)
#define HV_RECOMMEND_AUTO_EOI_DEPRECATED (1u << 9)
#define HV_RECOMMEND_CLUSTER_IPI (1u << 10)
#define HV_RECOMMEND_EX_PROCESSOR_MASKS (1u << 11)

#endif
