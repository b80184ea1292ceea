; ATA devices: transfers by programmed I/O, reset and set-up.
;
; ATA/ATAPI-6 (T13/1410D): 8 "Command descriptions" (READ/WRITE SECTOR(S), READ/WRITE MULTIPLE, the EXT forms,
; READ VERIFY), 9 "Protocol" (software reset, PIO data-in and data-out).
;
; Transfers poll with nIEN = 1 and leave nIEN = 0 and no interrupt pending, so they behave the same whatever the caller has
; done with IRQ 14 and the interrupt controllers.
; SI = unit, DS = EBDA, the request at SS:BP (disk.inc).
;
; *Not modelled:* DMA; sectors of other than 512 bytes.

ATA_TICKS   equ 560             ; 31 s: ATA lets a drive take so long from standby to ready
; registers of the command block
ATA_DATA    equ 0
ATA_ERROR   equ 1               ; written: features
ATA_COUNT   equ 2
ATA_LBAL    equ 3
ATA_LBAM    equ 4
ATA_LBAH    equ 5
ATA_DEVICE  equ 6
ATA_STATUS  equ 7               ; written: command
; status
ST_BSY      equ 80h
ST_DRDY     equ 40h
ST_DF       equ 20h
ST_DRQ      equ 08h
ST_CORR     equ 04h
ST_ERR      equ 01h
; device control: bit 3 as the AT sets it
DC_IEN      equ 08h
DC_NIEN     equ 0Ah
DC_SRST     equ 0Eh

; ---------------------------------------------------------------------------------------------------------------------
; waiting
; ---------------------------------------------------------------------------------------------------------------------
; 400 ns after a command or selection: the alternate status read five times.
ata_400ns:
        push ax
        push dx
        mov dx, [si+U_CTL]
        in al, dx
        in al, dx
        in al, dx
        in al, dx
        in al, dx
        pop dx
        pop ax
        ret

; CX = limit. AL = status with BSY clear; CF on time out. Changes DX.
ata_notbusy:
        call wait_begin
        mov dx, [si+U_CTL]
.poll:  in al, dx
        test al, ST_BSY
        jz .end
        call wait_more
        jnc .poll
.end:   ret

; Until BSY = 0 and DRQ = 1. CF: AH = status code. Changes AL, CX, DX.
ata_drq:
        mov cx, ATA_TICKS
        call wait_begin
        mov dx, [si+U_CTL]
.poll:  in al, dx
        test al, ST_BSY
        jnz .more
        test al, ST_ERR | ST_DF
        jnz ata_error
        test al, ST_DRQ
        jz .more
        mov dx, [si+U_IO]
        add dx, ATA_STATUS
        in al, dx                       ; the status proper: ends the interrupt request
        clc
        ret
.more:  call wait_more
        jnc .poll
        mov ah, E_TIMEOUT
        ret

; End of a command without data, or after the last data: BSY = 0, no error. CF: AH = status code.
ata_end:
        call ata_400ns
        mov cx, ATA_TICKS
        call ata_notbusy
        mov ah, E_TIMEOUT
        jc .end
        test al, ST_ERR | ST_DF
        jnz ata_error
        mov dx, [si+U_IO]
        add dx, ATA_STATUS
        in al, dx
        xor ah, ah
.end:   ret

; AL = status -> AH = INT 13h status, CF = 1.
ata_error:
        mov dx, [si+U_IO]
        add dx, ATA_STATUS
        in al, dx
        test al, ST_DF
        mov ah, E_WFAULT
        jnz .end
        mov dx, [si+U_IO]
        inc dx                          ; ATA_ERROR
        in al, dx
        mov ah, E_BADSEC                ; BBK or ICRC
        shl al, 1
        jc .end
        mov ah, E_CRC                   ; UNC
        shl al, 1
        jc .end
        mov ah, E_CHANGE                ; MC
        shl al, 1
        jc .end
        mov ah, E_NOTFND                ; IDNF
        shl al, 1
        jc .end
        mov ah, E_CHANGE                ; MCR
        shl al, 1
        jc .end
        mov ah, E_PARAM                 ; ABRT
        shl al, 1
        jc .end
        mov ah, E_SEEK                  ; TK0NF
        shl al, 1
        jc .end
        mov ah, E_ADDRMK                ; AMNF
        shl al, 1
        jc .end
        mov ah, E_UNDEF
