; Register values of the standard modes, the tables that the save pointer at 40:A8 leads to, and the default colours.
;
; IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem" (BIOS mode tables); BIOS Interface Technical
; Reference, "Video parameter table", "Save pointer table", "Secondary save pointer table", "Display combination code".
; The far pointers name segment C000h: a video ROM is nowhere else.

VGA_SEG equ 0C000h

; Attribute controller palettes: sixteen colours of an enhanced colour display, of a CGA (200 lines).
%macro pal_ega 0
        db 00h, 01h, 02h, 03h, 04h, 05h, 14h, 07h, 38h, 39h, 3Ah, 3Bh, 3Ch, 3Dh, 3Eh, 3Fh
%endmacro
%macro pal_cga 0
        db 00h, 01h, 02h, 03h, 04h, 05h, 06h, 07h, 10h, 11h, 12h, 13h, 14h, 15h, 16h, 17h
%endmacro
%macro pal_mono 0
        db 00h, 08h, 08h, 08h, 08h, 08h, 08h, 08h, 10h, 18h, 18h, 18h, 18h, 18h, 18h, 18h
%endmacro

; An entry: columns, rows - 1, character height, page size, sequencer 1-4, miscellaneous output; then CRTC 0-18h,
; attribute controller 0-13h, graphics controller 0-8.
%macro entry 9
        db %1, %2, %3
        dw %4
        db %5, %6, %7, %8, %9
%endmacro
%macro text40_200 0
        entry 40, 24, 8, 0800h, 09h, 03h, 00h, 02h, 63h
        db 2Dh, 27h, 28h, 90h, 2Bh, 0A0h, 0BFh, 1Fh, 00h, 0C7h, 06h, 07h, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 14h, 1Fh, 96h, 0B9h, 0A3h, 0FFh
        pal_cga
        db 08h, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 10h, 0Eh, 00h, 0FFh
%endmacro
%macro text80_200 0
        entry 80, 24, 8, 1000h, 01h, 03h, 00h, 02h, 63h
        db 5Fh, 4Fh, 50h, 82h, 55h, 81h, 0BFh, 1Fh, 00h, 0C7h, 06h, 07h, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 28h, 1Fh, 96h, 0B9h, 0A3h, 0FFh
        pal_cga
        db 08h, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 10h, 0Eh, 00h, 0FFh
%endmacro
%macro text40_350 0
        entry 40, 24, 14, 0800h, 09h, 03h, 00h, 02h, 0A3h
        db 2Dh, 27h, 28h, 90h, 2Bh, 0A0h, 0BFh, 1Fh, 00h, 4Dh, 0Bh, 0Ch, 0, 0, 0, 0
        db 83h, 85h, 5Dh, 14h, 1Fh, 63h, 0BAh, 0A3h, 0FFh
        pal_ega
        db 08h, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 10h, 0Eh, 00h, 0FFh
%endmacro
%macro text80_350 0
        entry 80, 24, 14, 1000h, 01h, 03h, 00h, 02h, 0A3h
        db 5Fh, 4Fh, 50h, 82h, 55h, 81h, 0BFh, 1Fh, 00h, 4Dh, 0Bh, 0Ch, 0, 0, 0, 0
        db 83h, 85h, 5Dh, 28h, 1Fh, 63h, 0BAh, 0A3h, 0FFh
        pal_ega
        db 08h, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 10h, 0Eh, 00h, 0FFh
%endmacro
%macro cga320 0
        entry 40, 24, 8, 4000h, 09h, 03h, 00h, 02h, 63h
        db 2Dh, 27h, 28h, 90h, 2Bh, 80h, 0BFh, 1Fh, 00h, 0C1h, 0, 0, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 14h, 00h, 96h, 0B9h, 0A2h, 0FFh
        db 00h, 13h, 15h, 17h, 02h, 04h, 06h, 07h, 10h, 11h, 12h, 13h, 14h, 15h, 16h, 17h
        db 01h, 00h, 03h, 00h
        db 00h, 00h, 00h, 00h, 00h, 30h, 0Fh, 00h, 0FFh
%endmacro
%macro planar350 3      ; miscellaneous output, underline location, colour don't care
        entry 80, 24, 14, 8000h, 01h, 0Fh, 00h, 06h, %1
        db 5Fh, 4Fh, 50h, 82h, 54h, 80h, 0BFh, 1Fh, 00h, 40h, 0, 0, 0, 0, 0, 0
        db 83h, 85h, 5Dh, 28h, 0Fh, 63h, 0BAh, 0E3h, 0FFh
%if %2
        db 00h, 08h, 00h, 00h, 18h, 18h, 00h, 00h, 00h, 08h, 00h, 00h, 00h, 18h, 00h, 00h
        db 0Bh, 00h, 05h, 00h
%else
        pal_ega
        db 01h, 00h, 0Fh, 00h
