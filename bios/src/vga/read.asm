; INT 10h AH = 08h, 0Dh: what is on the screen.

; 08h: character and attribute at the cursor of page BH. In graphics modes the cell is compared with the characters;
; AL = 0 if it is none of them.
fn08:
        call get_cursor
        call mode_class
        cmp al, C_TEXT
        jne .graphics
        call cell_address
        mov ax, [es:di]
        mov [bp + F_AX], ax
        ret
.graphics:
        mov bl, al
        call page_offset
        mov si, ax              ; offset of the page, for the planar modes
        mov cx, [V_CHAR]
        cmp bl, C_CGA2
        ja .height
        mov cx, 8
.height:
        cmp cx, 32              ; higher characters do not exist
        ja .unknown
        jcxz .unknown
        push bp
        mov bp, sp
        sub sp, 32              ; the rows of the cell
        xor bh, bh
        shl bx, 1
        push cx
        push bp
        call [cs:.class + bx]   ; SS:BP - 32 = rows of the cell, a set bit where a pixel is not 0
        pop bp
        pop cx
        xor al, al
.compare:
        push ds
        push cx
        call glyph
        lea di, [bp - 32]
        push ss
        pop es
        repe cmpsb
        pop cx
        pop ds
        je .found
        inc al
        jnz .compare
.found:
        mov sp, bp
        pop bp
        mov [bp + F_AL], al
        mov byte [bp + F_AH], 0
        ret
.unknown:
        mov word [bp + F_AX], 0
        ret
.class: dw none, cell_cga, cell_cga, cell_planar, cell_pixels, cell_pixels

; These fill CX bytes from SS:BP - 32 with the cell at row DH, column DL. They may destroy any register but DS.
cell_cga:
        sub bp, 32
        mov al, dh
        mov ah, 160
        mul ah
        shl ax, 1
        add si, ax
        xor dh, dh
        mov bh, [V_MODE]
        cmp bh, 6
        je .one
        shl dx, 1
.one:
        add si, dx
        mov di, si
        mov ax, 0B800h
        mov es, ax
.line:
        mov al, [es:di]
        cmp bh, 6
        je .have
        mov ah, al
        mov al, [es:di + 1]
        push cx
        mov cx, 8
.pair:
        shl bl, 1
        test ah, 0C0h
        jz .none
        inc bx
.none:
        shl ax, 1
        shl ax, 1
        loop .pair
        pop cx
        mov al, bl
.have:
        mov [bp], al
        inc bp
        call row_copy_cga.next
        loop .line
        ret

cell_planar:
        sub bp, 32
        mov al, dh
        mul byte [V_CHAR]
        push dx
        mul word [V_COLS]
        pop dx
        add ax, si
        xor dh, dh
        add ax, dx
        mov di, ax
        mov ax, 0A000h
        mov es, ax
        mov dx, 3CEh
        mov ax, 0002h           ; colour compare with 0, in every plane, read mode 1: a set bit where a pixel is 0
        out dx, ax
        mov ax, 0F07h
        out dx, ax
        mov ax, 0805h
        out dx, ax
.line:
        mov al, [es:di]
        not al
        mov [bp], al
        inc bp
        add di, [V_COLS]
        loop .line
        jmp planar_reset

cell_pixels:
        sub bp, 32
        mov di, cx              ; rows
        mov al, dh
        mul byte [V_CHAR]
        xor dh, dh
        mov cl, 3
        shl dx, cl
        mov cx, dx
        mov dx, ax              ; CX, DX = the first pixel
.line:
        mov bl, 8
.pixel:
        push cx
        push dx
        push bx
        push di
        call read_pixel
        pop di
        pop bx
        pop dx
        pop cx
        shl bh, 1
        or al, al
        jz .zero
        inc bh
.zero:
        inc cx
        dec bl
        jnz .pixel
        mov [bp], bh
        inc bp
        sub cx, 8
        inc dx
        dec di
        jnz .line
        ret

; AL = pixel at CX, DX where pixels are bytes or wider.
read_pixel:
        cmp byte [V_MODE], 13h
        jne read_banked
        call byte_pixel
        mov al, [es:di]
        ret

; 0Dh: AL = pixel at column CX, line DX of page BH.
fn0d:
        call mode_class
        cmp al, C_TEXT
        je .none
        cmp al, C_PLANAR
        je .planar
        ja .wide
        call cga_pixel
        mov al, [es:di]
        shr al, cl
        and al, ch
        jmp .have
.wide:
        call read_pixel
        jmp .have
.planar:
        call planar_pixel
        mov bl, ah
        mov dx, 3CEh
        mov ax, 0005h
        out dx, ax
        xor bh, bh
        mov ax, 0304h
.plane:
        out dx, ax
        shl bh, 1
        test [es:di], bl
        jz .zero
        inc bh
.zero:
        dec ah
        jns .plane
        mov ax, 0004h
        out dx, ax
        mov al, bh
.have:
        mov [bp + F_AL], al
.none:
        ret
