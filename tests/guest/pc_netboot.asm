; A program that a network loader starts (at 0:7C00, in real mode): says so on the screen by the BIOS.
bits 16
org 0x7c00
    jmp 0:start
start:
    xor ax, ax
    mov ds, ax
    cld
    mov si, text
.next:
    lodsb
    test al, al
    jz .end
    mov ah, 0x0e
    mov bx, 7
    int 0x10
    jmp .next
.end:
    sti
    hlt
    jmp .end
text: db 13, 10, "started from the network", 13, 10, 0
