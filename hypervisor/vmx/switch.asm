; The world switch of VT-x.
;
; No request may be lost that another LP makes while this one is about to enter its guest. The
; requester sets a bit in lp->requests and sends an NMI. From vmx_switch_check on the bits are
; looked at and the guest is entered; an NMI that hits an instruction from there up to, not
; including, vmx_switch_entered comes too late for the look and too early for the guest. The NMI
; handler therefore rewinds such a RIP to vmx_switch_abort. All that time RSP is the host's with
; nothing pushed, and the guest's registers are still unchanged in vp->gpr.
;
; Stack at RSP, from there and in HOST_RSP: struct vp *, then the caller's RBP. All other registers
; are lost: the caller saves once what it needs for many entries.

%include "asm_offsets.inc"

VMCS_HOST_RSP equ 0x6c14

; enum vmx_switch
VMX_EXITED equ 0
VMX_NOT_ENTERED equ 1
VMX_REFUSED equ 2

%define GPR(number) 8 * (number)

global vmx_switch
global vmx_switch_check
global vmx_switch_entered
global vmx_switch_abort
global vmx_switch_exited
global vmx_unblock_nmis

section .text

vmx_switch:
    push rbp
    push rdi
    cmp rsp, [rdi + VP_HOST_RSP]
    je vmx_switch_check
    mov [rdi + VP_HOST_RSP], rsp
    mov eax, VMCS_HOST_RSP
    vmwrite rax, rsp

vmx_switch_check:
    mov rax, rsp
    and rax, -LP_SLOT_SIZE
    cmp byte [rax + LP_STATE_OFFSET + LP_REQUESTS], 0 ; LP_REQUEST_BITS
    jne vmx_switch_abort

    cmp byte [rdi + VP_HW_LAUNCHED], 0 ; the flags stay until the jump
    mov rdi, [rdi + VP_GPR]
    mov rax, [rdi + GPR(0)]
    mov rcx, [rdi + GPR(1)]
    mov rdx, [rdi + GPR(2)]
    mov rbx, [rdi + GPR(3)]
    mov rbp, [rdi + GPR(5)]
    mov rsi, [rdi + GPR(6)]
    mov r8, [rdi + GPR(8)]
    mov r9, [rdi + GPR(9)]
    mov r10, [rdi + GPR(10)]
    mov r11, [rdi + GPR(11)]
    mov r12, [rdi + GPR(12)]
    mov r13, [rdi + GPR(13)]
    mov r14, [rdi + GPR(14)]
    mov r15, [rdi + GPR(15)]
    mov rdi, [rdi + GPR(7)]
    je .launch
    vmresume
    jmp vmx_switch_entered
.launch:
    vmlaunch
vmx_switch_entered:
    mov eax, VMX_REFUSED ; only a refused entry comes here
    jmp leave_switch

vmx_switch_abort:
    mov eax, VMX_NOT_ENTERED
    jmp leave_switch

vmx_switch_exited:
    push rdi
    mov rdi, [rsp + 8]
    mov byte [rdi + VP_HW_LAUNCHED], 1
    mov rdi, [rdi + VP_GPR]
    mov [rdi + GPR(0)], rax
    mov [rdi + GPR(1)], rcx
    mov [rdi + GPR(2)], rdx
    mov [rdi + GPR(3)], rbx
    mov [rdi + GPR(5)], rbp
    mov [rdi + GPR(6)], rsi
    pop qword [rdi + GPR(7)]
    mov [rdi + GPR(8)], r8
    mov [rdi + GPR(9)], r9
    mov [rdi + GPR(10)], r10
    mov [rdi + GPR(11)], r11
    mov [rdi + GPR(12)], r12
    mov [rdi + GPR(13)], r13
    mov [rdi + GPR(14)], r14
    mov [rdi + GPR(15)], r15
    xor eax, eax ; VMX_EXITED

leave_switch:
    pop rdi
    pop rbp
    ret

; IRET to the next instruction.
vmx_unblock_nmis:
    mov rdx, rsp
    mov eax, ss
    push rax
    push rdx
    pushfq
    mov eax, cs
    push rax
    lea rax, [rel .unblocked]
    push rax
    iretq
.unblocked:
    ret
