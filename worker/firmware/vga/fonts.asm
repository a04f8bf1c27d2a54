; The fonts, which glyphs.c has drawn.

section .rodata
global font_8, font_14, font_16
fonts: incbin "firmware/fonts.bin"
font_8 equ fonts
font_14 equ font_8 + 256 * 8
font_16 equ font_14 + 256 * 14
