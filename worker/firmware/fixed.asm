; The end of segment F000h: entry points and tables at addresses that software knows.

bits 16
section .fixed

BASE equ 0xe000
FILL equ 0

; AT ADDRESS: goes on there. Fails if what comes before is longer.
%macro AT 1
    times (%1) - BASE - ($ - $$) db FILL
%endmacro

; ENTRY ADDRESS, LABEL
%macro ENTRY 2
    extern %2
    AT %1
    jmp %2
%endmacro

; BIOS32's and Plug and Play's structures are where a multiple of 16 allows it. tools/firmware.py
; makes the sums of their bytes 0.
    global pnp_header
    extern pnp_entry
pnp_header:
    db '$PnP'
    db 0x10         ; version 1.0
    db 0x21         ; length
    dw 0            ; control: no event notification
    db 0            ; checksum
    dd 0            ; event notification flag
    dw pnp_entry, 0xf000
    dw pnp_entry
    dd 0xf0000
    dd 0            ; OEM device identifier
    dw 0xf000       ; real mode data segment
    dd 0xf0000      ; protected mode data segment

    align 16, db FILL
    extern bios32_directory
bios32_header:
    db '_32_'
    dd bios32_directory + 0xf0000
    db 0            ; revision
    db 1            ; length, in 16 bytes
    db 0            ; checksum
    times 5 db 0

    ENTRY 0xe05b, reset
    ENTRY 0xe2c3, int02
    ENTRY 0xe3fe, int13
    AT 0xe401
    global disk_parameters
disk_parameters:    ; of type 1, as the first PC/AT's; nobody has such a disk
    dw 306
    db 4
    dw 0, 128
    db 0, 0, 0, 0, 0
    dw 305
    db 17, 0
    ENTRY 0xe6f2, int19
    AT 0xe6f5
    global configuration_table
configuration_table:
    dw 8
    db 0xfc, 0, 0   ; PC/AT
    db 0x74         ; second 8259, RTC, INT 15h AH=4Fh, EBDA
    db 0x40         ; INT 16h AH=09h
    db 0, 0, 0
    ENTRY 0xe739, int14
    ENTRY 0xe82e, int16
    ENTRY 0xe987, int09
    ENTRY 0xec59, int40
    ENTRY 0xef57, int0e
    AT 0xefc7
    global floppy_parameters
floppy_parameters:  ; 1.44 MB; also of what is smaller
    db 0xaf, 0x02, 0x25, 0x02, 18, 0x1b, 0xff, 0x6c, 0xf6, 0x0f, 0x08
    ENTRY 0xefd2, int17
    AT 0xf065       ; INT 10h, until the VGA BIOS takes the vector
    iret
    AT 0xf0a4
    global video_parameters
video_parameters:   ; the 6845's registers for 40x25, 80x25, graphics and monochrome
    db 0x38, 0x28, 0x2d, 0x0a, 0x1f, 6, 0x19, 0x1c, 2, 7, 6, 7, 0, 0, 0, 0
    db 0x71, 0x50, 0x5a, 0x0a, 0x1f, 6, 0x19, 0x1c, 2, 7, 6, 7, 0, 0, 0, 0
    db 0x38, 0x28, 0x2d, 0x0a, 0x7f, 6, 0x64, 0x70, 2, 1, 6, 7, 0, 0, 0, 0
    db 0x61, 0x50, 0x52, 0x0f, 0x19, 6, 0x19, 0x19, 2, 0x0d, 0x0b, 0x0c, 0, 0, 0, 0
    dw 2048, 4096, 16384, 16384         ; sizes of the page buffers
    db 40, 80, 40, 80, 40, 80, 80, 80   ; columns
    db 0x2c, 0x28, 0x2d, 0x29, 0x2a, 0x2e, 0x1e, 0x29 ; mode registers
    ENTRY 0xf841, int12
    ENTRY 0xf84d, int11
    ENTRY 0xf859, int15
    AT 0xfa6e       ; post() puts the 8x8 font for the first 128 characters here
    ENTRY 0xfe6e, int1a
    ENTRY 0xfea5, int08
    AT 0xff53
    global ignored_interrupt
ignored_interrupt:
    iret

    AT 0xfff0
    jmp 0xf000:0xe05b
    db '07/01/26'   ; at FFF5h: systems ask whether the firmware is old
    AT 0xfffe
    db 0xfc         ; PC/AT
    db 0            ; tools/firmware.py: the sum of all bytes of the image is 0
