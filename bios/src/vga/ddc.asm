; INT 10h AX = 4F15h: VBE/DDC 1.1. The display is one of Ferrite's own; VESA EDID 1.3.

; BL = 0: BL = DDC levels, BH = seconds for a block; BL = 1: block DX of EDID to ES:DI.
vbe15:
        or bl, bl
        jnz .edid
        mov word [bp + F_BX], 0102h     ; DDC2, one second
        jmp vbe_ok
.edid:
        cmp bl, 1
        jne .fail
        or dx, dx
        jnz .fail
        mov di, [bp + F_DI]
        mov si, edid
        mov cx, 127
        mov ah, 0
.next:
        mov al, [cs:si]
        inc si
        stosb
        add ah, al
        loop .next
        neg ah                  ; the block sums to zero
        mov al, ah
        stosb
        jmp vbe_ok
.fail:
        jmp vbe_fail

edid:
        db 00h, 0FFh, 0FFh, 0FFh, 0FFh, 0FFh, 0FFh, 00h
        db 18h, 0B2h            ; "FER": five bits a letter, F = 6, E = 5, R = 18
        dw 0001h
        dd 1
        db 1, 34                ; week 1 of 2024
        db 1, 3                 ; EDID 1.3
        db 0Eh                  ; analog, separate synchronisation and composite
        db 40, 30               ; centimetres
        db 120                  ; gamma 2.2
        db 0Ah                  ; RGB colour; the preferred timing is the first
        db 0EEh, 91h, 0A3h, 54h, 4Ch, 99h, 26h, 0Fh, 50h, 54h  ; chromaticity of sRGB
        db 21h, 08h, 00h        ; 720x400, 640x480, 800x600, 1024x768 at 60 (70) Hz
        db 61h, 40h             ; standard timings: 1024x768, 1152x864, 1280x960, 1280x1024, 1600x1200, 1680x1050
        db 71h, 4Fh
        db 81h, 40h
        db 81h, 80h
        db 0A9h, 40h
        db 0B3h, 00h
        db 01h, 01h, 01h, 01h
        ; 1024 x 768 at 60 Hz, 65 MHz: VESA DMT
        dw 6500
        db 00h, 40h, 41h        ; 1024 + 320
        db 00h, 26h, 30h        ; 768 + 38
        db 18h, 88h, 36h, 00h   ; front porch 24, sync 136; 3, 6
        db 90h, 2Ch, 11h        ; 400 mm x 300 mm
        db 0, 0, 18h
        db 0, 0, 0, 0FDh, 0, 50, 100, 20, 120, 30, 0, 0Ah
        db '      '
        db 0, 0, 0, 0FCh, 0, 'Ferrite', 0Ah, '     '
        db 0, 0, 0, 0FFh, 0, '1', 0Ah, '           '
        db 0                    ; no extension
%if $ - edid != 127
%error an EDID block has 128 bytes
%endif
