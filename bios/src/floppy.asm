; Diskette services: INT 40h (INT 13h for drives 0 and 1), INT 0Eh (IRQ 6).
;
; IBM PC/AT Technical Reference, "BIOS: Diskette" (services, 40:3E-48, 40:8B-95, INT 1Eh); Intel 82077AA data sheet, "Command set";
; Intel 8237A data sheet, "Mode register" (verify transfers).
;
; Behaves as the AT does: the end of a track (EOT), sector size and gap come from the table of INT 1Eh, a transfer runs from
; head 0 to head 1 at that EOT (multi-track), and only the 8237 ends it. While INT 1Eh still points to the table in ROM, EOT
; follows from the medium that was recognised, and a sector past it is looked for on the same track, so that formats with more
; sectors can start.
; DS = BDA (0040h) throughout; the work bytes F_* are in the frame.
;
; *Not modelled:* FM (single density); the second controller; tape.

; BDA
B_EQUIP  equ 10h
B_RECAL  equ 3Eh                ; bits 0-1 drive is calibrated, bit 7 interrupt came
B_MOTOR  equ 3Fh                ; bits 0-1 motor on, 5:4 drive selected, 7 writing
B_MCOUNT equ 40h                ; ticks until the motors stop
B_FSTAT  equ 41h
B_NEC    equ 42h                ; 7 result bytes
B_RATE   equ 8Bh                ; bits 7:6 data rate sent last
B_STATE  equ 90h                ; per drive: 7:6 rate, 5 double step, 4 established, 2:0 kind
B_TRACK  equ 94h                ; per drive: cylinder in steps

FDC_DOR  equ 3F2h
FDC_MSR  equ 3F4h
FDC_DATA equ 3F5h
FDC_CCR  equ 3F7h               ; read: DIR, bit 7 disk change

FD_TICKS equ 37                 ; 2 s
FS_EST   equ 10h
FS_DSTEP equ 20h

; ---------------------------------------------------------------------------------------------------------------------
; parameter tables: 11 bytes of INT 1Eh, then last cylinder, rate, CMOS type the table is for
; ---------------------------------------------------------------------------------------------------------------------
DPT_SIZE equ 14
fd_tables:
.t360:  db 0DFh, 02h, 25h, 2, 9, 2Ah, 0FFh, 50h, 0F6h, 0Fh, 08h, 39, 80h, 1
.t1200: db 0DFh, 02h, 25h, 2, 15, 1Bh, 0FFh, 54h, 0F6h, 0Fh, 08h, 79, 00h, 2
.t720:  db 0DFh, 02h, 25h, 2, 9, 2Ah, 0FFh, 50h, 0F6h, 0Fh, 08h, 79, 80h, 3
.t1440: db 0AFh, 02h, 25h, 2, 18, 1Bh, 0FFh, 6Ch, 0F6h, 0Fh, 08h, 79, 00h, 4
.t2880: db 0AFh, 02h, 25h, 2, 36, 1Bh, 0FFh, 53h, 0F6h, 0Fh, 08h, 79, 0C0h, 5
; other media of the larger drives
        db 0DFh, 02h, 25h, 2, 9, 23h, 0FFh, 50h, 0F6h, 0Fh, 08h, 39, 60h, 2
        db 0DFh, 02h, 25h, 2, 9, 2Ah, 0FFh, 50h, 0F6h, 0Fh, 08h, 79, 80h, 4
        db 0DFh, 02h, 25h, 2, 9, 2Ah, 0FFh, 50h, 0F6h, 0Fh, 08h, 79, 80h, 5
        db 0AFh, 02h, 25h, 2, 18, 1Bh, 0FFh, 6Ch, 0F6h, 0Fh, 08h, 79, 00h, 5
fd_tables_end:

; data rates to try, by CMOS type, 0FFh ends; rate << 6
fd_rates:
        dw .r360, .r1200, .r360, .r1440, .r2880
