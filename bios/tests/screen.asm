; Draws one test picture in one video mode, for screen tests that compare the frame with a stored one.
;
; A floppy image of four sectors. The word at offset 3 names the mode: 0000-0013 the standard modes, 0100 and up those of
; VBE, FF01 "mode X" (320 x 240, 256 colours, unchained). With bit 9 (0200) in a number below 0300 the text modes
; 0000-0007 have 350 lines, with bit 10 (0400) 200 lines. When the picture stands, the program writes the letter of its
; verdict to port E9h and to COM1 ("D" drawn, "F" the mode could not be set) and halts.
;
; The picture: the mode's number, sixteen colours, in text modes the sixteen backgrounds, the 256 characters, frames of
; line characters, a scrolled window; in graphics modes a border of pixels, lines by exclusive or, and what the mode's
; memory can do: the write modes of the planes, the 256 colours, ramps through the window of VBE. Nothing in it blinks.

        cpu 8086
        org 7C00h

        jmp short start
        nop
mode:   dw 0003h

start:
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7C00h
        sti
        cld
        mov ax, 0203h           ; the rest of the program; DL = drive
        mov bx, 7E00h
        mov cx, 0002h
        xor dh, dh
        int 13h
        jc start
        mov ax, [mode]
        mov [number], ax
        cmp ax, 0FF01h
        je mode_x
        test ah, 01h
        jnz .vesa
        mov bx, ax
        mov ax, 1201h
        test bh, 02h
        jnz .lines
        dec ax
        test bh, 04h
        jnz .lines
        mov al, 02h
.lines:
        push bx
        mov bl, 30h
        int 10h
        pop ax
        xor ah, ah
        int 10h
        mov ax, 40h
        mov es, ax
        mov al, [mode]
        cmp al, [es:49h]
        jne failed
        mov bx, classes
        xlat
        mov [class], al
        jmp draw
.vesa:
        mov bx, ax
        mov ax, 4F02h
        int 10h
        cmp ax, 004Fh
        jne failed
        mov ax, 4F01h
        mov cx, [mode]
        mov di, info
        int 10h
        mov bx, models
        mov al, [info + 27]
        xlat
        mov [class], al
        jmp draw

failed:
        mov al, 'F'
        jmp verdict
done:
        mov al, 'D'
verdict:
        out 0E9h, al
        mov dx, 3F8h
        out dx, al
halt:   hlt
        jmp halt

; By mode: 0 text, 1 CGA, 2 planes, 3 bytes, 4 window.
classes: db 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 3
models:  db 0, 1, 1, 2, 4, 3, 4

title:  db 'Ferrite, mode '
digits: db '0000', 0
frames: db 0C9h, 0CDh, 0CBh, 0CDh, 0BBh, ' ', 0DAh, 0C4h, 0C2h, 0C4h, 0BFh, ' ', 0D5h, 0CDh, 0D1h, 0CDh, 0B8h, ' '
        db 0D6h, 0C4h, 0D2h, 0C4h, 0B7h
frame_length equ $ - frames
        db 0CCh, 0CDh, 0CEh, 0CDh, 0B9h, ' ', 0C3h, 0C4h, 0C5h, 0C4h, 0B4h, ' ', 0C6h, 0CDh, 0D8h, 0CDh, 0B5h, ' '
        db 0C7h, 0C4h, 0D7h, 0C4h, 0B6h
        db 0C8h, 0CDh, 0CAh, 0CDh, 0BCh, ' ', 0C0h, 0C4h, 0C1h, 0C4h, 0D9h, ' ', 0D4h, 0CDh, 0CFh, 0CDh, 0BEh, ' '
        db 0D3h, 0C4h, 0D0h, 0C4h, 0BDh

        times 510 - ($ - $$) db 0
        dw 0AA55h

; Cursor to row DH, column DL.
place:
        push ax
        push bx
        mov ah, 02h
        mov bh, 0
        int 10h
        pop bx
        pop ax
        ret

; AL with attribute BL, CX times.
put:
        mov ah, 09h
        mov bh, 0
        int 10h
        ret

