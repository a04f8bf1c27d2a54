; Entries for exceptions and NMIs while the hypervisor itself runs, and the few functions whose instructions these
; handlers must know by address.

%include "asm_offsets.inc"

extern exception_handle
extern vmx_switch_check, vmx_switch_entered, vmx_switch_abort

bits 64
section .text

; Vectors that push an error code (Intel SDM vol. 3, 6.15).
%define HAS_ERROR_CODE(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)

%assign vector 0
%rep 32
exception_stub_%+vector:
    %if !HAS_ERROR_CODE(vector)
    push qword 0
    %endif
    push qword vector
    jmp exception_common
%assign vector vector + 1
%endrep

; Builds a struct exception_frame and calls the C handler with it.
exception_common:
    push rax
    push rcx
    push rdx
    push rbx
    push rbp
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    cld
    mov rdi, rsp
    mov rbp, rsp
    and rsp, -16
    call exception_handle
    mov rsp, rbp
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rbp
    pop rbx
    pop rdx
    pop rcx
    pop rax
    add rsp, 16
    iretq

; void lp_halt_until_request(struct lp *lp)
; An NMI between the comparison and HLT would otherwise be slept through: the NMI handler moves RIP out of the range.
global lp_halt_until_request
lp_halt_until_request:
.check:
    cmp byte [rdi + LP_REQUESTS], 0      ; LP_REQUEST_BITS
    jne .out
    hlt
    jmp .check
.out:
    ret

; bool rdmsr_try(uint32_t msr, uint64_t *value)
global rdmsr_try
rdmsr_try:
    mov ecx, edi
.read:
    rdmsr
.done:
    shl rdx, 32
    or rax, rdx
    mov [rsi], rax
    mov eax, 1
    ret
.fault:
    xor eax, eax
    ret

; void stack_switch(uint64_t stack, void (*function)(void)): never returns.
global stack_switch
stack_switch:
    mov rsp, rdi
    xor ebp, ebp
    call rsi
    ud2

section .rodata progbits alloc noexec nowrite align=8
global exception_stubs, nmi_restarts, fault_fixups
exception_stubs:
%assign vector 0
%rep 32
    dq exception_stub_%+vector
%assign vector vector + 1
%endrep

; start, end (exclusive), where to go on
nmi_restarts:
    dq lp_halt_until_request.check, lp_halt_until_request.out, lp_halt_until_request.check
    dq vmx_switch_check, vmx_switch_entered, vmx_switch_abort
    dq 0
fault_fixups:
    dq rdmsr_try.read, rdmsr_try.done, rdmsr_try.fault
    dq 0

section .note.GNU-stack noalloc noexec nowrite progbits