.r360:  db 80h, 0FFh
.r1200: db 00h, 40h, 80h, 0FFh
.r1440: db 00h, 80h, 40h, 0FFh
.r2880: db 0C0h, 00h, 80h, 0FFh

; ---------------------------------------------------------------------------------------------------------------------
; IRQ 6
; ---------------------------------------------------------------------------------------------------------------------
int0e_entry:
        push ax
        push ds
        mov ax, 40h
        mov ds, ax
        or byte [B_RECAL], 80h
        mov al, 20h
        out 20h, al
        mov ax, 9101h                   ; diskette: operation complete
        int 15h
        pop ds
        pop ax
        iret

; ---------------------------------------------------------------------------------------------------------------------
; entry
; ---------------------------------------------------------------------------------------------------------------------
int40_entry:
        sti
        cld
        FRAME_IN
        mov al, [bp+R_DL]
        mov [bp+F_DRIVE], al
        call fd_type
        mov [bp+F_TYPE], al
        mov bx, 40h
        mov ds, bx
        mov bl, [bp+R_AH]
        cmp bl, 18h
        ja fd_bad
        xor bh, bh
        shl bx, 1
        jmp [cs:fd_functions+bx]

fd_functions:
        dw fd_reset, fd_status, fd_read, fd_write, fd_verify, fd_format, fd_bad, fd_bad
        dw fd_params, fd_bad, fd_bad, fd_bad, fd_bad, fd_bad, fd_bad, fd_bad
        dw fd_bad, fd_bad, fd_bad, fd_bad, fd_bad, fd_dasd, fd_change, fd_setdasd
        dw fd_setmedia

fd_bad: mov ah, E_PARAM
; AH = status: into the caller's AH, 40:41 and CF; the motor runs on for the time of the table.
fd_ret: mov [B_FSTAT], ah
        mov [bp+R_AH], ah
        call fd_table
        mov al, [es:di+2]
        mov [B_MCOUNT], al
        test byte [bp+R_AH], 0FFh
        jz fd_cf0
        or byte [bp+R_FLAGS], 1
        jmp ret_frame
fd_ok:  xor ah, ah
        jmp fd_ret
fd_cf0: jmp ret_cf0

; AL = CMOS type of drive AL, 0 when there is none. Changes BX.
fd_type:
        mov bl, al
        xor al, al
        cmp bl, 1
        ja .end
        xor bh, bh
        push ds
        push bx
        xor bx, bx
        mov ds, bx
        mov ds, [40Eh]
        pop bx
        mov al, [bx+D_FDTYPE]
        pop ds
.end:   ret

; ES:DI = the diskette parameter table of INT 1Eh.
fd_table:
        push ds
        xor di, di
        mov ds, di
        les di, [1Eh*4]
        pop ds
        ret

; ---------------------------------------------------------------------------------------------------------------------
; 00h, 01h, 08h, 15h
; ---------------------------------------------------------------------------------------------------------------------
fd_reset:
        call fdc_reset
        jmp fd_ret

fd_status:
        mov ah, [B_FSTAT]
        mov [bp+R_AL], ah
        mov [bp+R_AH], ah
        test ah, ah
        jz fd_cf0
        or byte [bp+R_FLAGS], 1
        jmp ret_frame

fd_params:
        xor ax, ax
        mov [bp+R_AX], ax
        mov [bp+R_BX], ax
        mov [bp+R_CX], ax
        mov [bp+R_DX], ax
        mov al, [B_EQUIP]               ; bit 0 any, 7:6 number less one
        test al, 1
        jz .count
        mov cl, 6
        shr al, cl
        inc ax
        mov [bp+R_DL], al
.count: mov al, [bp+F_TYPE]
        test al, al
        jz .none
        mov [bp+R_BL], al
        call fd_native
        mov al, [cs:di+4]
        mov [bp+R_CL], al
        mov al, [cs:di+11]
        mov [bp+R_CH], al
        mov byte [bp+R_DH], 1
        mov [bp+R_DI], di
        mov [bp+R_ES], cs
        jmp ret_cf0