%endif
        db 00h, 00h, 00h, 00h, 00h, 00h, 05h, %3, 0FFh
%endmacro
%macro text7_350 0
        entry 80, 24, 14, 1000h, 00h, 03h, 00h, 02h, 0A6h
        db 5Fh, 4Fh, 50h, 82h, 55h, 81h, 0BFh, 1Fh, 00h, 4Dh, 0Bh, 0Ch, 0, 0, 0, 0
        db 83h, 85h, 5Dh, 28h, 0Dh, 63h, 0BAh, 0A3h, 0FFh
        pal_mono
        db 0Eh, 00h, 0Fh, 08h
        db 00h, 00h, 00h, 00h, 00h, 10h, 0Ah, 00h, 0FFh
%endmacro
%macro timing480 2      ; maximum scan line, mode control
        db 5Fh, 4Fh, 50h, 82h, 54h, 80h, 0Bh, 3Eh, 00h, %1, 0, 0, 0, 0, 0, 0
        db 0EAh, 8Ch, 0DFh, 28h, 00h, 0E7h, 04h, %2, 0FFh
%endmacro

video_parameters:
; 00-03: text with 200 lines
        text40_200
        text40_200
        text80_200
        text80_200
; 04, 05: 320 x 200, four colours
        cga320
        cga320
; 06: 640 x 200, two colours
        entry 80, 24, 8, 4000h, 01h, 01h, 00h, 06h, 63h
        db 5Fh, 4Fh, 50h, 82h, 54h, 80h, 0BFh, 1Fh, 00h, 0C1h, 0, 0, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 28h, 00h, 96h, 0B9h, 0C2h, 0FFh
        db 00h, 17h, 17h, 17h, 17h, 17h, 17h, 17h, 17h, 17h, 17h, 17h, 17h, 17h, 17h, 17h
        db 01h, 00h, 01h, 00h
        db 00h, 00h, 00h, 00h, 00h, 00h, 0Dh, 00h, 0FFh
; 07: monochrome text with 350 lines
        text7_350
; 08-0C: no modes of these numbers; the places are those of the EGA's table
        times 5 * 64 db 0
; 0D: 320 x 200, sixteen colours
        entry 40, 24, 8, 2000h, 09h, 0Fh, 00h, 06h, 63h
        db 2Dh, 27h, 28h, 90h, 2Bh, 80h, 0BFh, 1Fh, 00h, 0C0h, 0, 0, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 14h, 00h, 96h, 0B9h, 0E3h, 0FFh
        pal_cga
        db 01h, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 00h, 05h, 0Fh, 0FFh
; 0E: 640 x 200, sixteen colours
        entry 80, 24, 8, 4000h, 01h, 0Fh, 00h, 06h, 63h
        db 5Fh, 4Fh, 50h, 82h, 54h, 80h, 0BFh, 1Fh, 00h, 0C0h, 0, 0, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 28h, 00h, 96h, 0B9h, 0E3h, 0FFh
        pal_cga
        db 01h, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 00h, 05h, 0Fh, 0FFh
; 0F, 10: the EGA's with 64 KiB; a VGA has always 256 and uses 11 and 12 below
        planar350 0A2h, 1, 05h
        planar350 0A3h, 0, 0Fh
; 11, 12: modes 0F (640 x 350, monochrome) and 10 (640 x 350, sixteen colours)
        planar350 0A2h, 1, 05h
        planar350 0A3h, 0, 0Fh
; 13-16: modes 00-03 with 350 lines
        text40_350
        text40_350
        text80_350
        text80_350
; 17: modes 00, 01 with 400 lines
        entry 40, 24, 16, 0800h, 08h, 03h, 00h, 02h, 67h
        db 2Dh, 27h, 28h, 90h, 2Bh, 0A0h, 0BFh, 1Fh, 00h, 4Fh, 0Dh, 0Eh, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 14h, 1Fh, 96h, 0B9h, 0A3h, 0FFh
        pal_ega
        db 0Ch, 00h, 0Fh, 08h
        db 00h, 00h, 00h, 00h, 00h, 10h, 0Eh, 00h, 0FFh
; 18: modes 02, 03 with 400 lines
        entry 80, 24, 16, 1000h, 00h, 03h, 00h, 02h, 67h
        db 5Fh, 4Fh, 50h, 82h, 55h, 81h, 0BFh, 1Fh, 00h, 4Fh, 0Dh, 0Eh, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 28h, 1Fh, 96h, 0B9h, 0A3h, 0FFh
        pal_ega
        db 0Ch, 00h, 0Fh, 08h
        db 00h, 00h, 00h, 00h, 00h, 10h, 0Eh, 00h, 0FFh
