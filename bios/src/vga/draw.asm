; INT 10h AH = 09h, 0Ah, 0Ch: characters and pixels.

; 09h: AL with attribute BL, CX times from the cursor of page BH on. 0Ah: the same, keeping the attributes of text.
fn09:
        jcxz .none
        call get_cursor
        push ax
        call mode_class
        cmp al, C_TEXT
        pop ax
        jne .graphics
        call cell_address
        cmp ah, 0Ah
        mov ah, bl
        je .keep
        rep stosw
.none:
        ret
.keep:
        stosb
        inc di
        loop .keep
        ret
.graphics:
        push ax
        call page_offset
        mov si, ax
        call mode_class
        cmp al, C_BYTE          ; with 256 colours BH is the background's, and there is one page
        pop ax
        jae .next
        xor bh, bh
.next:
        call draw_char
        inc dl
        cmp dl, [V_COLS]
        jb .count
        xor dl, dl
        inc dh
        cmp dh, [V_ROWS]
        ja .none
.count:
        loop .next
        ret

; DS:SI = the rows of character AL, CX = their number. In CGA modes the upper half comes from INT 1Fh.
glyph:
        push ax
        push dx
        push es
        mov cx, [V_CHAR]
        mov dl, al
        call mode_class
        mov ah, al
        mov al, dl
        xor si, si
        mov es, si
        mov si, 43h * 4
        cmp ah, C_CGA2
        ja .have
        mov cx, 8
        cmp al, 80h
        jb .have
        sub al, 80h
        mov si, 1Fh * 4
.have:
        xor ah, ah
        mul cx
        lds si, [es:si]
        add si, ax
        pop es
        pop dx
        pop ax
        ret

; Draws character AL in colour BL (bit 7: exclusive or, except with 256 colours and more) at row DH, column DL, of the
; page at offset SI. BH = background where pixels are bytes or wider. Preserves every register.
draw_char:
        push ax
        push bx
        push cx
        push dx
        push si
        push di
        push bp
        push ds
        push es
        push ax
        call mode_class
        xor ah, ah
        shl ax, 1
        mov di, ax
        pop ax
        call [cs:.class + di]
        pop es
        pop ds
        pop bp
        pop di
        pop si
        pop dx
        pop cx
        pop bx
        pop ax
        ret
.class: dw none, draw_cga, draw_cga, draw_planar, draw_byte, draw_banked

draw_planar:
        push ax
        mov al, dh
        mul byte [V_CHAR]
        push dx
        mul word [V_COLS]
        pop dx
        add ax, si
        xor dh, dh
        add ax, dx
        mov di, ax
        pop ax
        mov bp, [V_COLS]
        call planar_reset
        mov cx, 0A000h
        mov es, cx
        call glyph
        mov dx, 3C4h
        mov ah, bl
        and ah, 0Fh
        mov al, 02h             ; the planes of the colour
        out dx, ax
        test bl, 80h
        jnz .xor
        push cx
        push di
.set:
        lodsb
        mov [es:di], al
        add di, bp
        loop .set
        pop di
        pop cx
        not bl
        mov ah, bl
        and ah, 0Fh
        mov al, 02h             ; the others
        out dx, ax
.clear:
        mov byte [es:di], 0
        add di, bp
        loop .clear
        jmp planar_reset
.xor:
        mov dl, 0CEh
        mov ax, 1803h
        out dx, ax
.invert:
        lodsb
        mov ah, [es:di]         ; fills the latches
        mov [es:di], al
        add di, bp
        loop .invert
        jmp planar_reset

draw_cga:
        push ax
        mov al, dh
        mov ah, 160
        mul ah
        shl ax, 1
        add si, ax
        xor dh, dh
        cmp byte [V_MODE], 6
        je .one
        shl dx, 1
.one:
        add si, dx
        mov di, si
        pop ax
        mov bh, [V_MODE]
        mov cx, 0B800h
        mov es, cx
        call glyph
        mov bp, cx
        push bx                 ; BX = the pattern of the colour
        mov al, bl
        and al, 03h
        mov ah, 55h
        mul ah
        mov ah, al
        mov dx, ax
        pop bx
.line:
        lodsb
        cmp bh, 6
        je .bits
        push dx
        mov cx, 8               ; each bit twice
