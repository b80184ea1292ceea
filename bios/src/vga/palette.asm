; INT 10h AH = 0Bh, 10h: attribute controller palette and DAC.

; Attribute controller register AL = AH; the picture stays on.
attr_write:
        push ax
        push dx
        mov dx, [V_CRTC]
        add dl, 6
        push ax
        in al, dx
        pop ax
        mov dl, 0C0h
        out dx, al
        mov al, ah
        out dx, al
        mov al, 20h
        out dx, al
        pop dx
        pop ax
        ret

; AL = attribute controller register AL.
attr_read:
        push dx
        push ax
        mov dx, [V_CRTC]
        add dl, 6
        in al, dx
        pop ax
        mov dl, 0C0h
        out dx, al
        inc dx
        in al, dx
        push ax
        mov dx, [V_CRTC]
        add dl, 6
        in al, dx
        mov dl, 0C0h
        mov al, 20h
        out dx, al
        pop ax
        pop dx
        ret

; As attr_write; palette and overscan are also kept in the dynamic parameter save area, if there is one.
palette_write:
        call attr_write
        push ax
        push bx
        push si
        push ds
        mov bl, al
        lds si, [V_SAVEP]
        lds si, [si + 4]
        mov al, ah
        mov bh, 0
        cmp bl, 10h
        jb .place
        cmp bl, 11h
        jne .none
        mov bl, 10h             ; the overscan stands behind the sixteen
.place:
        mov ah, al
        mov al, 0
        push ax
        mov ax, ds
        or ax, si
        pop ax
        jz .none
        mov [si + bx], ah
.none:
        pop ds
        pop si
        pop bx
        pop ax
        ret

; 0Bh: BH = 0: border and background BL; BH = 1: palette BL of modes 4 and 5.
fn0b:
        mov al, [V_CPAL]
        or bh, bh
        jnz .palette
        and al, 0E0h
        and bl, 1Fh
        or al, bl
        mov [V_CPAL], al
        mov ah, bl              ; intensity is bit 4 of a palette register
        and ah, 08h
        shl ah, 1
        and bl, 07h
        or ah, bl
        mov al, 11h
        call palette_write
        cmp byte [V_MODE], 3
        jbe .done
        cmp byte [V_MODE], 7
        je .done
        mov al, 00h
        call palette_write
        jmp .foreground
.palette:
        and al, 0DFh
        test bl, 01h
        jz .set
        or al, 20h
.set:
        mov [V_CPAL], al
.foreground:
        call mode_class
        cmp al, C_CGA4
        jne .done
        mov bl, [V_CPAL]
        mov ah, bl
        and ah, 10h
        or ah, 02h              ; green, red, brown
        test bl, 20h
        jz .three
        inc ah                  ; cyan, magenta, white
.three:
        mov al, 1
.next:
        call palette_write
        add ah, 2
        inc al
        cmp al, 3
        jbe .next
.done:
        ret

; 10h: palette functions by AL.
fn10:
        cmp al, 1Bh
        ja .none
        mov ah, 0
        mov si, ax
        shl si, 1
        jmp [cs:.table + si]
.none:  ret
.table: dw pal00, pal01, pal02, pal03, none, none, none, pal07, pal08, pal09, none, none, none, none, none, none
        dw pal10, none, pal12, pal13, none, pal15, none, pal17, pal18, pal19, pal1a, pal1b

pal00:                          ; register BL = BH
        mov al, bl
        mov ah, bh
        cmp al, 14h
        ja .done
        jmp palette_write
.done:  ret

pal01:                          ; overscan = BH
        mov al, 11h
        mov ah, bh
        jmp palette_write

pal02:                          ; sixteen registers and overscan from ES:DX
        mov si, dx
        xor al, al
.next:
        mov ah, [es:si]
        inc si
        call palette_write
        inc al
        cmp al, 10h
        jb .next
        mov ah, [es:si]
        inc al
        jmp palette_write

pal03:                          ; attribute bit 7: BL = 0 background intensity, 1 blinking
        mov al, 10h
        call attr_read
        and al, 0F7h
        and byte [V_MSEL], 0DFh
        test bl, 01h
        jz .write
        or al, 08h
        or byte [V_MSEL], 20h
.write:
        mov ah, al
        mov al, 10h
        jmp attr_write

