; What a kernel's entry points are replaced with to learn when a loader comes to them: prints
; "TICKS entry 0x…", the time-stamp counter, on COM1, and ends the machine. The same bytes are code of
; 32 and of 64 bits: no INC or DEC of a register, no address without a register.
; In: ESI = boot_params, of which the start and the end are overwritten.
bits 32

COM1 equ 0x3f8
COM1_LSR equ COM1 + 5
LSR_THRE equ 0x20
BOOT_PARAMS_SIZE equ 4096
BOCHS_SHUTDOWN equ 0x8900       ; nothing is there on other machines

entry:
    cli
    rdtsc
    mov ebx, edx
    mov edi, eax
    lea esp, [esi + BOOT_PARAMS_SIZE]
    call .label
    db "TICKS entry 0x", 0
.label:
    pop ebp
.label_next:
    mov cl, [ebp]
    test cl, cl
    jz .number
    call put
    add ebp, 1
    jmp .label_next

.number:
    mov ebp, 16                 ; digits of EBX:EDI
.digit:
    mov ecx, ebx
    shr ecx, 28
    add cl, '0'
    cmp cl, '9'
    jbe .is_digit
    add cl, 'a' - '9' - 1
.is_digit:
    call put
    shld ebx, edi, 4
    shl edi, 4
    sub ebp, 1
    jnz .digit
    mov cl, 10
    call put

    call .shutdown
    db "Shutdown", 0
.shutdown:
    pop ebp
    mov edx, BOCHS_SHUTDOWN
.shutdown_next:
    mov al, [ebp]
    test al, al
    jz .triple_fault
    out dx, al
    add ebp, 1
    jmp .shutdown_next

.triple_fault:                  ; by an IDT without entries
    xor eax, eax
    mov [esi], eax
    mov [esi + 4], eax
    mov [esi + 8], eax
    lidt [esi]
    int3

; Sends CL. Changes EAX and EDX.
put:
    mov edx, COM1_LSR
.busy:
    in al, dx
    test al, LSR_THRE
    jz .busy
    mov al, cl
    mov edx, COM1
    out dx, al
    ret
