; The diskette drive and its medium: motor, change line, steps, and which data rate reads the medium.
;
; IBM PC/AT Technical Reference, "BIOS: Diskette" (40:3E-40, 40:8B, 40:90-95); Intel 82077AA data sheet, "Data rate select", READ ID.
;
; DS = BDA; the frame and its F_* are floppy.asm's.

; ---------------------------------------------------------------------------------------------------------------------
; the drive: motor, change line, steps
; ---------------------------------------------------------------------------------------------------------------------
; Select the drive with its motor on. F_SPUN = 1 when the motor stood. Changes AX, BX, CX.
fd_motor:
        push dx
        pushf
        cli
        mov byte [B_MCOUNT], 0FFh
        mov byte [bp+F_SPUN], 0
        mov cl, [bp+F_DRIVE]
        mov al, 1
        shl al, cl
        test [B_MOTOR], al
        jnz .on
        mov byte [bp+F_SPUN], 1
.on:    or al, [B_MOTOR]
        and al, 8Fh
        mov ah, cl                      ; 5:4 = drive
        push cx
        mov cl, 4
        shl ah, cl
        or al, ah
        mov [B_MOTOR], al
        shl al, cl                      ; motors to 7:4
        pop cx
        or al, 0Ch
        or al, cl
        mov dx, FDC_DOR
        out dx, al
        popf
        pop dx
        ret

; Wait for the motor to reach its speed. INT 15h AX=90FDh may do so instead. Changes AX, CX.
fd_spin:
        cmp byte [bp+F_SPUN], 0
        je .end
        mov byte [bp+F_SPUN], 0
        mov ax, 90FDh
        int 15h
        jc .end
        call fd_table
        mov al, [es:di+10]              ; eighths of a second
        mov ah, 8
        test byte [B_MOTOR], 80h
        jnz .least
        mov ah, 5
.least: cmp al, ah
        jae .time
        mov al, ah
.time:  xor ah, ah
        mov cx, ax                      ; * 125 ms / 55 ms: 9/4 ticks
        shl cx, 1
        shr ax, 1
        shr ax, 1
        add cx, ax
        call wait_ticks
.end:   ret

; ZF = 0 when the change line is active.
fd_line:
        push dx
        mov dx, FDC_CCR
        in al, dx
        pop dx
        test al, 80h
        ret

; The change line for a call that needs the medium. Active: the medium's kind is forgotten, steps clear the line: 06h, or 80h
; when it stays and the drive is empty. CF: AH = status. Preserves DX; BX and CX change.
fd_changed:
        push ax
        cmp byte [bp+F_TYPE], 1
        je .same
        call fd_motor
        call fd_line
        jz .same
        call fd_index
        mov byte [bx+B_STATE], 0
        call fdc_reset
        mov byte [bp+F_CYL], 1
        call fd_step
        mov byte [bp+F_CYL], 0
        call fd_step
        pop ax
        call fd_line
        mov ah, E_TIMEOUT
        jnz .fail
        mov ah, E_CHANGE
.fail:  stc
        ret
.same:  pop ax
        clc
        ret

; Seek to the call's cylinder. CF: AH = status. Preserves DX.
fd_seek:
        call fd_index
        mov al, [bp+R_CH]
        test byte [bx+B_STATE], FS_DSTEP
        jz .one
        shl al, 1
.one:   mov [bp+F_CYL], al
; Seek to F_CYL.
fd_step:
        push dx
        call fd_index
        mov cl, bl
        mov al, 1
        shl al, cl
        test [B_RECAL], al
        jnz .known
        or [B_RECAL], al
        call .recal
        jnc .zero
        call .recal                     ; 80 cylinders are more than 77 steps
        jc .fail
.zero:  call fd_index
        mov byte [bx+B_TRACK], 0
.known: mov al, [bp+F_CYL]
        cmp al, [bx+B_TRACK]
        je .ok
        mov [bx+B_TRACK], al
        and byte [B_RECAL], 7Fh
        mov al, 0Fh                     ; SEEK
        call fdc_out
        jc .fail
        call fdc_unit
        jc .fail
        mov al, [bp+F_CYL]
        call fdc_out
        jc .fail
        call fdc_sense
        jc .fail
        call fd_settle
