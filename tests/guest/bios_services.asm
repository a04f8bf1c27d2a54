; A boot sector and what it loads: asks each service of a BIOS for what its specification says, and
; tells on COM1, a line "ok NAME" or "FAIL NAME" for each. Switches the machine off at the end. Runs
; from a floppy, a hard disk, or a CD that emulates one; writes to the disk if it may.
;
; Assembled with WRITABLE if the disk can be written, and with SECTORS_PER_TRACK of a floppy.

bits 16
org 0x7c00

COM1 equ 0x3f8
PM_CONTROL equ 0xb004        ; PIIX4: power off is S5, type 0
PM_OFF equ 0x2000
LOAD_SECTORS equ 16
FREE_SECTOR equ 17           ; one that nobody uses
BUFFER equ 0xb000
BUFFER_2 equ 0xb800

    jmp 0:start
start:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7000
    cld
    mov [drive], dl
    pushf
    pop word [flags_at_start]

    ; One sector at a time: a CD's and a floppy's tracks end anywhere.
    mov bx, 0x7e00
    mov cx, 2
    mov si, LOAD_SECTORS
.load:
    mov ax, 0x0201
    mov dx, [drive]
    xor dh, dh
    int 0x13
    jc .failed
    add bx, 512
    inc cx
    dec si
    jnz .load
    jmp tests
.failed:
    mov si, load_failed
    call print
    cli
    hlt

; DS:SI, ends with 0, to COM1.
print:
    push ax
    push dx
.next:
    lodsb
    test al, al
    jz .done
    call put
    jmp .next
.done:
    pop dx
    pop ax
    ret

put:
    push dx
    push ax
    mov dx, COM1 + 5
.wait:
    in al, dx
    test al, 0x20
    jz .wait
    pop ax
    mov dx, COM1
    out dx, al
    pop dx
    ret

drive: dw 0
flags_at_start: dw 0
load_failed: db 'FAIL load', 10, 0

    times 510 - ($ - $$) db 0
    dw 0xaa55

; CHECK CONDITION, TEXT: "ok TEXT" if the condition (as of Jcc) is true.
%macro CHECK 2
    j%1 %%good
    call say_fail
    jmp %%name
%%good:
    call say_ok
%%name:
    push si
    mov si, %%text
    call print_line
    pop si
    jmp %%end
%%text: db %2, 0
%%end:
%endmacro

say_ok:
    pushf
    push si
    mov si, ok_text
    call print
    pop si
    popf
    ret
say_fail:
    pushf
    push si
    mov si, fail_text
    call print
    inc byte [failures]
    pop si
    popf
    ret
print_line:
    call print
    push ax
    mov al, 10
    call put
    pop ax
    ret

; EAX in hexadecimal.
print_hex:
    push ecx
    push ebx
    mov ebx, eax
    mov cx, 8
.digit:
    rol ebx, 4
    mov al, bl
    and al, 15
    add al, '0'
    cmp al, '9'
    jbe .put
    add al, 'a' - '0' - 10
.put:
    call put
    loop .digit
    mov al, ' '
    call put
    pop ebx
    pop ecx
    ret

tests:
    test word [flags_at_start], 0x200
    CHECK nz, 'started with interrupts enabled'
    call memory
    call system
    call registers
    call disk
    call keyboard
    call clock
    call video
    call vbe
    call pci
    call bios32
    call image
    mov si, done_text
    call print
    mov al, [failures]
    add al, '0'
    call put
    mov si, failures_text
    call print_line
    mov dx, PM_CONTROL
    mov ax, PM_OFF
    out dx, ax
    cli
    hlt

; --- Memory ----------------------------------------------------------------------------------------

memory:
    int 0x12
    cmp ax, 639
    CHECK e, 'int 12h: 639 KiB'
    int 0x11
    and ax, 0x32
    cmp ax, 0x22
    CHECK e, 'int 11h: FPU, 80x25'
    cmp word [0x40e], 0x9fc0
    CHECK e, 'EBDA'

    xor ebx, ebx
    xor ebp, ebp            ; where the last one ended
    mov byte [bad], 0
