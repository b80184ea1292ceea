; VBE functions 08h-0Bh and 10h: colours, the protected mode interface, pixel clock, power.

; 08h: bits of a DAC component; BL = 0 set BH, 1 get into BH.
vbe08:
        call vbe_current
        jc vbe_not_now
        cmp byte [cs:si + VM_BPP], 8
        jne vbe_not_now         ; there is no palette, or it is the VGA's
        cmp bl, 1
        ja vbe_fail
        mov al, D_ENABLE
        call dispi_get
        or bl, bl
        jnz .read
        and ax, ~DE_DAC8 & 0FFFFh
        cmp bh, 6
        jb vbe_fail
        cmp bh, 8
        jb .set
        or al, DE_DAC8
.set:
        or al, DE_KEEP          ; this is no mode set
        mov bx, ax
        mov al, D_ENABLE
        call dispi_set
        mov al, D_ENABLE
        call dispi_get
.read:
        mov bh, 6
        test al, DE_DAC8
        jz .report
        mov bh, 8
.report:
        mov [bp + F_BH], bh
        jmp vbe_ok

; 09h: palette; BL = 0 set, 80h set during retrace, 1 get; CX entries from DX on, blue, green, red, unused at ES:DI.
vbe09:
        or cx, cx
        jz .fail
        mov di, [bp + F_DI]
        mov ax, dx
        add ax, cx
        jc .fail
        cmp ax, 256
        ja .fail
        mov ah, dl
        cmp bl, 1
        je .read
        test bl, 7Fh
        jnz .second
        or bl, bl
        jz .write
        push ax
        push cx
        mov dx, [V_CRTC]
        add dl, 6
        call wait_retrace
        pop cx
        pop ax
.write:
        mov dx, 3C8h
        mov al, ah
        out dx, al
        inc dx
.next:
        mov al, [es:di + 2]
        out dx, al
        mov al, [es:di + 1]
        out dx, al
        mov al, [es:di]
        out dx, al
        add di, 4
        loop .next
        jmp vbe_ok
.read:
        mov dx, 3C7h
        mov al, ah
        out dx, al
        mov dl, 0C9h
.get:
        in al, dx
        mov [es:di + 2], al
        in al, dx
        mov [es:di + 1], al
        in al, dx
        mov [es:di], al
        mov byte [es:di + 3], 0
        add di, 4
        loop .get
        jmp vbe_ok
.second:
        cmp bl, 3               ; secondary palette
        ja .fail
        mov ax, 024Fh
        ret
.fail:
        jmp vbe_fail

; 0Ah: protected mode interface; BL = 0: ES:DI = table, CX = its length.
vbe0a:
        or bl, bl
        jnz .fail
        mov [bp + F_ES], cs
        mov word [bp + F_DI], pm_table
        mov word [bp + F_CX], pm_table_end - pm_table
        jmp vbe_ok
.fail:
        jmp vbe_fail

; 0Bh: pixel clock; BL = 0: ECX = the nearest to ECX for mode DX. Every clock exists. A processor with an ECX is one
; whose flags 12 to 15 do not all read as ones (8086) or zeroes (80286).
vbe0b:
        or bl, bl
        jnz .fail
        pushf
        pop ax
        or ah, 0F0h
        push ax
        popf
        pushf
        pop ax
        and ah, 0F0h
        jz .fail                ; 80286
        mov bx, dx
        and bx, 01FFh
        call vbe_by_number
        jc .fail
        jmp vbe_ok
.fail:
        jmp vbe_fail

; 10h: power management, VBE/PM; BL = 0 report, 1 set state BH, 2 get it. Standby blanks the screen, off stops the
; synchronisation, too.
vbe10:
        cmp bl, 1
        je .set
        ja .get
        mov word [bp + F_BX], 0510h     ; version 1.0; standby and off
        jmp vbe_ok
.set:
        mov al, 0
        or bh, bh
        jz .screen
        inc ax
        cmp bh, 01h
        je .screen
        cmp bh, 04h
        je .screen
        jmp vbe_fail
.screen:
        call screen_off
        mov al, 17h
        call crtc_read
        and al, 7Fh
        cmp bh, 04h
        je .sync
        or al, 80h
.sync:
        mov ah, al
        mov al, 17h
        call crtc_write
        jmp vbe_ok
.get:
        cmp bl, 2
        ja .fail
        mov bh, 04h
        mov al, 17h
        call crtc_read
        test al, 80h
        jz .report
        mov dx, 3C4h
        mov al, 01h
        out dx, al
        inc dx
        in al, dx
        mov bh, 01h
        test al, 20h
        jnz .report
        mov bh, 0
.report:
        mov [bp + F_BH], bh
        jmp vbe_ok
.fail:
        jmp vbe_fail
