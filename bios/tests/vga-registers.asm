; Sets every mode and writes the registers it leaves to port E9h, a line a mode, to be compared with the same lines of
; another VGA BIOS. A floppy image of four sectors.
;
; A line: mode; BIOS data area 40:49-40:66 and 40:84-40:8A, 40:10; miscellaneous output; sequencer 0-4, CRTC 0-18,
; graphics controller 0-8, attribute controller 0-14; the sum of the first 64 DAC registers and of all.

        cpu 8086
        org 7C00h

        jmp short start
        nop
        dw 0
start:
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7C00h
        sti
        cld
        mov ax, 0203h
        mov bx, 7E00h
        mov cx, 0002h
        xor dh, dh
        int 13h
        jmp main

; AL in hexadecimal.
hex:
        push ax
        push cx
        mov cl, 4
        shr al, cl
        call digit
        pop cx
        pop ax
        and al, 0Fh
digit:
        add al, '0'
        cmp al, '9'
        jbe .out
        add al, 7
.out:
        out 0E9h, al
        ret
space:
        mov al, ' '
        out 0E9h, al
        ret

; CX bytes at SI of segment 40h.
area:
        mov bx, 40h
        mov es, bx
.next:
        mov al, [es:si]
        inc si
        call hex
        loop .next
        jmp space

; CX registers of the index port DX.
indexed:
        xor bl, bl
.next:
        mov al, bl
        out dx, al
        inc dx
        in al, dx
        dec dx
        call hex
        inc bl
        loop .next
        jmp space

        times 510 - ($ - $$) db 0
        dw 0AA55h

main:
        mov si, modes
.mode:
        lodsw
        cmp ax, 0FFFFh
        je .end
        push si
        push ax
        xchg al, ah
        call hex
        pop ax
        push ax
        call hex
        call space
        pop ax
        mov bx, ax
        test ah, 01h
        jnz .vesa
        mov al, 1
        test bh, 02h
        jnz .lines
        dec ax
        test bh, 04h
        jnz .lines
        mov al, 2
.lines:
        push bx
        mov ah, 12h
        mov bl, 30h
        int 10h
        pop ax
        xor ah, ah
        int 10h
        jmp .dump
.vesa:
        mov ax, 4F02h
        int 10h
.dump:
        call hex
        call space
        mov si, 49h
        mov cx, 1Eh
        call area
        mov si, 84h
        mov cx, 7
        call area
        mov si, 10h
        mov cx, 1
        call area
        mov dx, 3CCh
        in al, dx
        call hex
        call space
        mov dx, 3C4h
        mov cx, 5
        call indexed
        mov dx, [es:63h]
        mov cx, 25
        call indexed
        mov dx, 3CEh
        mov cx, 9
        call indexed
        xor bl, bl
.attribute:
        mov dx, [es:63h]
        add dl, 6
        in al, dx
        mov dx, 3C0h
        mov al, bl
        out dx, al
        inc dx
        in al, dx
        call hex
        inc bl
        cmp bl, 15h
        jb .attribute
        mov dx, [es:63h]
        add dl, 6
        in al, dx
        mov dx, 3C0h
        mov al, 20h
        out dx, al
        call space
        mov dx, 3C7h
        xor al, al
        out dx, al
        mov dx, 3C9h
        xor bx, bx
        mov cx, 64 * 3
        call .sum
        mov cx, 192 * 3
        call .sum
        mov al, 0Ah
        out 0E9h, al
        pop si
        jmp .mode
.sum:
        in al, dx
        xor ah, ah
        rol bx, 1
        add bx, ax
        loop .sum
        mov al, bh
        call hex
        mov al, bl
        call hex
        jmp space
.end:
        mov al, 'D'
        out 0E9h, al
.halt:  hlt
        jmp .halt

modes:  dw 0, 1, 2, 3, 4, 5, 6, 7, 0Dh, 0Eh, 0Fh, 10h, 11h, 12h, 13h
        dw 0400h, 0401h, 0402h, 0403h, 0200h, 0201h, 0202h, 0203h, 0207h, 0407h
        dw 0101h, 0111h, 0112h, 0FFFFh
        times 2048 - ($ - $$) db 0