.none:  mov [bp+R_DI], ax
        mov [bp+R_ES], ax
        mov byte [bp+R_AH], E_PARAM
        or byte [bp+R_FLAGS], 1
        jmp ret_frame

; DI = table for the largest medium of CMOS type AL (1-5; more counts as 5).
fd_native:
        cmp al, 5
        jbe .ok
        mov al, 5
.ok:    mov ah, DPT_SIZE
        dec al
        mul ah
        add ax, fd_tables
        mov di, ax
        ret

fd_dasd:
        mov al, [bp+F_TYPE]
        mov ah, 0
        test al, al
        jz .end
        inc ah                          ; 1: no change line
        cmp al, 1
        je .end
        inc ah
.end:   mov [bp+R_AH], ah
        jmp fd_cf0

; 16h
fd_change:
        mov al, [bp+F_TYPE]
        mov ah, E_TIMEOUT
        test al, al
        jz .end
        mov ah, E_CHANGE                ; without a change line nobody knows
        cmp al, 1
        je .end
        call fd_motor
        call fd_line
        mov ah, E_CHANGE
        jnz .end
        xor ah, ah
.end:   jmp fd_ret

; ---------------------------------------------------------------------------------------------------------------------
; 17h, 18h: what is to be formatted
; ---------------------------------------------------------------------------------------------------------------------
fd_setdasd:
        call fd_present
        mov al, [bp+R_AL]
        mov bl, 93h                     ; 1: 320K/360K in a 360K drive
        cmp al, 1
        je .set
        call fd_changed
        jc .ret
        mov bl, 74h                     ; 2: the same in a 1.2M drive
        cmp al, 2
        je .set
        mov bl, 15h                     ; 3: 1.2M
        cmp al, 3
        je .set
        mov bl, 97h                     ; 4: 720K
        cmp al, 4
        jne fd_bad
.set:   call fd_setstate
        jmp fd_ok
.ret:   jmp fd_ret

fd_setstate:
        push bx
        call fd_index
        pop ax
        mov [bx+B_STATE], al
        ret

; BX = drive
fd_index:
        mov bl, [bp+F_DRIVE]
        xor bh, bh
        ret

; Leaves with 01h when the drive is not there.
fd_present:
        cmp byte [bp+F_TYPE], 0
        jne .ok
        pop ax
        jmp fd_bad
.ok:    ret

fd_setmedia:
        call fd_present
        call fd_changed
        jc .ret
        mov al, [bp+R_CL]
        and al, 3Fh
        mov ah, [bp+R_CH]               ; last cylinder
        mov dl, [bp+F_TYPE]
        cmp dl, 5
        jbe .type
        mov dl, 5
.type:  mov di, fd_tables
.next:  cmp dl, [cs:di+13]
        jne .skip
        cmp al, [cs:di+4]
        jne .skip
        cmp ah, [cs:di+11]
        je .found
.skip:  add di, DPT_SIZE
        cmp di, fd_tables_end
        jb .next
        mov ah, E_MEDIA
        jmp fd_ret
.found: mov [bp+R_DI], di
        mov [bp+R_ES], cs
        mov al, [cs:di+12]
        and al, 0C0h
        mov bl, al
        or bl, FS_EST | 7
        cmp dl, 2
        ja .set
        mov bl, 93h                     ; kinds 3 to 5: media of the 5 1/4 inch drives
        jb .set
        mov bl, 15h
        test al, al
        jz .set
        mov bl, 74h
.set:   call fd_setstate
        jmp fd_ok
.ret:   jmp fd_ret

; ---------------------------------------------------------------------------------------------------------------------
; 02h-05h
; ---------------------------------------------------------------------------------------------------------------------
fd_read:
        mov ax, 46E6h                   ; 8237: single, to memory, channel 2; READ DATA with MT, MFM, SK
        jmp short fd_rw
