; Characters and pixels in the VBE modes of 8 bits a pixel and more, through the 64 KiB window at A000h. BX, DX and SI
; carry the place: SI = bank, DI = offset in it, BH = bytes of a pixel.

; Bank SI into the window. One that is there already is left alone: to map another costs more than to ask.
bank_set:
        push ax
        mov al, D_BANK
        call dispi_get
        cmp ax, si
        je .there
        push bx
        mov al, D_BANK
        mov bx, si
        call dispi_set
        pop bx
.there:
        pop ax
        ret

; ES:DI = pixel at CX, DX, its bank set and in SI; BH = bytes of a pixel. The lines are as long as 4F06h made them.
banked_seek:
        push ax
        push cx
        push dx
        push cx
        mov al, [V_MODE]
        call vbe_by_oem
        mov bh, [cs:si + VM_BPP]
        add bh, 7
        mov cl, 3
        shr bh, cl
        mov al, D_VWID
        call dispi_get
        mul dx
        pop cx
        add ax, cx
        adc dx, 0
        mov di, ax              ; times the bytes of a pixel
        mov cx, dx
        mov bl, bh
.next:
        dec bl
        jz .there
        add ax, di
        adc dx, cx
        jmp .next
.there:
        mov di, ax
        mov si, dx
        mov ax, 0A000h
        mov es, ax
        call bank_set
        pop dx
        pop cx
        pop ax
        ret

; Stores pixel DX:AX of BH bytes at ES:DI in bank SI and goes on to the next.
banked_store:
        push ax
        push bx
        push dx
.next:
        mov [es:di], al
        inc di
        jnz .same
        inc si
        call bank_set
.same:
        mov al, ah
        mov ah, dl
        mov dl, dh
        dec bh
        jnz .next
        pop dx
        pop bx
        pop ax
        ret

; DX:AX = colour AL in the current mode: itself with 8 bits a pixel, else one of the sixteen of a CGA.
banked_colour:
        push bx
        push cx
        push si
        mov bl, al
        mov al, [V_MODE]
        call vbe_by_oem
        mov bh, [cs:si + VM_BPP]
        mov al, bl
        xor ah, ah
        xor dx, dx
        cmp bh, 8
        jbe .done
        and al, 0Fh
        mov si, ax
        shl si, 1
        add si, ax
        mov dl, [cs:.sixteen + si]      ; red
        mov ah, [cs:.sixteen + si + 1]
        mov al, [cs:.sixteen + si + 2]
        cmp bh, 24
        jae .done
        mov cl, 3
        shr al, cl
        mov ch, al              ; blue
        mov al, ah
        xor ah, ah
        shr al, cl
        cmp bh, 15
        je .green
        shl al, 1               ; six bits of green
        test byte [cs:.sixteen + si + 1], 04h
        jz .green
        inc ax
.green:
        mov cl, 5
        shl ax, cl
        or al, ch
        and dl, 0F8h
        mov dh, dl
        mov dl, 0
        cmp bh, 15
        jne .red
        shr dx, 1
.red:
        or ax, dx
        xor dx, dx
.done:
        pop si
        pop cx
        pop bx
        ret
.sixteen:
        db 0, 0, 0,  0, 0, 0AAh,  0, 0AAh, 0,  0, 0AAh, 0AAh,  0AAh, 0, 0,  0AAh, 0, 0AAh
        db 0AAh, 55h, 0,  0AAh, 0AAh, 0AAh,  55h, 55h, 55h,  55h, 55h, 0FFh,  55h, 0FFh, 55h,  55h, 0FFh, 0FFh
        db 0FFh, 55h, 55h,  0FFh, 55h, 0FFh,  0FFh, 0FFh, 55h,  0FFh, 0FFh, 0FFh

; draw_char's part: AL in colour BL on BH at row DH, column DL.
draw_banked:
        mov bp, sp
        sub sp, 18
        push dx
        push ax
        mov al, bl
        call banked_colour
        mov [bp - 2], ax
        mov [bp - 4], dx
        mov al, bh
        call banked_colour
        mov [bp - 6], ax
        mov [bp - 8], dx
        pop ax
        push ds
        call glyph
        mov [bp - 12], si
        mov [bp - 10], ds
        pop ds
        mov [bp - 18], cx
        pop dx
        mov al, dh
        mul byte [V_CHAR]
        mov [bp - 16], ax       ; line
        xor dh, dh
        mov cl, 3
        shl dx, cl
        mov [bp - 14], dx       ; column
.line:
        les si, [bp - 12]
        mov bl, [es:si]
        inc word [bp - 12]
        push bx
        mov cx, [bp - 14]
        mov dx, [bp - 16]
        call banked_seek
        pop cx                  ; CL = the dots
        mov ch, 8
.pixel:
        mov ax, [bp - 6]
        mov dx, [bp - 8]
        shl cl, 1
        jnc .store
        mov ax, [bp - 2]
        mov dx, [bp - 4]
.store:
        call banked_store
        dec ch
        jnz .pixel
        inc word [bp - 16]
        dec word [bp - 18]
        jnz .line
        mov sp, bp
        ret

