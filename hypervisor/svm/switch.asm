; World switch of AMD-V (AMD APM vol. 2, 15.5). VMRUN keeps the host's RIP, RSP, RAX, segments, control registers and
; flags in the host save area; everything else is saved here. Slots are those of enum gpr.

%include "asm_offsets.inc"

bits 64
section .text

; Enters the guest of RDI = struct vp *; its RAX and RSP are in the VMCB. Comes back at the next exit with the global
; interrupt flag clear. Changes all registers but RSP and RBP (svm/exit.c calls it).
; A child's VMCB has physical interrupts masked by our RFLAGS.IF, not its own (V_INTR_MASKING): it is set for VMRUN only. Not
; right before it: some take the shadow of an STI over to the guest's first instruction.
global svm_switch
svm_switch:
    push rbp
    mov rax, [rdi + VP_HW_STATE_SPA]
    mov rdi, [rdi + VP_GPR]
    push rdi
    clgi                                ; it is set only before the first entry
    sti
    mov rcx, [rdi + 1 * 8]
    mov rdx, [rdi + 2 * 8]
    mov rbx, [rdi + 3 * 8]
    mov rbp, [rdi + 5 * 8]
    mov rsi, [rdi + 6 * 8]
    mov r8, [rdi + 8 * 8]
    mov r9, [rdi + 9 * 8]
    mov r10, [rdi + 10 * 8]
    mov r11, [rdi + 11 * 8]
    mov r12, [rdi + 12 * 8]
    mov r13, [rdi + 13 * 8]
    mov r14, [rdi + 14 * 8]
    mov r15, [rdi + 15 * 8]
    mov rdi, [rdi + 7 * 8]
    vmrun
    cli
    pop rax
    mov [rax + 1 * 8], rcx
    mov [rax + 2 * 8], rdx
    mov [rax + 3 * 8], rbx
    mov [rax + 5 * 8], rbp
    mov [rax + 6 * 8], rsi
    mov [rax + 7 * 8], rdi
    mov [rax + 8 * 8], r8
    mov [rax + 9 * 8], r9
    mov [rax + 10 * 8], r10
    mov [rax + 11 * 8], r11
    mov [rax + 12 * 8], r12
    mov [rax + 13 * 8], r13
    mov [rax + 14 * 8], r14
    mov [rax + 15 * 8], r15
    pop rbp
    ret

; void svm_take_events(void)
; RFLAGS.IF is clear, so that only an NMI or INIT (or SMI, machine check) comes. It comes at the
; boundary behind STGI or the one after it.
global svm_take_events
svm_take_events:
    stgi
    nop
    nop
    clgi
    ret

section .note.GNU-stack noalloc noexec nowrite progbits