.end:   stc
        ret

; Select the unit and see that it accepts a command. AL = device bits over U_DEV. CF: AH = status. Changes AL, CX, DX.
ata_select:
        push ax
        mov cx, ATA_TICKS
        call ata_notbusy                ; the device selected until now must be idle
        pop ax
        jc .late
        mov ah, al
        mov dx, [si+U_CTL]
        mov al, DC_NIEN
        out dx, al
        mov dx, [si+U_IO]
        add dx, ATA_DEVICE
        mov al, ah
        or al, [si+U_DEV]
        out dx, al
        call ata_400ns
        mov cx, ATA_TICKS
        call ata_notbusy
        jc .late
        test al, ST_DRQ                 ; left over from a transfer that was broken off
        jz .ok
        call ata_reset
        mov ah, E_CTRL
        jc .end
.ok:    clc
.end:   ret
.late:  mov ah, E_TIMEOUT
        stc
        ret

; Interrupts on again. Preserves everything.
ata_release:
        pushf
        push ax
        push dx
        mov dx, [si+U_CTL]
        mov al, DC_IEN
        out dx, al
        pop dx
        pop ax
        popf
        ret

; AL = command byte: give the command.
ata_command:
        mov dx, [si+U_IO]
        add dx, ATA_STATUS
        out dx, al
        jmp ata_400ns

; ---------------------------------------------------------------------------------------------------------------------
; data, CX words at ES:DI
; ---------------------------------------------------------------------------------------------------------------------
ata_in: mov dx, [si+U_IO]
        test byte [D_CPU], 1
        jz .slow
        db 0F3h, 6Dh                    ; REP INSW
        ret
.slow:  push ax
        jcxz .end
.next:  in ax, dx
        stosw
        loop .next
.end:   pop ax
        ret

ata_out:
        mov dx, [si+U_IO]
        push ds
        push si
        test byte [D_CPU], 1
        mov si, di
        push es
        pop ds
        jz .slow
        db 0F3h, 6Fh                    ; REP OUTSW
        jmp short .end
.slow:  jcxz .end
.next:  lodsw
        out dx, ax
        loop .next
.end:   pop si
        pop ds
        ret

; ES:DI = the buffer, moved to a lower offset as far as the segment allows, so that 32 KiB fit without wrap.
buf_ptr:
        push ax
        mov di, [bp+Q_OFF]
        mov ax, [bp+Q_SEG]
        test di, di
        jns .ok
        add ax, 800h
        jnc .moved
        sub ax, 800h                    ; top of the address space: the offset goes to FFFFh there
        jmp short .ok
.moved: sub di, 8000h
        mov [bp+Q_OFF], di
        mov [bp+Q_SEG], ax
.ok:    mov es, ax
        pop ax
        ret

; ---------------------------------------------------------------------------------------------------------------------
; transfers
; ---------------------------------------------------------------------------------------------------------------------
; Q_OP on Q_LEFT sectors from Q_LBA. AH = status; Q_DONE = sectors moved. Changes AX, BX, CX, DX, DI, ES.
ata_transfer:
        mov word [bp+Q_DONE], 0
        call ata_range
        jc .end
.chunk: mov ax, [bp+Q_LEFT]
        test ax, ax
        jz .ok
        cmp ax, 128
        jbe .size
        mov ax, 128
.size:  mov [bp+Q_CHUNK], ax
        call ata_setup
        jc .fail
        call ata_move
        jc .fail
        mov ax, [bp+Q_CHUNK]            ; next address
        add [bp+Q_LBA], ax
        adc word [bp+Q_LBA+2], 0
        adc word [bp+Q_LBA+4], 0
        adc word [bp+Q_LBA+6], 0
        jmp .chunk
.ok:    xor ah, ah
        jmp short .out
.fail:  cmp ah, E_PARAM                 ; aborted: somebody may have taken multiple mode away
        jne .out
        cmp byte [bp+Q_PIO], 1
        jbe .out
        mov byte [si+U_MULT], 0
        jmp .chunk
.out:   call ata_release
.end:   ret