.next:
    mov eax, 0xe820
    mov edx, 0x534d4150
    mov ecx, 24
    mov di, BUFFER
    mov dword [BUFFER + 20], 0x12345678
    int 0x15
    jc .bad
    cmp eax, 0x534d4150
    jne .bad
    cmp ecx, 20
    jne .bad
    cmp dword [BUFFER + 20], 0x12345678 ; 20 bytes, not more
    jne .bad
    mov si, e820_text
    call print
    mov eax, [BUFFER + 4]
    call print_hex
    mov eax, [BUFFER]
    call print_hex
    mov eax, [BUFFER + 12]
    call print_hex
    mov eax, [BUFFER + 8]
    call print_hex
    mov eax, [BUFFER + 16]
    call print_hex
    mov al, 10
    call put
    cmp dword [BUFFER + 4], 0
    jne .above
    cmp [BUFFER], ebp       ; sorted, nothing twice
    jb .bad
    mov ebp, [BUFFER]
    add ebp, [BUFFER + 8]
    cmp dword [BUFFER], 0x100000
    jne .above
    mov eax, [BUFFER + 8]
    mov [above_1m], eax
.above:
    test ebx, ebx
    jnz .next
    jmp .end
.bad:
    mov byte [bad], 1
.end:
    cmp byte [bad], 0
    CHECK e, 'int 15h E820h'
    mov ax, 0xe820
    mov edx, 0x534d4150
    mov ecx, 20
    mov ebx, 1000
    int 0x15
    CHECK c, 'int 15h E820h: no such entry'

    mov ax, 0xe801
    int 0x15
    movzx eax, cx
    shl eax, 10
    movzx edx, dx
    shl edx, 16
    add eax, edx
    cmp eax, [above_1m]
    CHECK e, 'int 15h E801h'
    mov ah, 0x88
    int 0x15
    movzx eax, ax
    shl eax, 10
    cmp eax, [above_1m]
    CHECK be, 'int 15h 88h'

    ; A block to 1 MiB + 64 KiB and back.
    mov dword [BUFFER], 0xdeadbeef
    mov dword [BUFFER_2], 0
    mov dword [gdt_source], BUFFER | 0x93 << 24
    mov dword [gdt_target], 0x110000 | 0x93 << 24
    mov byte [gdt_source + 3], 0x93
    call move
    CHECK nc, 'int 15h 87h'
    mov dword [gdt_source], 0x110000
    mov byte [gdt_source + 3], 0x93
    mov dword [gdt_target], BUFFER_2
    mov byte [gdt_target + 3], 0x93
    call move
    cmp dword [BUFFER_2], 0xdeadbeef
    CHECK e, 'int 15h 87h: and back'
    ret

move:
    mov byte [gdt_target + 3], 0x93
    mov ah, 0x87
    mov cx, 2
    mov si, gdt
    int 0x15
    ret

; --- The rest of INT 15h -----------------------------------------------------------------------------

system:
    push es
    mov ah, 0xc0
    int 0x15
    CHECK nc, 'int 15h C0h'
    cmp byte [es:bx + 2], 0xfc
    CHECK e, 'int 15h C0h: PC/AT'
    pop es
    mov ax, 0x2402
    int 0x15
    cmp al, 1
    CHECK e, 'int 15h 2402h: A20 is on'
    mov ax, 0x2400
    int 0x15
    mov ax, 0x2402
    int 0x15
    cmp al, 0
    CHECK e, 'int 15h 2400h: A20 is off'
    mov ax, 0x2401
    int 0x15
    mov ax, 0x5300
    xor bx, bx
    int 0x15
    CHECK c, 'int 15h 53h: no APM'
    mov ax, 0xd800
    int 0x15
    CHECK c, 'int 15h D8h: unknown'
    cmp ah, 0x86
    CHECK e, 'int 15h D8h: 86h'

    mov ax, 0xc205          ; mouse: packets of 3 bytes
    mov bh, 3
    int 0x15
    CHECK nc, 'int 15h C205h'
    mov ax, 0xc201
    int 0x15
    cmp bx, 0x00aa
    CHECK e, 'int 15h C201h: the mouse is reset'
    mov ax, 0xc204
    int 0x15
    cmp bh, 0
    CHECK e, 'int 15h C204h: a mouse'
    mov ah, 0
    mov dx, 3
    int 0x14
    test ah, 0x80
    CHECK nz, 'int 14h: no fourth port'
    ret