pal07:                          ; BH = register BL
        mov al, bl
        cmp al, 14h
        ja .done
        call attr_read
        mov [bp + F_BH], al
.done:  ret

pal08:                          ; BH = overscan
        mov al, 11h
        call attr_read
        mov [bp + F_BH], al
        ret

pal09:                          ; sixteen registers and overscan to ES:DX
        mov di, dx
        xor bl, bl
.next:
        mov al, bl
        call attr_read
        stosb
        inc bl
        cmp bl, 10h
        jb .next
        mov al, 11h
        call attr_read
        stosb
        ret

pal10:                          ; DAC register BX = DH, CH, CL
        mov ah, dh
        mov al, bl
        mov dx, 3C8h
        out dx, al
        inc dx
        mov al, ah
        out dx, al
        mov al, ch
        out dx, al
        mov al, cl
        out dx, al
        mov cx, 1
        jmp gray_if

pal12:                          ; CX DAC registers from BX on, from ES:DX
        jcxz .none
        mov si, dx
        mov al, bl
        mov dx, 3C8h
        out dx, al
        inc dx
        push cx
.next:
        mov al, [es:si]
        out dx, al
        mov al, [es:si + 1]
        out dx, al
        mov al, [es:si + 2]
        out dx, al
        add si, 3
        loop .next
        pop cx
        jmp gray_if
.none:  ret

pal13:                          ; BL = 0: four pages of 64 or sixteen of 16 (BH); 1: page BH
        mov al, 10h
        call attr_read
        test bl, 01h
        jnz .page
        and al, 7Fh
        test bh, 01h
        jz .write
        or al, 80h
.write:
        mov ah, al
        mov al, 10h
        jmp attr_write
.page:
        mov ah, bh
        test al, 80h
        jnz .set
        shl ah, 1
        shl ah, 1
.set:
        and ah, 0Fh
        mov al, 14h
        jmp attr_write

; DH, CH, CL = DAC register BL.
dac_read:
        mov al, bl
        mov dx, 3C7h
        out dx, al
        mov dl, 0C9h
        in al, dx
        mov ah, al
        in al, dx
        mov ch, al
        in al, dx
        mov cl, al
        mov dh, ah
        ret

pal15:                          ; DH, CH, CL = DAC register BX
        call dac_read
        mov [bp + F_DH], dh
        mov [bp + F_CX], cx
        ret

pal17:                          ; CX DAC registers from BX on, to ES:DX
        jcxz .none
        mov di, dx
        mov al, bl
        mov dx, 3C7h
        out dx, al
        mov dl, 0C9h
        mov ax, cx
        shl cx, 1
        add cx, ax
        cmp ax, 256
        ja .none
.next:
        in al, dx
        stosb
        loop .next
.none:  ret

pal18:                          ; PEL mask = BL
        mov al, bl
        mov dx, 3C6h
        out dx, al
        ret

pal19:                          ; BL = PEL mask
        mov dx, 3C6h
        in al, dx
        mov [bp + F_BL], al
        ret

pal1a:                          ; BL = paging mode, BH = page
        mov al, 10h
        call attr_read
        mov bl, al
        mov al, 14h
        call attr_read
        and al, 0Fh
        test bl, 80h
        mov bl, 1
        jnz .set
        mov bl, 0
        shr al, 1
        shr al, 1
.set:
        mov bh, al
        mov [bp + F_BX], bx
        ret

pal1b:                          ; CX DAC registers from BX on to grey
        jcxz gray_if.done
        cmp cx, 256
        jbe gray
        mov cx, 256
        jmp gray

; Greys CX DAC registers from BL on if gray-scale summing is on.
gray_if:
        test byte [V_FLAGS], V_GRAY
        jnz gray
.done:  ret

; 30 % red, 59 % green and 11 % blue, in 256ths.
gray:
        push si
        push di
        mov si, cx
.next:
        call dac_read
        mov al, 77
        mul dh
        mov di, ax
        mov al, 151
        mul ch
        add di, ax
        mov al, 28
        mul cl
        add di, ax
        add di, 80h
        mov ax, di
        mov dx, 3C8h
        mov al, bl
        out dx, al
        inc dx
        mov al, ah
        out dx, al
        out dx, al
        out dx, al
        inc bl
        dec si
        jnz .next
        pop di
        pop si
        ret