fd_write:
        mov ax, 4AC5h                   ; WRITE DATA with MT, MFM
        jmp short fd_rw
fd_verify:
        mov ax, 42E6h                   ; reads, but the 8237 moves nothing
fd_rw:  mov cl, [bp+R_AL]
        mov byte [bp+R_AL], 0
        mov [bp+F_DMA], ah
        mov [bp+F_CMD], al              ; command, until it is sent
        call fd_present
        test cl, cl
        jz fd_bad
        mov dl, cl                      ; DL = sectors
        call fd_begin
        jc .ret
        call fd_changed
        jc .ret
        call fd_sense
        jc .ret
        call fd_layout                  ; F_N, F_EOT
        mov al, dl
        xor ah, ah
        mov cl, [bp+F_N]
        add cl, 7
        shl ax, cl
        dec ax
        mov [bp+F_LEN], ax
        call fd_dma
        jc .ret
        call fd_seek
        jc .ret
        call fd_settle
; With an EOT that is only assumed, a call past it first asks the track whether it goes on.
        call fd_longer
        mov al, [bp+F_CMD]
        call fd_transfer
        jnc .done
        cmp byte [bp+F_RATE], 0
        je .part
        cmp ah, E_NOTFND
        jne .part
        mov al, [bp+F_RATE]             ; it does not
        mov [bp+F_EOT], al
        call fd_dma
        mov al, [bp+F_CMD]
        call fd_transfer
        jnc .done
.part:  push ax
        call fd_count
        mov [bp+R_AL], al
        pop ax
.ret:   jmp fd_ret
.done:  mov [bp+R_AL], dl
        jmp fd_ok

fd_format:
        call fd_present
        call fd_begin
        jc .ret
        call fd_changed
        jc .ret
        call fd_index
        test byte [bx+B_STATE], FS_EST
        jnz .known
        mov al, [bp+F_TYPE]             ; nobody said what: the largest medium of the drive
        call fd_native
        mov al, [cs:di+12]
        or al, FS_EST | 7
        mov [bx+B_STATE], al
.known: mov byte [bp+F_DMA], 4Ah
        call fd_table
        mov al, [es:di+4]
        xor ah, ah
        shl ax, 1
        shl ax, 1
        dec ax
        mov [bp+F_LEN], ax
        call fd_dma
        jc .ret
        call fd_spin
        call fd_rate
        call fd_seek
        jc .ret
        call fd_settle
        and byte [B_RECAL], 7Fh
        mov al, 4Dh                     ; FORMAT TRACK, MFM
        call fdc_out
        jc .ret
        call fdc_unit
        jc .ret
        call fd_table
        mov al, [es:di+3]
        call fdc_out
        jc .ret
        mov al, [es:di+4]
        call fdc_out
        jc .ret
        mov al, [es:di+7]
        call fdc_out
        jc .ret
        mov al, [es:di+8]
        call fdc_out
        jc .ret
        call fdc_finish
.ret:   jmp fd_ret

; Motor on, controller awake; bit 7 of 40:3F for the writing functions. CF: AH = status.
fd_begin:
        call fd_motor
        and byte [B_MOTOR], 7Fh
        test byte [bp+R_AH], 1          ; 03h, 05h
        jz .end
        or byte [B_MOTOR], 80h
.end:   clc
        ret

; Sector size and EOT for this call. Preserves DX.
fd_layout:
        call fd_table
        mov al, [es:di+3]
        and al, 7
        mov [bp+F_N], al
        mov al, [es:di+4]
        call fd_default
        jne .own
        call fd_index
        mov ah, [bx+B_STATE]
        and ah, 0C0h
        mov al, 36
        cmp ah, 0C0h
        je .own
        mov al, 9
        test ah, ah
        jnz .own
        mov al, 15
        cmp byte [bp+F_TYPE], 2
        je .own
        mov al, 18
.own:   mov ah, [bp+R_CL]
        and ah, 3Fh
        cmp ah, al                      ; a first sector past EOT is read for itself
        jbe .set
        mov al, ah
        add al, dl
        dec al