; --- What a service must leave alone ---------------------------------------------------------------

registers:
    mov eax, 0x11110e00 + '*'
    mov ebx, 0x22220007
    mov ecx, 0x33333333
    mov edx, 0x44444444
    mov esi, 0x55555555
    mov edi, 0x66666666
    mov ebp, 0x77777777
    movzx esp, sp
    or esp, 0x88880000
    mov [esp_before], esp
    int 0x10
    mov [esp_after], esp
    movzx esp, sp
    cmp ebx, 0x22220007
    jne .end
    cmp ecx, 0x33333333
    jne .end
    cmp edx, 0x44444444
    jne .end
    cmp esi, 0x55555555
    jne .end
    cmp edi, 0x66666666
    jne .end
    cmp ebp, 0x77777777
    jne .end
    shr eax, 16
    cmp ax, 0x1111
    jne .end
    mov eax, [esp_before]
    cmp eax, [esp_after]
.end:
    CHECK e, 'registers survive'
    cli
    mov ah, 0x01
    int 0x16
    pushf
    pop ax
    sti
    test ax, 0x200
    CHECK z, 'interrupts stay disabled'
    ; On a small stack somewhere else.
    mov bx, ss
    mov cx, sp
    mov ax, 0x1000
    mov ss, ax
    mov sp, 0x40
    pusha
    mov ah, 0x88
    int 0x15
    popa
    mov dx, sp
    mov ss, bx
    mov sp, cx
    cmp dx, 0x40
    CHECK e, 'a small stack is enough'
    ret

; --- Disks ------------------------------------------------------------------------------------------

disk:
    mov dl, [drive]
    mov ah, 0x08
    push es
    int 0x13
    pop es
    CHECK nc, 'int 13h 08h'
    and cx, 0x3f
    mov [sectors], cx
    test cx, cx
    CHECK nz, 'int 13h 08h: sectors'
    mov dl, [drive]
    mov ah, 0x15
    int 0x13
    test ah, ah
    CHECK nz, 'int 13h 15h'

    mov dl, [drive]         ; beyond the track
    mov ax, 0x0201
    mov cx, [sectors]
    inc cx
    mov dh, 0
    mov bx, BUFFER
    int 0x13
    CHECK c, 'int 13h 02h: no such sector'
    cmp ah, 0x04
    CHECK e, 'int 13h 02h: not found'
    mov dl, [drive]
    mov ah, 0x01
    int 0x13
    cmp ah, 0x04
    CHECK e, 'int 13h 01h: the last status'
    mov dl, [drive]
    mov ax, 0x0401
    mov cx, 1
    mov dh, 0
    int 0x13
    CHECK nc, 'int 13h 04h'
    mov ax, 0x0201          ; no such drive
    mov dl, 0x8f
    mov cx, 1
    mov bx, BUFFER
    int 0x13
    CHECK c, 'int 13h: no such drive'

%ifdef WRITABLE
    mov di, BUFFER
    mov cx, 256
    mov ax, 0x1234
.fill:
    stosw
    add ax, 7
    loop .fill
    mov dl, [drive]
    mov ax, 0x0301
    mov cx, FREE_SECTOR + 1
    mov dh, 0
    mov bx, BUFFER
    int 0x13
    CHECK nc, 'int 13h 03h'
    mov dl, [drive]
    mov ax, 0x0201
    mov cx, FREE_SECTOR + 1
    mov dh, 0
    mov bx, BUFFER_2
    int 0x13
    mov si, BUFFER
    mov di, BUFFER_2
    mov cx, 256
    repe cmpsw
    CHECK e, 'int 13h 02h: what was written'