.ok:    pop dx
        clc
        ret
.fail:  call fd_index
        mov cl, bl
        mov al, 1
        shl al, cl
        not al
        and [B_RECAL], al
        pop dx
        stc
        ret
.recal: and byte [B_RECAL], 7Fh
        mov al, 07h
        call fdc_out
        jc .r1
        mov al, [bp+F_DRIVE]
        call fdc_out
        jc .r1
        call fdc_sense
.r1:    ret

; Head settling, in milliseconds of the table; at least 15 before writing.
fd_settle:
        call fd_table
        mov al, [es:di+9]
        test byte [B_MOTOR], 80h
        jz .any
        cmp al, 15
        jae .any
        mov al, 15
.any:   mov cl, 66                      ; of 15 us
        mul cl
        mov cx, ax
        jcxz .end
        call delay_refresh
.end:   ret

; ---------------------------------------------------------------------------------------------------------------------
; the medium
; ---------------------------------------------------------------------------------------------------------------------
; Data rate of the established medium to the controller. Preserves DX.
fd_rate:
        call fd_index
        mov al, [bx+B_STATE]
fd_rate_al:
        push dx
        and al, 0C0h
        and byte [B_RATE], 3Fh
        or [B_RATE], al
        rol al, 1
        rol al, 1
        mov dx, FDC_CCR
        out dx, al
        pop dx
        ret

; Find the data rate, unless it is known. CF: AH = status. Preserves DX.
fd_sense:
        push dx
        call fd_index
        test byte [bx+B_STATE], FS_EST
        jz .unknown
        call fd_spin
        call fd_rate
        pop dx
        clc
        ret
.unknown:
        call fd_spin
        mov bl, [bp+F_TYPE]
        cmp bl, 5
        jbe .type
        mov bl, 5
.type:  dec bl
        xor bh, bh
        shl bx, 1
        mov di, [cs:fd_rates+bx]
.next:  mov al, [cs:di]
        cmp al, 0FFh
        je .fail
        mov [bp+F_RATE], al
        push di
        call fd_try
        pop di
        jnc .found
        mov [bp+F_ERR], ah
        cmp ah, E_TIMEOUT               ; nothing turns: no use to ask again
        je .fail
        inc di
        jmp .next
.fail:  mov ah, [bp+F_ERR]
        pop dx
        stc
        ret
.found: call fd_index
        mov al, [bx+B_STATE]            ; rate, double step
        or al, FS_EST | 7
        mov ah, al
        and ah, 0C0h
        cmp byte [bp+F_TYPE], 1
        jne .not360
        and al, 0FBh                    ; 3: 360K in its drive
.not360:
        cmp byte [bp+F_TYPE], 2
        jne .set
        and al, 0FDh                    ; 5: 1.2M
        test ah, ah
        jz .set
        dec ax                          ; 4: 360K in a 1.2M drive
.set:   mov [bx+B_STATE], al
        pop dx
        clc
        ret

; READ ID at rate F_RATE on the call's cylinder. On success the rate and the double step bit are in 40:90. CF: AH = status.
fd_try: call fd_index
        mov al, [bp+F_RATE]
        mov [bx+B_STATE], al
        call fd_rate_al
        cmp byte [bp+F_TYPE], 2         ; an 80-cylinder drive of 5 1/4 inches takes 40-cylinder media
        jne .plain
        cmp byte [bp+F_RATE], 0
        je .plain
; Physical cylinder 2 says whether the medium has 40 or 80 of them.
        mov byte [bp+F_CYL], 2
        call fd_step
        jc .end
        call fd_readid
        jc .end
        cmp byte [B_NEC+3], 2
        je .plain
        call fd_index
        or byte [bx+B_STATE], FS_DSTEP
.plain: call fd_seek
        jc .end
        call fd_readid
.end:   ret

fd_readid:
        and byte [B_RECAL], 7Fh
        mov al, 4Ah                     ; READ ID, MFM
        call fdc_out
        jc .end
        call fdc_unit
        jc .end
        call fdc_finish
.end:   ret