; What every mode shows, through INT 10h.
draw:
        mov ax, 40h
        mov es, ax
        mov al, [es:4Ah]
        mov [columns], al
        mov al, [es:84h]
        mov [last_row], al
        mov ax, [es:85h]
        mov [height], ax
        mov ah, 01h             ; no cursor: it blinks
        mov cx, 2000h
        int 10h
        mov ax, 1003h           ; nor do characters
        mov bx, 0000h
        int 10h

        mov bx, [number]        ; the title
        mov di, digits
        mov cx, 4
.digit:
        push cx
        mov cl, 4
        rol bx, cl
        pop cx
        mov al, bl
        and al, 0Fh
        cmp al, 10
        jb .decimal
        add al, 7
.decimal:
        add al, '0'
        mov [di], al
        inc di
        loop .digit
        mov si, title
.title:
        lodsb
        or al, al
        jz .colours
        mov ah, 0Eh
        mov bx, 000Fh
        int 10h
        jmp .title

.colours:                       ; rows 1 and 2: sixteen colours; 3: backgrounds, or the colours in exclusive or
        mov bp, 0
.colour:
        mov ax, bp
        mov bl, al
        mov dh, 1
        mov dl, al
        shl dl, 1
        call place
        mov al, 0DBh
        mov cx, 2
        call put
        inc dh
        call place
        mov al, 0B1h
        mov cx, 2
        call put
        inc dh
        call place
        cmp byte [class], 0
        jne .xor
        mov cl, 4
        shl bl, cl
        or bl, 0Fh
        jmp .third
.xor:
        or bl, 80h
        cmp byte [class], 3
        jae .third              ; a colour of its own there
        mov al, 0DBh
        push bx
        mov bl, 0Fh
        mov cx, 2
        call put
        pop bx
.third:
        mov al, 'x'
        mov cx, 2
        call put
        inc bp
        cmp bp, 16
        jb .colour

        mov dx, 0500h           ; rows 5-12: every character
        xor al, al
.character:
        call place
        mov bl, 0Fh
        mov cx, 1
        push ax
        call put
        pop ax
        inc dl
        test dl, 20h
        jz .same
        inc dh
        mov dl, 0
.same:
        inc al
        jnz .character

        mov si, frames          ; rows 14-16: frames; in a window scrolled to 15-17
        mov dx, 0E00h
.frame:
        mov cx, frame_length
.line:
        push cx
        lodsb
        call place
        mov bl, 0Eh
        mov cx, 1
        call put
        inc dl
        pop cx
        loop .line
        mov dl, 0
        inc dh
        cmp dh, 11h
        jb .frame
        mov ax, 0701h           ; down in their own columns, down again and up where only they are
        mov bh, 1Fh
        cmp byte [class], 0
        je .fill
        mov bh, 01h
.fill:
        mov cx, 0E00h
        mov dx, 1316h
        int 10h
        mov ax, 0701h
        int 10h
        mov ax, 0601h
        int 10h
        mov dx, 1118h           ; what is read is what was written
        call place
        mov al, 0E9h
        mov bl, 0Ch
        mov cx, 1
        call put
        mov ah, 08h
        mov bh, 0
        int 10h
        mov bl, 0Ah
        inc dl
        call place
        mov cx, 3
        call put

        mov bl, [class]
        xor bh, bh
        shl bx, 1
        jmp [.parts + bx]
.parts: dw done, border, planes, bytes, window

; A border of pixels, and diagonals through everything by exclusive or.
border:
        call outline
        jmp done

outline:
        mov al, [columns]
        xor ah, ah
        mov cl, 3
        shl ax, cl
        mov [width], ax
        mov al, [last_row]
        xor ah, ah
        inc ax
        mul word [height]
        mov [lines], ax
        mov bp, 0
.across:
        mov cx, bp
        xor dx, dx
        mov al, 0Fh
        call pixel
        mov dx, [lines]
        dec dx
        mov al, 0Eh
        call pixel
        inc bp
        cmp bp, [width]
        jb .across
        mov bp, 1
.down:
        mov dx, bp
        xor cx, cx
        mov al, 0Dh
        call pixel
        mov cx, [width]
        dec cx
        mov al, 0Bh
        call pixel
        mov cx, bp
        mov al, 8Fh             ; two lines across
        call pixel
        mov cx, [width]
        sub cx, bp
        mov al, 8Fh
        call pixel
        inc bp
        mov ax, [lines]
        dec ax
        cmp bp, ax
        jb .down
        mov dx, [lines]         ; a pattern of pixels that are read back
        sub dx, 24
        mov bp, 16