%endif
    ; A track into memory that crosses 64 KiB.
    push es
    mov ax, 0x1f80
    mov es, ax
    mov bx, 0x0700
    mov dl, [drive]
    mov ax, 0x0209
    mov cx, 1
    mov dh, 0
    int 0x13
    CHECK nc, 'int 13h 02h: across 64 KiB'
    mov di, bx
    add di, 512
    mov si, 0x7e00
    mov cx, 8 * 256
    repe cmpsw
    CHECK e, 'int 13h 02h: the right sectors'
    pop es

    test byte [drive], 0x80
    jz .floppy
    call edd
.floppy:
    ret

edd:
    mov dl, [drive]
    mov ah, 0x41
    mov bx, 0x55aa
    int 0x13
    CHECK nc, 'int 13h 41h'
    cmp bx, 0xaa55
    CHECK e, 'int 13h 41h: AA55h'
    test cx, 1
    CHECK nz, 'int 13h 41h: packets'
    mov word [BUFFER], 0x1a
    mov dl, [drive]
    mov ah, 0x48
    mov si, BUFFER
    int 0x13
    CHECK nc, 'int 13h 48h'
    cmp word [BUFFER + 24], 512
    CHECK e, 'int 13h 48h: 512 bytes'
    mov eax, [BUFFER + 16]
    mov [packet_lba], eax   ; the first sector that is not there
    mov word [packet_count], 1
    mov dword [packet_buffer], BUFFER_2
    call packet
    CHECK c, 'int 13h 42h: beyond the end'
    cmp word [packet_count], 0
    CHECK e, 'int 13h 42h: none done'
    dec dword [packet_lba]
    mov word [packet_count], 1
    call packet
    CHECK nc, 'int 13h 42h: the last sector'
    mov dword [packet_lba], 1
    mov word [packet_count], 8
    mov dword [packet_buffer], 0x20000000 | 0x0003 ; 2000:0003
    call packet
    CHECK nc, 'int 13h 42h: to an odd address'
    push es
    mov ax, 0x2000
    mov es, ax
    mov di, 3
    mov si, 0x7e00
    mov cx, 8 * 256
    repe cmpsw
    CHECK e, 'int 13h 42h: the right sectors'
    pop es
    mov byte [packet_size], 0x18 ; to 1 MiB + 128 KiB
    mov dword [packet_buffer], 0xffffffff
    mov dword [packet_flat], 0x120000
    mov dword [packet_flat + 4], 0
    mov word [packet_count], 2
    call packet
    CHECK nc, 'int 13h 42h: above 1 MiB'
    mov dword [gdt_source], 0x120000
    mov byte [gdt_source + 3], 0x93
    mov dword [gdt_target], BUFFER_2
    call move
    mov eax, [BUFFER_2]
    cmp eax, [0x7e00]
    CHECK e, 'int 13h 42h: the right bytes there'
    ret

packet:
    mov dl, [drive]
    mov ah, 0x42
    mov si, packet_size
    int 0x13
    ret

; --- Keyboard -----------------------------------------------------------------------------------------

keyboard:
    mov ah, 0x01
    int 0x16
    CHECK z, 'int 16h 01h: no key'
    mov ah, 0x05
    mov cx, 0x1e61
    int 0x16
    cmp al, 0
    CHECK e, 'int 16h 05h'
    mov ah, 0x01
    int 0x16
    CHECK nz, 'int 16h 01h: a key'
    mov ah, 0x00
    int 0x16
    cmp ax, 0x1e61
    CHECK e, 'int 16h 00h'
    mov ah, 0x05            ; the grey up key
    mov cx, 0x48e0
    int 0x16
    mov ah, 0x00
    int 0x16
    cmp ax, 0x4800
    CHECK e, 'int 16h 00h: a grey key'
    mov ah, 0x05
    mov cx, 0x48e0
    int 0x16
    mov ah, 0x10
    int 0x16
    cmp ax, 0x48e0
    CHECK e, 'int 16h 10h: a grey key'
    mov al, 0xd2            ; the controller pretends that a key was pressed: q
    out 0x64, al
    call io_wait
    mov al, 0x10
    out 0x60, al
    mov ah, 0x00
    int 0x16
    cmp ax, 0x1071
    CHECK e, 'int 09h'
    ret

io_wait:
    in al, 0x64
    test al, 2
    jnz io_wait
    ret

; --- Time ---------------------------------------------------------------------------------------------