.set:   mov [bp+F_EOT], al
        ret

; ZF = 1 while ES:DI is the table in ROM.
fd_default:
        push ax
        cmp di, diskette_table
        jne .end
        mov ax, cs
        push bx
        mov bx, es
        cmp ax, bx
        pop bx
.end:   pop ax
        ret

; F_EOT to the last sector of the call when that lies past it and the table is the ROM's; F_RATE = the former F_EOT, or 0.
; Changes AL, DI, ES.
fd_longer:
        mov byte [bp+F_RATE], 0
        call fd_table
        call fd_default
        jne .no
        mov al, [bp+R_CL]
        and al, 3Fh
        add al, dl
        dec al
        cmp al, [bp+F_EOT]
        jbe .no
        xchg al, [bp+F_EOT]
        mov [bp+F_RATE], al
.no:    ret

; AL = sectors moved before the error, from the result bytes.
fd_count:
        mov al, [B_NEC+5]               ; R
        mov ah, [bp+R_CL]
        and ah, 3Fh
        sub al, ah
        mov ah, [B_NEC+3]
        cmp ah, [bp+R_CH]
        jne .next
        mov ah, [B_NEC+4]
        cmp ah, [bp+R_DH]
        je .end
.next:  add al, [bp+F_EOT]              ; went on to the other head
.end:   cmp al, dl
        jbe .ok
        xor al, al                      ; result bytes that do not speak of this transfer
.ok:    ret

; AL = command; the nine bytes, the wait, the result. CF: AH = status. Preserves DX.
fd_transfer:
        push dx
        and byte [B_RECAL], 7Fh
        call fdc_out
        jc .end
        call fdc_unit
        jc .end
        mov al, [bp+R_CH]
        call fdc_out
        jc .end
        mov al, [bp+R_DH]
        call fdc_out
        jc .end
        mov al, [bp+R_CL]
        and al, 3Fh
        call fdc_out
        jc .end
        mov al, [bp+F_N]
        call fdc_out
        jc .end
        mov al, [bp+F_EOT]
        call fdc_out
        jc .end
        call fd_table
        mov al, [es:di+5]
        call fdc_out
        jc .end
        mov al, [es:di+6]
        call fdc_out
        jc .end
        call fdc_finish
.end:   pop dx
        ret

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
        call wait_begin
.wait:  call wait_more
        jnc .wait
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
        call fd_settle
        and byte [B_RECAL], 7Fh
        mov al, 4Ah                     ; READ ID, MFM
        call fdc_out
        jc .end
        call fdc_unit
        jc .end
        call fdc_finish
.end:   ret

; ---------------------------------------------------------------------------------------------------------------------
; 8237 channel 2
; ---------------------------------------------------------------------------------------------------------------------
; ES:BX of the call, F_LEN + 1 bytes, mode F_DMA. CF: AH = 09h when the 64 KiB page ends inside. Preserves DX.
fd_dma: push dx
        mov ax, [bp+R_ES]
        mov cl, 4
        rol ax, cl
        mov dl, al
        and dl, 0Fh                     ; page
        and al, 0F0h
        add ax, [bp+R_BX]
        adc dl, 0
        cmp byte [bp+F_DMA], 42h
        jne .memory
        xor ax, ax                      ; verify touches no memory
        xor dl, dl
.memory:
        mov cx, ax
        add cx, [bp+F_LEN]
        jc .bound
        mov cx, ax
        pushf
        cli
        mov al, 06h                     ; mask channel 2
        out 0Ah, al
        mov al, [bp+F_DMA]
        out 0Bh, al
        out 0Ch, al                     ; byte pointer
        mov al, cl
        out 04h, al
        mov al, ch
        out 04h, al
        mov al, dl
        out 81h, al
        mov al, [bp+F_LEN]
        out 05h, al
        mov al, [bp+F_LEN+1]
        out 05h, al
        mov al, 02h
        out 0Ah, al
        popf
        pop dx
        clc
        ret