; fn0c's part: pixel CX, DX in colour BL.
pixel_banked:
        push dx
        mov al, bl
        call banked_colour
        pop bx
        push ax
        push dx
        mov dx, bx
        call banked_seek
        pop dx
        pop ax
        jmp banked_store

; read_pixel's part: AL = pixel CX, DX; the bytes of wider ones or-ed, which tells colour 0 from the rest.
read_banked:
        push si
        push di
        call banked_seek
        mov al, [es:di]
.next:
        dec bh
        jz .done
        inc di
        jnz .same
        inc si
        call bank_set
.same:
        or al, [es:di]
        jmp .next
.done:
        pop di
        pop si
        ret

; Scrolling: rows of 8 * DL pixels from column CL on; row SI (low byte) to CH, or BH into CH. See scroll.
banked_pixels:                  ; AX = bytes of DL columns; DX = pixel of column CL
        push cx
        push si
        mov al, [V_MODE]
        call vbe_by_oem
        mov al, [cs:si + VM_BPP]
        add al, 7
        and al, 0F8h            ; bytes of eight pixels
        mul dl
        mov dl, cl
        xor dh, dh
        mov cl, 3
        shl dx, cl
        pop si
        pop cx
        ret

; CX bytes from DS:SI to ES:DI, by words. Keeps CX.
copy_words:
        push cx
        shr cx, 1
        rep movsw
        rcl cx, 1
        rep movsb
        pop cx
        ret

; Below BP: the lines to copy from and to, the column, bytes of a line, lines left, bytes left, bank and offset of both
; places, and a buffer for what goes from bank to bank.
row_copy_banked:
        push ax
        push bx
        push cx
        push dx
        push bp
        mov bp, sp
        sub sp, 20 + 128
        mov ax, si
        mul byte [V_CHAR]
        mov [bp - 2], ax
        mov al, ch
        mul byte [V_CHAR]
        mov [bp - 4], ax
        call banked_pixels
        mov [bp - 6], dx
        mov [bp - 8], ax
        mov ax, [V_CHAR]
        mov [bp - 10], ax
.line:
        mov ax, [bp - 8]
        mov [bp - 12], ax
        mov cx, [bp - 6]
        mov dx, [bp - 2]
        call banked_seek
        mov [bp - 14], si
        mov [bp - 16], di
        mov dx, [bp - 4]
        call banked_seek
        mov [bp - 18], si
        mov [bp - 20], di
.chunk:
        mov cx, [bp - 12]
        mov ax, [bp - 16]       ; not past the end of either bank
        call .limit
        mov ax, [bp - 20]
        call .limit
        mov si, [bp - 14]
        cmp si, [bp - 18]
        je .direct
        cmp cx, 128
        jbe .buffer
        mov cx, 128
.buffer:
        call bank_set
        push cx
        mov ax, 0A000h
        push ds
        mov ds, ax
        push ss
        pop es
        mov si, [bp - 16]
        lea di, [bp - 20 - 128]
        call copy_words
        pop ds
        pop cx
        mov si, [bp - 18]
        call bank_set
        mov ax, 0A000h
        mov es, ax
        push ds
        push ss
        pop ds
        lea si, [bp - 20 - 128]
        jmp .copy
.direct:
        push ds
        push es
        pop ds
        mov si, [bp - 16]
.copy:
        mov di, [bp - 20]
        call copy_words
        pop ds
        add [bp - 16], cx
        jnc .source
        inc word [bp - 14]
.source:
        add [bp - 20], cx
        jnc .target
        inc word [bp - 18]
        mov si, [bp - 18]
        call bank_set
.target:
        sub [bp - 12], cx
        jnz .chunk
        inc word [bp - 2]
        inc word [bp - 4]
        dec word [bp - 10]
        jnz .line
        mov sp, bp
        pop bp
        pop dx
        pop cx
        pop bx
        pop ax
        ret
.limit:                         ; CX = at most what is left of the bank behind offset AX
        neg ax
        jz .whole
        cmp cx, ax
        jbe .whole
        mov cx, ax
.whole:
        ret

row_fill_banked:
        push ax
        push bx
        push cx
        push dx
        push bp
        mov al, ch
        push dx
        mul byte [V_CHAR]
        pop dx
        mov di, ax              ; line
        mov al, dl
        xor ah, ah
        mov dl, cl
        xor dh, dh
        mov cl, 3
        shl ax, cl
        mov bp, ax              ; pixels of a line
        shl dx, cl
        push dx                 ; first pixel
        mov al, bh
        call banked_colour
        mov si, dx              ; SI:AX = colour
        pop cx
        mov dx, di
        mov bx, [V_CHAR]
.line:
        push bx
        push cx
        push dx
        push si
        push si
        call banked_seek
        pop dx
        mov cx, bp
.pixel:
        call banked_store
        loop .pixel
        pop si
        pop dx
        pop cx
        pop bx
        inc dx
        dec bx
        jnz .line
        pop bp
        pop dx
        pop cx
        pop bx
        pop ax
        ret