clock:
    mov ah, 0x00
    int 0x1a
    mov bx, dx
    mov cx, 3
    mov dx, 0x0d40          ; 200 ms
    mov ah, 0x86
    int 0x15
    CHECK nc, 'int 15h 86h'
    mov ah, 0x00
    int 0x1a
    sub dx, bx
    cmp dx, 3
    CHECK ae, 'int 1Ah 00h: ticks'
    cmp dx, 9
    CHECK be, 'int 15h 86h: not too long'
    mov ah, 0x02
    int 0x1a
    CHECK nc, 'int 1Ah 02h'
    cmp ch, 0x24
    CHECK b, 'int 1Ah 02h: hours'
    mov ah, 0x04
    int 0x1a
    cmp ch, 0x20
    CHECK e, 'int 1Ah 04h: century'
    ret

; --- Screen -------------------------------------------------------------------------------------------

video:
    mov ax, 0x0003
    int 0x10
    mov ah, 0x02
    mov bh, 0
    mov dx, 0x0a14          ; row 10, column 20
    int 0x10
    mov ah, 0x03
    mov bh, 0
    int 0x10
    cmp dx, 0x0a14
    CHECK e, 'int 10h 02h and 03h: cursor'
    mov ax, 0x0941
    mov bx, 0x001e
    mov cx, 3
    int 0x10
    push es
    mov ax, 0xb800
    mov es, ax
    cmp dword [es:(10 * 80 + 21) * 2], 0x1e411e41
    CHECK e, 'int 10h 09h: in text memory'
    mov ah, 0x08
    mov bh, 0
    int 0x10
    cmp ax, 0x1e41
    CHECK e, 'int 10h 08h'
    mov ax, 0x0601          ; up by a line
    mov bh, 7
    mov cx, 0
    mov dx, 0x184f
    int 0x10
    cmp word [es:(9 * 80 + 20) * 2], 0x1e41
    CHECK e, 'int 10h 06h'
    pop es
    mov ah, 0x0f
    int 0x10
    cmp ax, 0x5003
    CHECK e, 'int 10h 0Fh'
    mov ax, 0x1112          ; 8x8: 50 lines
    mov bl, 0
    int 0x10
    cmp byte [0x484], 49
    CHECK e, 'int 10h 1112h: 50 rows'
    push es
    mov ax, 0x1130
    mov bh, 6
    int 0x10
    cmp byte [es:bp + 'A' * 16 + 8], 0
    CHECK ne, 'int 10h 1130h: a font'
    pop es
    mov ax, 0x1a00
    int 0x10
    cmp bx, 0x0008
    CHECK e, 'int 10h 1A00h: VGA'

    mov ax, 0x0013
    int 0x10
    mov ax, 0x0c2a
    mov bh, 0
    mov cx, 100
    mov dx, 50
    int 0x10
    push es
    mov ax, 0xa000
    mov es, ax
    cmp byte [es:50 * 320 + 100], 0x2a
    CHECK e, 'int 10h 0Ch in mode 13h'
    pop es
    mov ah, 0x0d
    int 0x10
    cmp al, 0x2a
    CHECK e, 'int 10h 0Dh in mode 13h'
    call colors

    mov ax, 0x0012
    int 0x10
    call pixel
    CHECK e, 'pixels in mode 12h'
    call glyph
    CHECK e, 'characters in mode 12h'
    mov ax, 0x0006
    int 0x10
    call glyph
    CHECK e, 'characters in mode 6'
    mov ax, 0x0004
    int 0x10
    call glyph
    CHECK e, 'characters in mode 4'
    mov ax, 0x0003
    int 0x10
    ret

; The last of the brightest hues of mode 13h, and grey.
colors:
    mov ax, 0x1015
    mov bx, 32
    int 0x10
    cmp dh, 0
    jne .end
    cmp cx, 0x003f          ; CH green, CL blue
.end:
    CHECK e, 'int 10h 1015h: blue'
    mov ax, 0x1015
    mov bx, 0x1f
    int 0x10
    cmp cx, 0x3f3f
    CHECK e, 'int 10h 1015h: white'
    ret

