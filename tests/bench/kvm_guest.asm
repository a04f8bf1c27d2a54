; The guest of tests/bench/kvm_init.c: times one operation again and again.
;
; Entered in 64-bit mode at CPL 0, loaded where ORG says, with the first 4 MiB mapped one to one:
;   RDI = number of the operation, as in kvm_init.c
;   RSI = where the times go, 4 bytes each; EDX = how many
;   ECX = initial count of the APIC's timer for a delay of TIMER_TICKS of the TSC
; It ends with an OUT to PORT_END.

bits 64
org 0x10000

; As in kvm_init.c.
PORT_USER       equ 0x500
PORT_EVENTFD    equ 0x510
PORT_END        equ 0xf4
MMIO_USER       equ 0x200000
TIMER_TICKS     equ 100000

VECTOR          equ 0x40
CODE_SELECTOR   equ 8
KVM_HYPERCALL   equ 1           ; KVM_HC_VAPIC_POLL_IRQ, which does nothing

MSR_APIC_BASE       equ 0x1b
MSR_X2APIC_EOI      equ 0x80b
MSR_X2APIC_SPURIOUS equ 0x80f
MSR_X2APIC_TIMER    equ 0x832
MSR_X2APIC_COUNT    equ 0x838
MSR_X2APIC_DIVIDE   equ 0x83e
MSR_X2APIC_SELF_IPI equ 0x83f

%macro write_msr 2
    mov ecx, %1
    mov eax, %2
    xor edx, edx
    wrmsr
%endmacro

; The low half of the TSC suffices for what lies between two of these.
%macro start_clock 0
    rdtsc
    mov r8d, eax
%endmacro

%macro stop_clock 0
    rdtsc
    sub eax, r8d
    ret
%endmacro

start:
    mov rsp, start
    lgdt [gdt_descriptor]
    lidt [idt_descriptor]
    mov r12, [operations + rdi * 8]
    mov r13d, ecx
    mov r14, rsi
    mov r15d, edx

    mov ecx, MSR_APIC_BASE
    rdmsr
    or eax, 0xc00               ; on, in x2APIC mode
    wrmsr
    write_msr MSR_X2APIC_SPURIOUS, 0x1ff
    write_msr MSR_X2APIC_DIVIDE, 0xb    ; by 1
    write_msr MSR_X2APIC_TIMER, VECTOR  ; one-shot

.next:
    call r12
    mov [r14], eax
    add r14, 4
    dec r15d
    jnz .next
    out PORT_END, al
    hlt

; --- Operations: each returns the ticks that it took in EAX ---------------------------------------

use_cpuid:
    start_clock
    xor eax, eax
    cpuid
    stop_clock

use_vmmcall:
    start_clock
    mov eax, KVM_HYPERCALL
    vmmcall
    stop_clock

use_vmcall:
    start_clock
    mov eax, KVM_HYPERCALL
    vmcall
    stop_clock

use_port:
    start_clock
    mov edx, PORT_USER
    out dx, eax
    stop_clock

use_mmio:
    start_clock
    mov [MMIO_USER], eax
    stop_clock

use_eventfd:
    start_clock
    mov edx, PORT_EVENTFD
    out dx, eax
    stop_clock

; With interrupts on, until the handler begins.
use_self_ipi:
    xor r9d, r9d
    sti
    start_clock
    write_msr MSR_X2APIC_SELF_IPI, VECTOR
.wait:
    test r9d, r9d
    jz .wait
    cli
    mov eax, r9d
    sub eax, r8d
    ret

; How late the handler is, of a timer that interrupts HLT.
use_timer:
    start_clock
    write_msr MSR_X2APIC_COUNT, r13d
    sti
    hlt
    cli
    mov eax, r9d
    sub eax, r8d
    sub eax, TIMER_TICKS
    ret

; The handler of VECTOR: R9D = when it began.
handler:
    rdtsc
    mov r9d, eax
    write_msr MSR_X2APIC_EOI, 0
    iretq

align 8
operations:
    dq use_cpuid, use_vmmcall, use_vmcall, use_port, use_mmio, use_eventfd, use_self_ipi, use_timer

gdt:
    dq 0
    dq 0x00af9b000000ffff       ; 64-bit code
    dq 0x00cf93000000ffff       ; data
gdt_descriptor:
    dw $ - gdt - 1
    dq gdt

; Only VECTOR's gate is there.
idt_descriptor:
    dw VECTOR * 16 + 15
    dq gate - VECTOR * 16
align 16
gate:
    dw handler - start          ; ORG, 64 KiB, is in the next part
    dw CODE_SELECTOR
    dw 0x8e00
    dw 1
    dq 0