.double:
        shl dx, 1
        shl dx, 1
        shl al, 1
        jnc .zero
        or dl, 03h
.zero:
        loop .double
        pop ax
        and dx, ax              ; AX = colour again
        xchg dh, dl
        test bl, 80h
        jz .store
        xor [es:di], dx
        jmp .wrote
.store:
        mov [es:di], dx
.wrote:
        mov dx, ax
        jmp .next
.bits:
        test bl, 80h
        jz .byte
        xor [es:di], al
        jmp .next
.byte:
        mov [es:di], al
.next:
        call row_copy_cga.next
        dec bp
        jnz .line
        ret

draw_byte:
        push ax
        mov al, dh
        mul byte [V_CHAR]
        push dx
        mul word [V_COLS]
        pop dx
        xor dh, dh
        add ax, dx
        mov cl, 3
        shl ax, cl
        mov di, ax
        mov bp, [V_COLS]
        shl bp, cl
        sub bp, 8
        pop ax
        mov cx, 0A000h
        mov es, cx
        call glyph
.line:
        push cx
        lodsb
        mov ah, al
        mov cx, 8
.pixel:
        mov al, bh
        shl ah, 1
        jnc .put
        mov al, bl
.put:
        stosb
        loop .pixel
        add di, bp
        pop cx
        loop .line
        ret

; 0Ch: pixel at column CX, line DX of page BH in colour AL (bit 7: exclusive or, except with 256 colours and more).
fn0c:
        mov bl, al
        call mode_class
        xor ah, ah
        shl ax, 1
        mov si, ax
        jmp [cs:.class + si]
.class: dw none, pixel_cga, pixel_cga, pixel_planar, pixel_byte, pixel_banked

; ES:DI = the byte of the pixel at CX, DX; CL = how far it stands from the byte's right end, CH = its mask there.
cga_pixel:
        mov ax, 0B800h
        mov es, ax
        mov al, 80
        push dx
        shr dx, 1
        mul dl
        pop dx
        mov di, ax
        test dl, 01h
        jz .even
        add di, 2000h
.even:
        mov ax, cx
        cmp byte [V_MODE], 6
        je .one
        shr ax, 1
        shr ax, 1
        add di, ax
        and cl, 03h
        xor cl, 03h
        shl cl, 1
        mov ch, 03h
        ret
.one:
        shr ax, 1
        shr ax, 1
        shr ax, 1
        add di, ax
        and cl, 07h
        xor cl, 07h
        mov ch, 01h
        ret

pixel_cga:
        call cga_pixel
        mov al, bl
        and al, ch
        shl al, cl
        test bl, 80h
        jnz .xor
        shl ch, cl
        not ch
        and [es:di], ch
        or [es:di], al
        ret
.xor:
        xor [es:di], al
        ret

; ES:DI = the byte of the pixel at CX, DX of page BH; AH = its mask.
planar_pixel:
        call page_offset
        mov di, ax
        mov ax, dx
        mul word [V_COLS]
        add di, ax
        mov ax, cx
        shr ax, 1
        shr ax, 1
        shr ax, 1
        add di, ax
        and cl, 07h
        mov ah, 80h
        shr ah, cl
        mov cx, 0A000h
        mov es, cx
        ret

pixel_planar:
        call planar_pixel
        call planar_reset
        mov dx, 3CEh
        mov al, 08h
        out dx, ax
        test bl, 80h
        jnz .xor
        mov al, [es:di]
        mov byte [es:di], 0     ; all planes off at this bit, then those of the colour on
        jmp .set
.xor:
        mov ax, 1803h
        out dx, ax
.set:
        mov dl, 0C4h
        mov ah, bl
        and ah, 0Fh
        mov al, 02h
        out dx, ax
        mov al, [es:di]
        mov byte [es:di], 0FFh
        jmp planar_reset

; ES:DI = the byte of the pixel at CX, DX in mode 13h.
byte_pixel:
        mov ax, [V_COLS]
        shl ax, 1
        shl ax, 1
        shl ax, 1
        mul dx
        add ax, cx
        mov di, ax
        mov ax, 0A000h
        mov es, ax
        ret

pixel_byte:
        call byte_pixel
        mov [es:di], bl
        ret