.pattern:
        mov cx, 8
.next:
        mov ax, cx
        xor ax, dx
        and al, 0Fh
        call pixel
        mov ah, 0Dh
        mov bh, 0
        int 10h
        push cx
        add cx, 24
        call pixel
        pop cx
        inc cx
        cmp cx, 24
        jb .next
        inc dx
        dec bp
        jnz .pattern
        ret
pixel:
        mov ah, 0Ch
        mov bh, 0
        int 10h
        ret

; The planar modes: write modes 0 to 3, functions, bit mask, set/reset, on the lines below the frames.
planes:
        call outline
        mov ax, 0A000h
        mov es, ax
        mov al, [columns]
        xor ah, ah
        mov [width], ax         ; bytes of a line
        mov ax, [height]
        mov bx, 20
        mul bx
        mul word [width]
        add ax, 6
        mov di, ax
        mov dx, 3CEh
        mov ax, 0205h           ; write mode 2: a byte's bits are a pixel's planes
        out dx, ax
        mov cx, 16
        xor bl, bl
.two:
        mov ax, 5508h
        call three
        mov ax, 0AA08h
        not bl
        call three
        not bl
        inc di
        inc bl
        loop .two
        mov ax, 0FF08h
        out dx, ax
        mov si, di              ; write mode 1: all of that once more, below
        sub si, 16
        mov di, [width]
        shl di, 1
        shl di, 1
        add di, si
        mov ax, 0105h
        out dx, ax
        push ds
        push es
        pop ds
        mov cx, 16
        push di
        rep movsb
        pop di
        pop ds
        add di, [width]
        mov ax, 0005h           ; write mode 0 with set/reset in two planes, or-ing a pattern
        out dx, ax
        mov ax, 0500h
        out dx, ax
        mov ax, 0501h
        out dx, ax
        mov cx, 16
        mov al, 81h
.zero:
        mov [es:di], al
        rol al, 1
        inc di
        loop .zero
        mov ax, 0001h
        out dx, ax
        sub di, 16
        mov ax, 1003h           ; or
        out dx, ax
        mov cx, 8
.or:
        mov al, [es:di]
        mov byte [es:di], 0F0h
        inc di
        loop .or
        mov ax, 0803h           ; and
        out dx, ax
        mov cx, 8
.and:
        mov al, [es:di]
        mov byte [es:di], 3Ch
        inc di
        loop .and
        sub di, 16
        add di, [width]
        mov ax, 0103h           ; rotated by one
        out dx, ax
        mov al, 0E1h
        mov cx, 16
        rep stosb
        mov ax, 0003h
        out dx, ax
        sub di, 16
        add di, [width]
        mov ax, 0305h           ; write mode 3: data and bit mask choose the pixels, set/reset their colour
        out dx, ax
        mov cx, 16
.three:
        mov ah, cl
        mov al, 0
        out dx, ax
        mov ah, [es:di]
        mov byte [es:di], 0DBh
        inc di
        loop .three
        mov ax, 0000h
        out dx, ax
        mov ax, 0005h
        out dx, ax
        mov ax, 0FF08h
        out dx, ax
        jmp done

; Bit mask AX, then colour BL to the pixels it leaves on three lines at ES:DI.
three:
        out dx, ax
        push di
        mov al, 3
.line:
        mov ah, [es:di]
        mov [es:di], bl
        add di, [width]
        dec al
        jnz .line
        pop di
        ret

; Mode 13h: the 256 colours.
bytes:
        call outline
        mov ax, 0A000h
        mov es, ax
        mov di, 100 * 320 + 290
        sub di, 100 * 320 - 40 * 320 + 16
        xor al, al
        mov dx, 16
.row:
        mov bx, 4
.line:
        push ax
        mov cx, 16
.next:
        mov ah, al
        stosw
        inc al
        loop .next
        pop ax
        add di, 320 - 32
        dec bx
        jnz .line
        add al, 16
        dec dx
        jnz .row
        jmp done

; VBE with 8 to 32 bits a pixel: ramps through the window, 64 lines from line 128 on, the last 256 pixels of each.
window:
        call outline
        mov ax, 0A000h
        mov es, ax
        mov bp, 128