pixel:
    mov ax, 0x0c0b
    mov bh, 0
    mov cx, 301
    mov dx, 333
    int 0x10
    mov ax, 0x0c8e          ; XOR
    int 0x10
    mov ah, 0x0d
    int 0x10
    cmp al, 0x05
    ret

; Writes R, scrolls it up by a line, and reads it.
glyph:
    mov ah, 0x02
    mov bh, 0
    mov dx, 0x0503
    int 0x10
    mov ax, 0x0952
    mov bx, 0x0003
    mov cx, 1
    int 0x10
    mov ax, 0x0601
    mov bh, 0
    mov cx, 0
    mov dx, 0x184f
    int 0x10
    mov ah, 0x02
    mov bh, 0
    mov dx, 0x0403
    int 0x10
    mov ah, 0x08
    mov bh, 0
    int 0x10
    cmp al, 'R'
    ret

vbe:
    mov dword [BUFFER], 'VBE2'
    mov ax, 0x4f00
    mov di, BUFFER
    int 0x10
    cmp ax, 0x004f
    CHECK e, 'VBE 4F00h'
    cmp dword [BUFFER], 'VESA'
    CHECK e, 'VBE 4F00h: VESA'
    lds si, [BUFFER + 14]
.mode:
    lodsw
    cmp ax, 0x0112
    je .found
    cmp ax, 0xffff
    jne .mode
.found:
    push ax
    xor ax, ax
    mov ds, ax
    pop ax
    cmp ax, 0x0112
    CHECK e, 'VBE 4F00h: mode 112h'
    mov ax, 0x4f01
    mov cx, 0x0142
    mov di, BUFFER
    int 0x10
    cmp ax, 0x004f
    CHECK e, 'VBE 4F01h'
    cmp dword [BUFFER + 0x12], 640 | 480 << 16
    CHECK e, 'VBE 4F01h: 640x480'
    cmp dword [BUFFER + 0x28], 0xe0000000
    CHECK ae, 'VBE 4F01h: frame buffer'
    mov ax, 0x4f02
    mov bx, 0x0142
    int 0x10
    cmp ax, 0x004f
    CHECK e, 'VBE 4F02h'
    ; The second window, by way of the linear frame buffer.
    mov ax, 0x4f05
    mov bx, 0
    mov dx, 1
    int 0x10
    push es
    mov ax, 0xa000
    mov es, ax
    mov dword [es:0x10], 0x00c0ffee
    pop es
    mov eax, [BUFFER + 0x28]
    add eax, 0x10010
    mov ebx, eax
    shr ebx, 24
    and eax, 0xffffff
    mov [gdt_source], eax
    mov byte [gdt_source + 3], 0x93
    mov [gdt_source + 5], bl
    mov dword [gdt_target], BUFFER_2
    call move
    mov byte [gdt_source + 5], 0
    cmp dword [BUFFER_2], 0x00c0ffee
    CHECK e, 'VBE 4F05h: the window is in the frame buffer'
    mov ax, 0x4f03
    int 0x10
    cmp bx, 0x0142
    CHECK e, 'VBE 4F03h'
    mov ax, 0x4f02
    mov bx, 0x0fff
    int 0x10
    cmp ax, 0x014f
    CHECK e, 'VBE 4F02h: no such mode'
    mov ax, 0x4f15
    mov bl, 1
    xor cx, cx
    xor dx, dx
    mov di, BUFFER
    int 0x10
    cmp dword [BUFFER], 0xffffff00
    CHECK e, 'VBE 4F15h: EDID'
    mov ax, 0x0003
    int 0x10
    mov ax, 0x4f03
    int 0x10
    cmp bx, 3
    CHECK e, 'VBE 4F03h: text again'
    ret

; --- PCI -----------------------------------------------------------------------------------------------

