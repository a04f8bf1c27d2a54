; Entry points of all interrupts and exceptions: save the registers as a struct interrupt_frame (interrupts.h), call
; interrupt_dispatch(), restore.

%include "vsc/demo/demo.inc"

extern interrupt_dispatch

section .text
bits 64

; Vectors that push an error code (Intel SDM vol. 3, 6.15).
%define HAS_ERROR_CODE(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)

; Each is 16 bytes long, so that interrupts_init() can calculate where it is.
align 16
global interrupt_stubs
interrupt_stubs:
%assign vector 0
%rep 256
    align 16
    %if !HAS_ERROR_CODE(vector)
    push qword 0
    %endif
    push qword vector
    jmp near entry
%assign vector vector + 1
%endrep

; GS is the kernel's also in ring 3, where nothing changes it.
entry:
    cld
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
    mov rdi, rsp
    mov rbp, rsp
    and rsp, -16
    call interrupt_dispatch
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

section .note.GNU-stack noalloc noexec nowrite progbits
