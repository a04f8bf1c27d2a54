; The VGA BIOS as an option ROM in segment C000h: all of it, with its data and stacks, is in there.

%define DATA 0xc000
%define STACK_COUNT 4
%define STACK_SIZE 1024
%include "worker/firmware/entry.inc"

bits 16
section .header
    dw 0xaa55
    db 64           ; blocks of 512 bytes
    jmp near start
    db 0            ; tools/firmware.py: the sum of all bytes is 0
    times 0x1e - ($ - $$) db 0
    db 'IBM VGA compatible, Veneer', 0

section .text
ENTER_SERVICE

INTERRUPT int10, video_service
INTERRUPT initialize, video_init
global int10

; Called far.
start:
    pushf
    push cs
    call initialize
    retf

section .bss
alignb 4
stacks: resb STACK_COUNT * STACK_SIZE
stack_busy: resb STACK_COUNT