.bound: mov ah, E_BOUND
        pop dx
        stc
        ret

; ---------------------------------------------------------------------------------------------------------------------
; the controller
; ---------------------------------------------------------------------------------------------------------------------
; AL to the controller. CF: AH = 80h, or 20h when it wants to speak. Preserves all but AX, CX.
fdc_out:
        push dx
        mov ah, al
        mov cx, 10
        call wait_begin
        mov dx, FDC_MSR
.poll:  in al, dx
        and al, 0C0h
        cmp al, 80h
        je .ready
        call wait_more
        jnc .poll
        cmp al, 0C0h
        mov ah, E_CTRL
        je .end
        mov ah, E_TIMEOUT
.end:   stc
        pop dx
        ret
.ready: inc dx
        mov al, ah
        out dx, al
        pop dx
        clc
        ret

; Head and drive byte.
fdc_unit:
        mov al, [bp+R_DH]
        and al, 1
        shl al, 1
        shl al, 1
        or al, [bp+F_DRIVE]
        jmp fdc_out

; Wait for IRQ 6. CF: AH = 80h. INT 15h AX=9001h lets another task run meanwhile. Changes AX, CX.
fdc_wait:
        sti
        mov ax, 9001h
        int 15h
        jc .late
        mov cx, FD_TICKS
        call wait_begin
.poll:  test byte [B_RECAL], 80h
        jnz .came
        call wait_more
        jnc .poll
.late:  mov ah, E_TIMEOUT
        and byte [B_RECAL], 7Fh
        stc
        ret
.came:  and byte [B_RECAL], 7Fh
        clc
        ret

; Result bytes to 40:42. CF: AH = status. Changes AX, BX, CX.
fdc_results:
        push dx
        push di
        mov bx, B_NEC
        mov di, 7
        mov dx, FDC_MSR
.byte:  mov cx, 10
        call wait_begin
.poll:  in al, dx
        and al, 0C0h
        cmp al, 0C0h
        je .take
        call wait_more
        jnc .poll
        mov ah, E_TIMEOUT
        jmp short .fail
.take:  inc dx
        in al, dx
        dec dx
        mov [bx], al
        inc bx
        mov cx, 1                       ; BUSY needs a moment
        call delay_refresh
        in al, dx
        test al, 10h
        jz .done
        dec di
        jnz .byte
        mov ah, E_CTRL                  ; more than seven
.fail:  pop di
        pop dx
        stc
        ret
.done:  pop di
        pop dx
        clc
        ret

; Interrupt and results of a data command; AH = status, CF.
fdc_finish:
        call fdc_wait
        pushf
        push ax
        call fdc_results
        jc .fail
        pop ax
        popf
        jc .end
        mov al, [B_NEC]
        mov ah, 0
        and al, 0C0h
        jz .end
        cmp al, 40h
        mov ah, E_CTRL
        jne .bad
        mov al, [B_NEC+1]               ; ST1
        mov ah, E_NOTFND                ; EN
        shl al, 1
        jc .bad
        shl al, 1
        shl al, 1
        mov ah, E_CRC                   ; DE
        jc .bad
        shl al, 1
        mov ah, E_OVERRUN               ; OR
        jc .bad
        shl al, 1
        shl al, 1
        mov ah, E_NOTFND                ; ND
        jc .bad
        shl al, 1
        mov ah, E_WPROT                 ; NW
        jc .bad
        shl al, 1
        mov ah, E_ADDRMK                ; MA
        jc .bad
        mov ah, E_CTRL
.bad:   stc
.end:   ret
.fail:  add sp, 2
        popf
        stc
        ret

; The interrupt of SEEK and RECALIBRATE, and SENSE INTERRUPT STATUS. CF: AH = status.
fdc_sense:
        call fdc_wait
        jc .end
        mov al, 08h
        call fdc_out
        jc .end
        call fdc_results
        jc .end
        mov al, [B_NEC]
        and al, 60h
        cmp al, 60h                     ; seek end with abnormal termination
        mov ah, E_SEEK
        je .bad
        clc