.line:
        mov ax, [info + 16]     ; bytes of a line
        mul bp
        mov di, ax
        mov bx, dx
        mov al, [info + 25]     ; bytes of a pixel
        add al, 7
        mov cl, 3
        shr al, cl
        mov [pixel_bytes], al
        xor ah, ah
        mov cx, [info + 18]
        sub cx, 256
        push bx
        mul cx
        pop bx
        add di, ax
        adc bx, dx
        call bank
        xor cx, cx
.next:
        mov al, cl              ; 8 bits: the colours; 15, 16: every value in turn; 24, 32: one component a quarter
        mov ah, 0
        mov dx, 0
        cmp byte [pixel_bytes], 2
        jb .store
        ja .wide
        mov ax, bp
        sub ax, 128
        mov ah, al
        shl ah, 1
        shl ah, 1
        mov al, cl
        jmp .store
.wide:
        mov dx, bp
        test dl, 10h
        mov dx, 0
        jz .blue
        mov ah, al
        mov al, 0
        test bp, 20h
        jz .store
        mov dl, ah
        jmp .store
.blue:
        test bp, 20h
        jz .store
        mov dl, al
        mov al, 0
.store:
        push cx
        mov cl, [pixel_bytes]
.byte:
        mov [es:di], al
        inc di
        jnz .here
        inc bx
        call bank
.here:
        mov al, ah
        mov ah, dl
        mov dl, 0
        dec cl
        jnz .byte
        pop cx
        inc cl
        jnz .next
        inc bp
        cmp bp, 192
        jb .line
        jmp done

; Window to bank BX.
bank:
        push ax
        push bx
        push dx
        mov dx, bx
        xor bx, bx
        mov ax, 4F05h
        int 10h
        pop dx
        pop bx
        pop ax
        ret

; Mode X: mode 13h without chain 4, 480 lines scanned as 240, four pages; a pattern by planes in the second page, and
; the start address on it, a line compare that brings the first page in below.
mode_x:
        mov ax, 0013h
        int 10h
        mov dx, 3C4h
        mov ax, 0604h
        out dx, ax
        mov ax, 0100h
        out dx, ax
        mov dx, 3C2h
        mov al, 0E3h
        out dx, al
        mov dx, 3C4h
        mov ax, 0300h
        out dx, ax
        mov dx, 3D4h
        mov al, 11h
        out dx, al
        inc dx
        in al, dx
        and al, 7Fh
        out dx, al
        dec dx
        mov si, .crtc
        mov cx, 13
.next:
        lodsw
        out dx, ax
        loop .next
        mov ax, 0A000h
        mov es, ax
        mov dx, 3C4h
        mov ax, 0F02h
        out dx, ax
        xor di, di
        mov cx, 8000h
        xor ax, ax
        rep stosw
        mov bl, 1               ; plane mask
.plane:
        mov ah, bl
        mov al, 02h
        out dx, ax
        mov di, 4B00h           ; the second page
        xor bp, bp
.line:
        xor cx, cx
.pixel:
        mov ax, bp              ; columns and lines in colour
        add al, cl
        xor al, bl
        stosb
        inc cx
        cmp cx, 80
        jb .pixel
        inc bp
        cmp bp, 240
        jb .line
        shl bl, 1
        cmp bl, 10h
        jb .plane
        mov ax, 0F02h
        out dx, ax
        xor di, di              ; the first page: bars four pixels wide at once
        mov bp, 40
.bar:
        mov cx, 80
        mov al, 32
.column:
        stosb
        inc ax
        loop .column
        dec bp
        jnz .bar
        mov si, 4B00h           ; eight lines from page to page through the latches
        mov di, 40 * 80
        mov dx, 3CEh
        mov ax, 4105h
        out dx, ax
        push ds
        push es
        pop ds
        mov cx, 640
        rep movsb
        pop ds
        mov ax, 4005h
        out dx, ax
        jmp done
.crtc:  dw 0D06h, 3E07h, 0109h, 0EA10h, 0AC11h, 0DF12h, 0014h, 0E715h, 0616h, 0E317h, 4B0Ch, 000Dh, 4018h
        times 2048 - ($ - $$) db 0

; Variables behind the image.
absolute 8600h
number:    resw 1
class:     resb 1
columns:   resb 1
last_row:  resb 1
pixel_bytes: resb 1
height:    resw 1
width:     resw 1
lines:     resw 1
info:      resb 256
