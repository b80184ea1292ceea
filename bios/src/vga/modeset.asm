; INT 10h AH = 00h: set a mode. What the other parts need of it: which class a mode is of, and its parameters.

; AL = mode, bit 7: keep the display memory.
fn00:
        mov ah, al
        and al, 7Fh
        cmp al, 13h
        ja .own
        mov bl, al
        xor bh, bh
        cmp al, 7
        jbe .known
        cmp al, 0Dh
        jb .return              ; 08-0C are no modes of a VGA
.known:
        call mode_set
.return:
        mov al, 30h             ; what later BIOSes return: the CGA colour select value, 20h past mode 7
        mov ah, [V_MODE]
        cmp ah, 6
        jb .done
        mov al, 3Fh
        je .done
        mov al, 30h
        cmp ah, 7
        je .done
        mov al, 20h
.done:
        mov [bp + F_AL], al
        ret
.own:                           ; numbers that this BIOS gives to its VBE modes
        call vbe_by_oem
        jc .return
        mov bx, [cs:si]
        mov cl, ah
        and cl, 80h
        or bh, cl
        call vbe_set
        jmp .return

; The class of the current mode in AL.
mode_class:
        push bx
        mov bl, [V_MODE]
        cmp bl, 13h
        ja .vbe
        xor bh, bh
        mov al, [cs:class_table + bx]
        pop bx
        ret
.vbe:
        push si
        mov al, bl
        call vbe_by_oem
        mov al, C_TEXT
        jc .found
        cmp byte [cs:si + VM_BPP], 4
        jb .found               ; 0: text
        mov al, C_PLANAR
        je .found
        mov al, C_BANKED
.found:
        pop si
        pop bx
        ret

; ES:SI = entry of the video parameter table for mode AL at the selected number of scan lines. The table is the one
; that the save pointer names: a program may have put its own.
mode_params:
        push bx
        mov bl, al
        xor bh, bh
        cmp al, 3
        jbe .text
        mov bl, [cs:.entries - 4 + bx]
        cmp al, 7
        jne .have
        test byte [V_FLAGS], V_400
        jz .have
        mov bl, 19h
        jmp .have
.text:
        test byte [V_FLAGS], V_200
        jnz .have
        test byte [V_FLAGS], V_400
        jnz .text400
        add bl, 13h
        jmp .have
.text400:
        shr bl, 1
        add bl, 17h
.have:
        mov al, bl
        call param_entry
        pop bx
        ret
.entries: db 4, 5, 6, 7, 8, 9, 0Ah, 0Bh, 0Ch, 0Dh, 0Eh, 11h, 12h, 1Ah, 1Bh, 1Ch

; ES:SI = entry AL of the video parameter table.
param_entry:
        push ax
        push cx
        les si, [V_SAVEP]
        les si, [es:si]
        xor ah, ah
        mov cl, 6
        shl ax, cl
        add si, ax
        pop cx
        pop ax
        ret

; Sets standard mode AL; bit 7 of AH: keep the display memory. Preserves nothing but BP and DS.
mode_set:
        call dispi_off
        and ah, 80h
        and byte [V_INFO], 7Fh
        or [V_INFO], ah
        mov [V_MODE], al
        call mode_params
        mov al, [V_MODE]
        and byte [V_EQUIP], 0CFh
        mov ah, 20h             ; colour, 80 columns
        cmp al, 7
        je .mono
        cmp al, 0Fh
        jne .equip
.mono:
        mov ah, 30h
.equip:
        or [V_EQUIP], ah
        cmp al, 7
        ja .registers
        mov bl, al
        xor bh, bh
        mov ah, [cs:msel_table + bx]
        mov [V_MSEL], ah
        mov ah, 30h
        cmp al, 6
        jne .select
        mov ah, 3Fh
.select:
        mov [V_CPAL], ah
.registers:
        call set_registers
        call set_bda
        call dac_defaults
        call clear_memory
        call mode_font
        ; falls through

; Lets the attribute controller show the picture again.
video_show:
        push ax
        push dx
        mov dx, [V_CRTC]
        add dl, 6
        in al, dx
        mov dl, 0C0h
        mov al, 20h
        out dx, al
        pop dx
        pop ax
        ret

; Writes the registers from the parameters at ES:SI; the screen stays blank until video_show. Sets V_CRTC.
; Preserves ES and SI.
set_registers:
        push si
        add si, 5
        mov dx, 3DAh            ; the next write to 3C0h is an index, whichever address the status register has now
        in al, dx
        mov dl, 0BAh
        in al, dx
        mov dl, 0C0h
        xor al, al
        out dx, al
        mov dl, 0C4h
        mov ax, 0100h           ; synchronous reset while the clock may change
        out dx, ax
        mov al, 1
.sequencer:
        mov ah, [es:si]
        inc si
        out dx, ax
        inc al
        cmp al, 5
        jb .sequencer
        mov al, [es:si]
        inc si
        mov dl, 0C2h
        out dx, al
        mov bx, 3D4h
        test al, 1
        jnz .colour
        mov bl, 0B4h
.colour:
        mov [V_CRTC], bx
        mov dl, 0C4h
        mov ax, 0300h
        out dx, ax
        mov dx, bx
        mov ax, 0011h           ; registers 0-7 writable
        out dx, ax
        xor al, al