.end:   ret
.bad:   stc
        ret

; Reset through the DOR, four SENSE INTERRUPT STATUS, SPECIFY. AH = status.
fdc_reset:
        push dx
        cli
        and byte [B_RECAL], 70h
        mov al, [B_MOTOR]
        mov ah, al
        mov cl, 4
        shl al, cl
        rol ah, cl                      ; 5:4 of 40:3F to 1:0
        and ah, 03h
        or al, ah
        or al, 08h                      ; DMA and interrupt on, reset
        mov dx, FDC_DOR
        out dx, al
        push ax
        mov cx, 1
        call delay_refresh
        pop ax
        or al, 04h
        out dx, al
        call fdc_wait
        jc .fail
        mov dh, 4
        mov dl, 0C0h
.next:  mov al, 08h
        call fdc_out
        jc .fail
        call fdc_results
        jc .fail
        cmp dl, [B_NEC]
        jne .fail
        inc dx
        dec dh
        jnz .next
        call fd_table
        mov al, 03h                     ; SPECIFY
        call fdc_out
        jc .fail
        mov al, [es:di]
        call fdc_out
        jc .fail
        mov al, [es:di+1]
        call fdc_out
        jc .fail
        call fdc_perp
        xor ah, ah
        pop dx
        ret
.fail:  mov ah, E_CTRL
        pop dx
        stc
        ret

; A 2.88M drive records perpendicularly at 1 Mbit/s: its D bits, which an 82077 heeds by data rate.
fdc_perp:
        xor dl, dl
        mov al, 0
        call fd_type
        cmp al, 5
        jb .a
        or dl, 04h
.a:     mov al, 1
        call fd_type
        cmp al, 5
        jb .b
        or dl, 08h
.b:     test dl, dl
        jz .end
        mov al, 12h
        call fdc_out
        jc .end
        mov al, dl
        or al, 80h                      ; OW
        call fdc_out
.end:   ret


; ---------------------------------------------------------------------------------------------------------------------
; POST
; ---------------------------------------------------------------------------------------------------------------------
; Drive types from CMOS 10h; 40:10, 40:8F, 40:90; the controller reset. DS = EBDA.
floppy_init:
        mov al, 90h
        call cmos_read
        mov ah, al
        mov cl, 4
        shr al, cl
        and ah, 0Fh
        mov [D_FDTYPE], al
        mov [D_FDTYPE+1], ah
        push ds
        mov bx, 40h
        mov ds, bx
        mov byte [B_RECAL], 0
        mov byte [B_MOTOR], 0
        mov byte [B_MCOUNT], 0
        mov byte [B_FSTAT], 0
        mov byte [B_RATE], 0
        mov word [B_STATE], 0
        mov word [B_STATE+2], 0
        mov word [B_TRACK], 0
        mov bl, [B_EQUIP]
        and bl, 3Eh
        test al, al
        jz .b
        or bl, 01h
        test ah, ah
        jz .b
        or bl, 41h
.b:     mov [B_EQUIP], bl
        push ax
        call .cap                       ; 40:8F: what the drives are capable of
        xchg al, ah
        call .cap
        mov cl, 4
        shl al, cl
        or al, ah
        mov [8Fh], al
        pop ax
        or al, ah
        jz .end
        in al, 21h                      ; IRQ 6 on
        and al, 0BFh
        out 21h, al
        mov byte [bp+F_DRIVE], 0
        call fdc_reset
.end:   pop ds
        ret
.cap:   cmp al, 1                       ; bit 0: 80 cylinders, 1: several rates, 2: known
        jb .c0
        je .c1
        cmp al, 3
        je .c3
        mov al, 07h
        ret
.c3:    mov al, 05h
        ret
.c1:    mov al, 04h
.c0:    ret