pci:
    mov ax, 0xb101
    int 0x1a
    CHECK nc, 'int 1Ah B101h'
    cmp edx, 'PCI '
    CHECK e, 'int 1Ah B101h: PCI'
    mov ax, 0xb103
    mov ecx, 0x060100       ; the ISA bridge
    xor si, si
    int 0x1a
    CHECK nc, 'int 1Ah B103h'
    mov ax, 0xb109
    xor di, di
    int 0x1a
    cmp cx, 0x8086
    CHECK e, 'int 1Ah B109h'
    mov ax, 0xb109
    mov di, 1
    int 0x1a
    CHECK c, 'int 1Ah B109h: odd'
    mov ax, 0xb102
    mov cx, 0x1234
    mov dx, 0x5678
    xor si, si
    int 0x1a
    cmp ah, 0x86
    CHECK e, 'int 1Ah B102h: not there'
    ret

; BIOS32: looks for the directory, asks it for the PCI BIOS, and that for its presence, with flat
; segments in protected mode.
bios32:
    push es
    mov ax, 0xf000
    mov es, ax
    xor di, di
.look:
    cmp dword [es:di], '_32_'
    je .found
    add di, 16
    jnz .look
    pop es
    xor ax, ax
    inc ax
    CHECK e, 'BIOS32: a directory'
    ret
.found:
    mov eax, [es:di + 4]
    mov [bios32_pointer], eax
    pop es
    cli
    lgdt [flat_gdt]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 0x08:.protected
bits 32
.protected:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    movzx esp, sp
    mov eax, '$PCI'
    xor ebx, ebx
    call far [bios32_pointer]
    mov [bios32_found], al
    add edx, ebx
    mov [bios32_pointer], edx
    xor edx, edx
    mov eax, 0xb101
    call far [bios32_pointer]
    mov [bios32_present], edx
    mov eax, 0xb10a
    xor ebx, ebx
    xor edi, edi
    call far [bios32_pointer]
    mov [bios32_id], cx
    jmp 0x18:.leave
bits 16
.leave:
    mov ax, 0x20
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov eax, cr0
    and al, ~1
    mov cr0, eax
    jmp 0:.real
.real:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    sti
    cmp byte [bios32_found], 0
    CHECK e, 'BIOS32: $PCI'
    cmp dword [bios32_present], 'PCI '
    CHECK e, 'BIOS32: B101h'
    cmp word [bios32_id], 0x8086
    CHECK e, 'BIOS32: B10Ah'
    ret

; --- The image ------------------------------------------------------------------------------------------

image:
    push es
    mov ax, 0xf000
    mov es, ax
    cmp dword [es:0xfff0], 0x00e05bea
    CHECK e, 'F000:FFF0'
    cmp byte [es:0xfffe], 0xfc
    CHECK e, 'F000:FFFE'
    mov al, [es:0x8000]
    not byte [es:0x8000]
    cmp al, [es:0x8000]
    CHECK e, 'segment F000h is read-only'
    mov ax, 0xe000
    mov es, ax
    mov al, [es:0x7000]
    not byte [es:0x7000]
    cmp al, [es:0x7000]
    CHECK ne, 'segment E000h is not'
    mov ax, 0xc000
    mov es, ax
    cmp word [es:0], 0xaa55
    CHECK e, 'the VGA BIOS'
    pop es
    ret

align 8
gdt:
    dq 0, 0
    dw 0xffff
gdt_source:
    dd 0
    dw 0
    dw 0xffff
gdt_target:
    dd 0
    dw 0
    dq 0, 0

flat_table:
    dq 0
    dq 0x00cf9b000000ffff
    dq 0x00cf93000000ffff
    dq 0x00009b000000ffff
    dq 0x000093000000ffff
flat_gdt:
    dw flat_gdt - flat_table - 1
    dd flat_table
bios32_pointer:
    dd 0
    dw 0x08
bios32_found: db 0xff
bios32_present: dd 0
bios32_id: dw 0

packet_size: db 16, 0
packet_count: dw 0
packet_buffer: dd 0
packet_lba: dq 0
packet_flat: dq 0

ok_text: db 'ok ', 0
fail_text: db 'FAIL ', 0
e820_text: db 'e820 ', 0
done_text: db 'BIOS tests: ', 0
failures_text: db ' failures', 0
failures: db 0
bad: db 0
sectors: dw 0
above_1m: dd 0
esp_before: dd 0
esp_after: dd 0


    times (LOAD_SECTORS + 1) * 512 - ($ - $$) db 0