.crtc:
        mov ah, [es:si]
        inc si
        out dx, ax
        inc al
        cmp al, 19h
        jb .crtc
        add dl, 6
        in al, dx
        xor ah, ah
.attribute:
        mov dl, 0C0h
        test byte [V_FLAGS], V_NOPAL
        jz .write
        cmp ah, 11h             ; default palette loading off: palette and overscan stay
        je .skip
        cmp ah, 10h
        jb .skip
.write:
        mov al, ah
        out dx, al
        mov al, [es:si]
        out dx, al
.skip:
        inc si
        inc ah
        cmp ah, 14h
        jb .attribute
        mov al, ah              ; colour select
        out dx, al
        xor al, al
        out dx, al
        mov dl, 0CEh
.graphics:
        mov ah, [es:si]
        inc si
        out dx, ax
        inc al
        cmp al, 9
        jb .graphics
        mov dl, 0C6h            ; PEL mask
        mov al, 0FFh
        out dx, al
        pop si
        jmp save_palette

; The dynamic parameter save area, if the save pointer table names one, gets palette and overscan of ES:SI.
save_palette:
        push ax
        push cx
        push si
        push di
        push ds
        push es
        lds di, [V_SAVEP]
        lds di, [di + 4]        ; DS:DI = area
        mov ax, ds
        or ax, di
        jz .none
        add si, 5 + 4 + 1 + 25
        mov cx, 16
.copy:
        mov al, [es:si]
        mov [di], al
        inc si
        inc di
        loop .copy
        mov al, [es:si + 1]
        mov [di], al
.none:
        pop es
        pop ds
        pop di
        pop si
        pop cx
        pop ax
        ret

; BIOS data area from the parameters at ES:SI.
set_bda:
        mov al, [es:si]
        xor ah, ah
        mov [V_COLS], ax
        mov al, [es:si + 1]
        mov [V_ROWS], al
        mov al, [es:si + 2]
        mov [V_CHAR], ax
        mov ax, [es:si + 3]
        mov [V_PSIZE], ax
        xor ax, ax
        mov [V_START], ax
        mov [V_PAGE], al
        push es
        push ds
        pop es
        mov di, V_CURS
        mov cx, 8
        rep stosw
        pop es
        call mode_class
        xor cx, cx
        cmp al, C_TEXT
        jne .cursor
        mov cx, 0607h           ; as the cursor emulation sees it; the registers have the emulated lines already
        cmp byte [V_MODE], 7
        jne .cursor
        mov cx, 0B0Ch
.cursor:
        mov [V_CTYPE], cx
        ret

; Clears the display memory of the current mode unless it is to be kept.
clear_memory:
        test byte [V_INFO], 80h
        jnz .done
        push es
        call mode_class
        mov cx, 4000h
        cmp al, C_TEXT
        jne .graphics
        call text_segment
        mov ax, 0720h
        jmp .fill
.graphics:
        mov dx, 0B800h
        cmp al, C_CGA2
        jbe .zero
        mov dx, 0A000h
        mov ch, 80h
.zero:
        mov es, dx
        xor ax, ax
.fill:
        xor di, di
        rep stosw
        pop es
.done:
        ret

; The characters of the mode: loaded into plane 2 for text, named by INT 43h for graphics. The save pointer table may
; override both.
mode_font:
        call mode_class
        cmp al, C_TEXT
        jne .graphics
        mov al, [V_CHAR]
        call rom_font           ; CS:BX = 256 characters, AL = their height
        push ax
        call set_int43
        push ds
        mov si, bx
        mov bh, al
        mov bl, 0
        push cs
        pop ds
        mov cx, 256
        xor dx, dx
        call load_chars
        pop ds
        pop ax
        mov bl, 0
        call load_nine
        mov bx, 8
        call override
        jc .done
        mov bh, [es:si]         ; bytes a character
        mov bl, [es:si + 1]     ; block
        mov cx, [es:si + 2]
        mov dx, [es:si + 4]
        push es
        push si
        push ds
        lds si, [es:si + 6]
        call load_chars
        pop ds
        pop si
        pop es
        mov al, [es:si]
        cmp al, [V_CHAR]
        je .done
        jmp text_height
.graphics:
        mov al, [V_CHAR]
        call rom_font
        call set_int43
        mov cx, 8
        mov dx, font8 + 128 * 8
        xor ax, ax
        push ds
        mov ds, ax
        mov [1Fh * 4], dx
        mov [1Fh * 4 + 2], cs
        pop ds
        mov bx, 12
        call override
        jc .done
        mov al, [es:si]
        dec al
        mov [V_ROWS], al
        mov ax, [es:si + 1]
        mov [V_CHAR], ax
        les bx, [es:si + 3]
        push ds
        xor ax, ax
        mov ds, ax
        mov [43h * 4], bx
        mov [43h * 4 + 2], es
        pop ds
.done:
        ret

; ES:SI = the override that the save pointer table has at BX (8 text, 12 graphics), if it names the current mode;
; carry: none.
override:
        les si, [V_SAVEP]
        add si, bx
        les si, [es:si]
        mov ax, es
        or ax, si
        jz .none
        lea di, [si + 11]       ; list of modes
        cmp bx, 8
        je .list
        lea di, [si + 7]
.list:
        mov cx, 20              ; a longer list is none
.next:
        mov al, [es:di]
        inc di
        cmp al, 0FFh
        je .none
        cmp al, [V_MODE]
        je .found
        loop .next
.none:
        stc
.found:
        ret
