; Catching exceptions, and code that must know its own instructions' addresses: see fault.h and probes.h.

%include "vsc/demo/demo.inc"

section .text
bits 64

; bool fault_catch(struct fault *fault, void (*function)(void *), void *argument)
; What fault_handle() needs is on the stack at [gs:VP_RECOVERY]: the former record, then `fault`.
global fault_catch, fault_recover
fault_catch:
    push rbp
    mov rbp, rsp
    push rbx
    push r12
    push r13
    push r14
    push r15
    sub rsp, 8                          ; the call's alignment
    push rdi
    push qword [gs:VP_RECOVERY]
    mov [gs:VP_RECOVERY], rsp
    mov rdi, rdx
    call rsi
    xor eax, eax
    jmp unwind
fault_recover:
    mov eax, 1
unwind:
    pop qword [gs:VP_RECOVERY]
    pop rdi
    add rsp, 8
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

; void ring3_enter(void (*function)(void), void *stack): with interrupts off. Never returns: INT VECTOR_LEAVE or an
; exception gets back to fault_catch().
%define USER_DS 0x1b
%define USER_CS 0x23
global ring3_enter
ring3_enter:
    push USER_DS
    push rsi
    push qword 2                        ; RFLAGS
    push USER_CS
    push rdi
    iretq

; What runs in ring 3.
global ring3_vmcall, ring3_vmmcall, ring3_leave, ring3_hypercall_page
extern hypercall_page
ring3_vmcall:
    xor ecx, ecx
    vmcall
    int VECTOR_LEAVE
ring3_vmmcall:
    xor ecx, ecx
    vmmcall
    int VECTOR_LEAVE
ring3_hypercall_page:
    mov ecx, 8 | 1 << 16                ; HvCallNotifyLongSpinWait, fast
    call hypercall_page
ring3_leave:
    int VECTOR_LEAVE

; void probe_bad_stack(void *argument): an exception that finds no stack at address `argument`: a double fault.
global probe_bad_stack
probe_bad_stack:
    mov rsp, rdi
    ud2

; void probe_step_cpuid(void): traps behind each instruction from the first NOP to the POPFQ; one of them at
; probe_step_behind.
global probe_step_cpuid, probe_step_behind, probe_step_behind_rdmsr
probe_step_cpuid:
    push rbx
    pushfq
    or dword [rsp], 1 << 8              ; TF
    popfq
    nop
    xor eax, eax
    xor ecx, ecx
    cpuid
probe_step_behind:
    mov ecx, 0x1b                       ; APIC base
    rdmsr
probe_step_behind_rdmsr:
    pushfq
    and dword [rsp], ~(1 << 8)
    popfq
    pop rbx
    ret

; void probe_sti_shadow(void): with interrupts off and one pending. It comes behind the NOP, not before: at
; probe_sti_shadow_behind.
global probe_sti_shadow, probe_sti_shadow_behind
probe_sti_shadow:
    sti
    nop
probe_sti_shadow_behind:
    nop
    cli
    ret

; void probe_sti_cpuid(void): as above with an instruction that exits in the shadow.
global probe_sti_cpuid, probe_sti_cpuid_behind
probe_sti_cpuid:
    push rbx
    xor eax, eax
    xor ecx, ecx
    sti
    cpuid
probe_sti_cpuid_behind:
    nop
    cli
    pop rbx
    ret

; void probe_ss_shadow(void): TF is set before MOV SS: its trap comes behind the CPUID, not before it. Only the traps'
; places count, as in probe_step_cpuid().
global probe_ss_shadow, probe_ss_shadow_before, probe_ss_shadow_behind
probe_ss_shadow:
    push rbx
    mov r8d, ss
    xor eax, eax
    xor ecx, ecx
    pushfq
    or dword [rsp], 1 << 8
    popfq
    mov ss, r8d
probe_ss_shadow_before:
    cpuid
probe_ss_shadow_behind:
    nop
    pushfq
    and dword [rsp], ~(1 << 8)
    popfq
    pop rbx
    ret

; void probe_store_absolute(uint32_t value): to CHILD_MMIO_BASE + CHILD_MMIO_SCRATCH (include/child_start.h).
global probe_store_absolute
probe_store_absolute:
    mov eax, edi
    mov [abs qword 0xfed80000], eax
    ret

section .note.GNU-stack noalloc noexec nowrite progbits