; 19: mode 07 with 400 lines
        entry 80, 24, 16, 1000h, 00h, 03h, 00h, 02h, 66h
        db 5Fh, 4Fh, 50h, 82h, 55h, 81h, 0BFh, 1Fh, 00h, 4Fh, 0Dh, 0Eh, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 28h, 0Fh, 96h, 0B9h, 0A3h, 0FFh
        pal_mono
        db 0Eh, 00h, 0Fh, 08h
        db 00h, 00h, 00h, 00h, 00h, 10h, 0Ah, 00h, 0FFh
; 1A: mode 11, 640 x 480, two colours
        entry 80, 29, 16, 0A000h, 01h, 0Fh, 00h, 06h, 0E3h
        timing480 40h, 0C3h
        db 00h, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh, 3Fh
        db 01h, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 00h, 05h, 0Fh, 0FFh
; 1B: mode 12, 640 x 480, sixteen colours
        entry 80, 29, 16, 0A000h, 01h, 0Fh, 00h, 06h, 0E3h
        timing480 40h, 0E3h
        pal_ega
        db 01h, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 00h, 05h, 0Fh, 0FFh
; 1C: mode 13, 320 x 200, 256 colours
        entry 40, 24, 8, 2000h, 01h, 0Fh, 00h, 0Eh, 63h
        db 5Fh, 4Fh, 50h, 82h, 54h, 80h, 0BFh, 1Fh, 00h, 41h, 0, 0, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 28h, 40h, 96h, 0B9h, 0A3h, 0FFh
        db 00h, 01h, 02h, 03h, 04h, 05h, 06h, 07h, 08h, 09h, 0Ah, 0Bh, 0Ch, 0Dh, 0Eh, 0Fh
        db 41h, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 40h, 05h, 0Fh, 0FFh
%if $ - video_parameters != 29 * 64
%error the video parameter table has 29 entries of 64 bytes
%endif

PARAM_12 equ 1Bh
PARAM_13 equ 1Ch

save_table:
        dw video_parameters, VGA_SEG
        dw 0, 0                 ; dynamic parameter save area
        dw 0, 0                 ; alphanumeric character set override
        dw 0, 0                 ; graphics character set override
        dw save_table2, VGA_SEG
        dw 0, 0, 0, 0

save_table2:
        dw 1Ah                  ; its length
        dw dcc_table, VGA_SEG
        dw 0, 0                 ; second alphanumeric override
        dw 0, 0                 ; user palette profile
        dw 0, 0, 0, 0, 0, 0

; Display combinations, alternate and active: 0 none, 1 monochrome, 2 CGA, 4/5 EGA, 6 PGC, 7/8 VGA.
dcc_table:
        db 16, 1, 8, 0          ; entries, version, highest code, reserved
        db 0, 0,  0, 1,  0, 2,  2, 1,  0, 4,  4, 1,  0, 5,  2, 5
        db 0, 6,  1, 6,  5, 6,  0, 8,  1, 8,  0, 7,  2, 7,  6, 7

; Static functionality table: modes 00-07, 0D-0F, 10-13; 200, 350, 400 lines; 2 of 8 character blocks at once.
static_table:
        db 0FFh, 0E0h, 0Fh, 0, 0, 0, 0, 07h, 8, 2, 0FFh, 0Eh, 0, 0, 3Fh, 0

class_table:                    ; by mode
        db C_TEXT, C_TEXT, C_TEXT, C_TEXT, C_CGA4, C_CGA4, C_CGA2, C_TEXT
        db C_TEXT, C_TEXT, C_TEXT, C_TEXT, C_TEXT, C_PLANAR, C_PLANAR, C_PLANAR
        db C_PLANAR, C_PLANAR, C_PLANAR, C_BYTE

msel_table: db 2Ch, 28h, 2Dh, 29h, 2Ah, 2Eh, 1Eh, 29h           ; 40:65 in modes 0-7

; The 256-colour palette from 10h on: sixteen greys; then nine rounds of 24 hues, three saturations at each of three
; intensities, made of five levels each and of one curve (red; green eight steps later, blue eight steps earlier).
grey_levels: db 00h, 05h, 08h, 0Bh, 0Eh, 11h, 14h, 18h, 1Ch, 20h, 24h, 28h, 2Dh, 32h, 38h, 3Fh
hue_levels:
        db 00h, 10h, 1Fh, 2Fh, 3Fh,  1Fh, 27h, 2Fh, 37h, 3Fh,  2Dh, 31h, 36h, 3Ah, 3Fh
        db 00h, 07h, 0Eh, 15h, 1Ch,  0Eh, 11h, 15h, 18h, 1Ch,  14h, 16h, 18h, 1Ah, 1Ch
        db 00h, 04h, 08h, 0Ch, 10h,  08h, 0Ah, 0Ch, 0Eh, 10h,  0Bh, 0Ch, 0Dh, 0Fh, 10h
hue_curve: db 0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0