; CF, AH = status when Q_LBA + Q_LEFT lies past the end.
ata_range:
        mov ax, [bp+Q_LBA]
        mov bx, [bp+Q_LBA+2]
        mov cx, [bp+Q_LBA+4]
        mov dx, [bp+Q_LBA+6]
        add ax, [bp+Q_LEFT]
        adc bx, 0
        adc cx, 0
        adc dx, 0
        jc .bad
        cmp [si+U_SECT], ax             ; total - end must not borrow
        mov ax, [si+U_SECT+2]
        sbb ax, bx
        mov ax, [si+U_SECT+4]
        sbb ax, cx
        mov ax, [si+U_SECT+6]
        sbb ax, dx
        jc .bad
        ret
.bad:   mov ah, E_NOTFND
        stc
        ret

; Registers and command for Q_CHUNK sectors at Q_LBA; Q_PIO = sectors of a DRQ block. CF: AH = status.
ata_setup:
        mov word [bp+Q_PIO], 1
        mov bl, [bp+Q_OP]
        xor bh, bh
        mov di, ata_commands            ; plain, 28 bits
        cmp bl, OP_VERIFY
        je .wide
        mov al, [si+U_MULT]
        cmp al, 1
        jbe .wide
        xor ah, ah
        mov [bp+Q_PIO], ax
        add di, 6
.wide:  test byte [si+U_FLAGS], UF_LBA
        jz .chs
        test byte [si+U_FLAGS], UF_LBA48
        jz .lba28
        mov ax, [bp+Q_LBA+4]
        or ax, [bp+Q_LBA+6]
        jnz .lba48
        cmp word [bp+Q_LBA+2], 0FFFh
        jae .lba48
.lba28: mov al, [cs:di+bx]
        mov [bp+Q_CMD], al
        mov al, [bp+Q_LBA+3]
        and al, 0Fh
        or al, 40h
        call ata_select
        jc .end
        mov dx, [si+U_IO]
        jmp short .low
.lba48: mov al, [cs:di+bx+3]
        mov [bp+Q_CMD], al
        mov al, 40h
        call ata_select
        jc .end
        mov dx, [si+U_IO]
        add dx, ATA_COUNT               ; the previous contents first
        mov al, 0
        out dx, al
        inc dx
        mov al, [bp+Q_LBA+3]
        out dx, al
        inc dx
        mov al, [bp+Q_LBA+4]
        out dx, al
        inc dx
        mov al, [bp+Q_LBA+5]
        out dx, al
        sub dx, ATA_LBAH
.low:   add dx, ATA_COUNT
        mov al, [bp+Q_CHUNK]
        out dx, al
        inc dx
        mov al, [bp+Q_LBA]
        out dx, al
        inc dx
        mov al, [bp+Q_LBA+1]
        out dx, al
        inc dx
        mov al, [bp+Q_LBA+2]
        out dx, al
.go:    mov al, [bp+Q_CMD]
        call ata_command
        clc
.end:   ret
.chs:   mov al, [cs:di+bx]
        mov [bp+Q_CMD], al
        call ata_phys                   ; BX = cylinder, AL = head, CL = sector
        push cx
        call ata_select
        pop cx
        jc .end
        mov dx, [si+U_IO]
        add dx, ATA_COUNT
        mov al, [bp+Q_CHUNK]
        out dx, al
        inc dx
        mov al, cl
        out dx, al
        inc dx
        mov al, bl
        out dx, al
        inc dx
        mov al, bh
        out dx, al
        jmp .go

ata_commands:                           ; by OP_*: 28 bits, 48 bits
        db 20h, 30h, 40h, 24h, 34h, 42h
        db 0C4h, 0C5h, 40h, 29h, 39h, 42h

; Q_LBA in the device's own geometry: BX = cylinder, AL = head, CL = sector. Changes DX, AH.
ata_phys:
        mov ax, [bp+Q_LBA+2]
        xor dx, dx
        div word [si+U_PSPT]
        mov bx, ax
        mov ax, [bp+Q_LBA]
        div word [si+U_PSPT]            ; BX:AX = track, DX = sector - 1
        mov cx, dx
        inc cx
        mov dx, bx
        div word [si+U_PHD]
        mov bx, ax
        mov al, dl
        ret

; The data phase of Q_CHUNK sectors. CF: AH = status.
ata_move:
        mov bx, [bp+Q_CHUNK]
        cmp byte [bp+Q_OP], OP_VERIFY
        je .verify
        cmp byte [bp+Q_OP], OP_WRITE
        je .write
.rblk:  call ata_drq
        jc .end
        call .block
.rsect: call buf_ptr
        mov cx, 256
        call ata_in
        call .moved
        dec ax
        jnz .rsect
        call ata_400ns
        test bx, bx
        jnz .rblk
        jmp ata_end
.write: call ata_drq
        jc .end
        call .block
        mov [bp+Q_SKIP], ax
.wsect: call buf_ptr
        mov cx, 256
        push ax
        call ata_out
        pop ax
        add word [bp+Q_OFF], 512
        dec ax
        jnz .wsect
        call ata_400ns
        test bx, bx
        jz .wlast
        call ata_drq                    ; accepted: the block counts as written
        jc .end
        call .wdone
        call .block
        mov [bp+Q_SKIP], ax
        jmp .wsect
.wlast: call ata_end
        jc .end
.wdone: mov ax, [bp+Q_SKIP]
        add [bp+Q_DONE], ax
        sub [bp+Q_LEFT], ax
        clc
.end:   ret
.verify:
        call ata_end
        jc .end
        add [bp+Q_DONE], bx
        sub [bp+Q_LEFT], bx
        clc
        ret
; AX = sectors of the DRQ block, taken from BX
.block: mov ax, [bp+Q_PIO]
        cmp ax, bx
        jbe .b1
        mov ax, bx
.b1:    sub bx, ax
        ret
.moved: add word [bp+Q_OFF], 512
        inc word [bp+Q_DONE]
        dec word [bp+Q_LEFT]
        ret

; READ LONG and WRITE LONG: 512 bytes and four of ECC for each sector. Q_CMD set. AH = status.
ata_long:
        mov word [bp+Q_DONE], 0
        call ata_range
        jc .end
        mov word [bp+Q_CHUNK], 1
.next:  mov byte [bp+Q_PIO], 1
        test byte [si+U_FLAGS], UF_LBA
        jz .chs
        cmp word [bp+Q_LBA+2], 0FFFh    ; no 48-bit form exists
        mov ah, E_PARAM
        jae .fail
        mov al, [bp+Q_LBA+3]
        or al, 40h
        call ata_select
        jc .fail
        mov dx, [si+U_IO]
        call ata_setup.low
        jmp short .data
.chs:   call ata_phys
        push cx
        call ata_select
        pop cx
        jc .fail
        mov dx, [si+U_IO]
        add dx, ATA_COUNT
        mov al, 1
        out dx, al
        inc dx
        mov al, cl
        out dx, al
        inc dx
        mov al, bl
        out dx, al
        inc dx
        mov al, bh
        out dx, al
        mov al, [bp+Q_CMD]
        call ata_command
.data:  call ata_drq
        jc .fail
        call buf_ptr
        mov cx, 256
        cmp byte [bp+Q_OP], OP_WRITE
        je .write
        call ata_in
        mov cx, 4
.ecc:   in al, dx
        stosb
        loop .ecc
        jmp short .done
.write: call ata_out
        add di, 512
        mov cx, 4
.eccw:  mov al, [es:di]
        inc di
        out dx, al
        loop .eccw
.done:  add word [bp+Q_OFF], 516
        call ata_end
        jc .fail
        inc word [bp+Q_DONE]
        add word [bp+Q_LBA], 1
        adc word [bp+Q_LBA+2], 0
        dec word [bp+Q_LEFT]
        jnz .next
        xor ah, ah
.fail:  call ata_release
.end:   ret

; SEEK to Q_LBA. AH = status. Obsolete since ATA-7, so that an aborted command is success.
ata_seek:
        mov word [bp+Q_LEFT], 1
        mov word [bp+Q_CHUNK], 1
        call ata_range
        jc .end
        test byte [si+U_FLAGS], UF_LBA48
        jnz .ok                         ; SEEK has no 48-bit form, and nothing would be seen of it
        mov byte [bp+Q_CMD], 70h
        test byte [si+U_FLAGS], UF_LBA
        jz .chs
        mov al, [bp+Q_LBA+3]
        and al, 0Fh
        or al, 40h
        call ata_select
        jc .fail
        mov dx, [si+U_IO]
        call ata_setup.low
        jmp short .wait
.chs:   call ata_phys
        push cx
        call ata_select
        pop cx
        jc .fail
        mov dx, [si+U_IO]
        add dx, ATA_LBAL
        mov al, cl
        out dx, al
        inc dx
        mov al, bl
        out dx, al
        inc dx
        mov al, bh
        out dx, al
        mov al, [bp+Q_CMD]
        call ata_command
.wait:  call ata_end
        jnc .ok
        cmp ah, E_PARAM
        jne .fail
.ok:    xor ah, ah
.fail:  call ata_release
.end:   ret

; A command without data: Q_CMD. AH = status, CF.
ata_simple:
        xor al, al
        call ata_select
        jc .end
        mov al, [bp+Q_CMD]
        call ata_command
        call ata_end
.end:   jmp ata_release

; 10h: AH = 0 when ready.
ata_ready:
        xor al, al
        call ata_select
        jc .end
        mov dx, [si+U_CTL]
        in al, dx
        mov ah, E_NOTRDY
        test al, ST_DRDY
        jz .end
        xor ah, ah
.end:   jmp ata_release

; 14h: EXECUTE DEVICE DIAGNOSTIC, which both devices of the channel perform.
ata_diagnose:
        mov byte [bp+Q_CMD], 90h
        xor al, al
        call ata_select
        jc .end
        mov al, 90h
        call ata_command
        mov cx, ATA_TICKS
        call ata_notbusy
        mov ah, E_TIMEOUT
        jc .end
        mov dx, [si+U_IO]
        inc dx
        in al, dx
        push ax
        inc dx                          ; over the signature to the status
        add dx, ATA_STATUS - ATA_COUNT
        in al, dx
        pop ax
        and al, 7Fh                     ; bit 7 speaks of device 1
        mov ah, E_CTRL
        cmp al, 1
        jne .end
        call ata_configure
        xor ah, ah
.end:   jmp ata_release

; ---------------------------------------------------------------------------------------------------------------------
; reset and set-up
; ---------------------------------------------------------------------------------------------------------------------
; Software reset of the unit's channel. CF on time out. Preserves all but AL, CX, DX.
ata_reset:
        mov dx, [si+U_IO]
        add dx, ATA_DEVICE
        mov al, [si+U_DEV]              ; so that BSY is read of a device that exists
        out dx, al
        call ata_400ns
        mov dx, [si+U_CTL]
        mov al, DC_SRST
        out dx, al
        mov cx, 2
        call delay_refresh
        mov al, DC_NIEN
        out dx, al
        mov cx, 140                     ; 2 ms before the first look at BSY
        call delay_refresh
        mov cx, ATA_TICKS
        call ata_notbusy
        pushf
        mov dx, [si+U_IO]
        add dx, ATA_DEVICE
        mov al, [si+U_DEV]
        out dx, al
        call ata_400ns
        popf
        jc .end
        mov cx, ATA_TICKS
        call ata_notbusy
.end:   jmp ata_release

; What a reset takes away: geometry of a CHS drive, multiple mode.
ata_configure:
        cmp byte [si+U_TYPE], 1
        jne .end
        test byte [si+U_FLAGS], UF_LBA
        jnz .mult
        mov al, [si+U_PHD]
        dec al
        call ata_select
        jc .end
        mov dx, [si+U_IO]
        add dx, ATA_COUNT
        mov al, [si+U_PSPT]
        out dx, al
        mov al, 91h                     ; INITIALIZE DEVICE PARAMETERS
        call ata_command
        call ata_end
.mult:  cmp byte [si+U_MULT], 1
        jbe .end
        xor al, al
        call ata_select
        jc .nomult
        mov dx, [si+U_IO]
        add dx, ATA_COUNT
        mov al, [si+U_MULT]
        out dx, al
        mov al, 0C6h                    ; SET MULTIPLE MODE
        call ata_command
        call ata_end
        jnc .end
.nomult:
        mov byte [si+U_MULT], 0
.end:   jmp ata_release

%include "atafind.asm"
