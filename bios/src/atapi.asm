; ATAPI CD-ROM drives: packets, reading by 512-byte sectors, readiness, lock and eject.
;
; ATA/ATAPI-6 (T13/1410D) 9.8 "PACKET protocol"; SFF-8020i "ATA Packet Interface for CD-ROMs"; MMC-3 (T10/1363D): READ(10),
; READ CAPACITY, TEST UNIT READY, REQUEST SENSE, START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL.
;
; SI = unit, DS = EBDA, the request at SS:BP.
;
; *Not modelled:* writing; overlap and queuing; audio.

CD_BLOCKS equ 8                 ; 2048-byte blocks of a READ: Q_WANT and Q_SKIP count words in 16 bits

; An ATAPI device whose IDENTIFY PACKET data is at 0000:7C00 (ES = 0). Only direct-access CD-ROM types are used.
atapi_found:
        mov al, [es:7C01h]
        and al, 0DFh                    ; bits 15:14 = 10, 12:8 = 5: CD-ROM
        cmp al, 85h
        jne .end
        call ata_model
        mov byte [si+U_TYPE], 2
        mov byte [si+U_FLAGS], UF_REMOV
        mov bl, [D_CDS]
        xor bh, bh
        cmp bl, 4
        jae .end
        inc byte [D_CDS]
        mov al, bl
        or al, 0E0h
        mov [si+U_NUM], al
        shl bx, 1
        mov [bx+D_CDMAP], si
.end:   ret

; Clear the packet; AL = operation code.
cd_packet:
        mov [bp+Q_PKT], al
        xor ax, ax
        mov [bp+Q_PKT+1], al
        mov [bp+Q_PKT+2], ax
        mov [bp+Q_PKT+4], ax
        mov [bp+Q_PKT+6], ax
        mov [bp+Q_PKT+8], ax
        mov [bp+Q_PKT+10], ax
        mov [bp+Q_SKIP], ax
        mov [bp+Q_WANT], ax
        ret

; One packet command with data in: Q_SKIP words dropped, Q_WANT words to Q_SEG:Q_OFF, the rest dropped.
; CF: AH = status, AL = sense key or FFh when the channel failed. Changes AX, BX, CX, DX, DI, ES.
atapi_packet:
        xor al, al
        call ata_select
        jc .chan
        mov dx, [si+U_IO]
        inc dx
        xor al, al
        out dx, al                      ; features: PIO
        inc dx
        out dx, al                      ; tag
        add dx, ATA_LBAM - ATA_COUNT
        out dx, al                      ; byte count limit 8000h
        inc dx
        mov al, 80h
        out dx, al
        mov al, 0A0h
        call ata_command
        call ata_drq
        jc .chan
        lea bx, [bp+Q_PKT]
        mov dx, [si+U_IO]
        mov cx, 6
.out:   mov ax, [ss:bx]
        inc bx
        inc bx
        out dx, ax
        loop .out
.phase: call ata_400ns
        mov cx, ATA_TICKS
        call ata_notbusy
        jc .late
        test al, ST_ERR | ST_DF
        jnz .check
        test al, ST_DRQ
        jnz .data
        mov dx, [si+U_IO]
        add dx, ATA_STATUS
        in al, dx
        cmp word [bp+Q_WANT], 0         ; less data than asked for
        mov ax, E_NOTFND * 256 + 0FFh
        jne .fail
        xor ax, ax
        jmp ata_release
.data:  mov dx, [si+U_IO]
        add dx, ATA_STATUS
        in al, dx
        sub dx, ATA_STATUS - ATA_LBAM
        in al, dx
        mov ah, al
        inc dx
        in al, dx
        xchg al, ah
        inc ax
        shr ax, 1
        mov bx, ax                      ; words of this block
        mov ax, [bp+Q_SKIP]
        call .take
        sub [bp+Q_SKIP], ax
        call .drop
        mov ax, [bp+Q_WANT]
        call .take
        sub [bp+Q_WANT], ax
        push ax
        call buf_ptr
        mov cx, ax
        call ata_in
        pop ax
        shl ax, 1
        add [bp+Q_OFF], ax
        mov ax, bx
        call .drop
        jmp .phase
.check: mov dx, [si+U_IO]
        add dx, ATA_STATUS
        in al, dx
        sub dx, ATA_STATUS - ATA_ERROR
        in al, dx                       ; sense key in bits 7:4
        mov cl, 4
        shr al, cl
        mov ah, E_UNDEF
        jmp short .fail
.late:  mov ah, E_TIMEOUT
.chan:  mov al, 0FFh
.fail:  stc
        jmp ata_release
; AX = the smaller of AX and BX, taken from BX
.take:  cmp ax, bx
        jbe .t1
        mov ax, bx
.t1:    sub bx, ax
        ret
.drop:  mov dx, [si+U_IO]
        mov cx, ax
        jcxz .d1
.d2:    in ax, dx
        loop .d2
.d1:    ret

; The packet with sense data after a failure. AH = status, CF; AL = sense key. U_KEY, U_ASC, U_ASCQ tell.
cd_command:
        mov word [si+U_KEY], 0
        mov byte [si+U_ASCQ], 0
        call atapi_packet
        jc .fail
        ret
.fail:  cmp al, 0FFh
        je .channel
        push word [bp+Q_OFF]            ; save packet and request around REQUEST SENSE
        push word [bp+Q_SEG]
        push word [bp+Q_SKIP]
        push word [bp+Q_WANT]
        push word [bp+Q_PKT]
        push word [bp+Q_PKT+2]
        push word [bp+Q_PKT+4]
        push word [bp+Q_PKT+6]
        push word [bp+Q_PKT+8]
        mov al, 03h
        call cd_packet
        mov byte [bp+Q_PKT+4], 18
        mov word [bp+Q_WANT], 9
        mov word [bp+Q_OFF], D_SCRATCH
        mov [bp+Q_SEG], ds
        call atapi_packet
        pop word [bp+Q_PKT+8]
        pop word [bp+Q_PKT+6]
        pop word [bp+Q_PKT+4]
        pop word [bp+Q_PKT+2]
        pop word [bp+Q_PKT]
        pop word [bp+Q_WANT]
        pop word [bp+Q_SKIP]
        pop word [bp+Q_SEG]
        pop word [bp+Q_OFF]
        jc .channel
        mov al, [D_SCRATCH+2]
        and al, 0Fh
        mov [si+U_KEY], al
        mov bx, [D_SCRATCH+12]
        mov [si+U_ASC], bx              ; ASC and ASCQ
        mov ah, E_NOMEDIA
        cmp bl, 3Ah
        je .end
        mov ah, E_NOTRDY
        cmp al, 2
        je .end
        mov ah, E_CRC
        cmp al, 3
        je .end
        mov ah, E_CHANGE
        cmp al, 6
        je .end
        mov ah, E_WPROT
        cmp al, 7
        je .end
        mov ah, E_PARAM
        cmp al, 5
        jne .other
        cmp bl, 21h                     ; logical block address out of range
        jne .end
        mov ah, E_NOTFND
        jmp short .end
.other: mov ah, E_CTRL
.end:   stc
        ret
.channel:
        mov byte [si+U_KEY], 0Fh
        mov al, 0Fh
        stc
        ret

; Repeats what cures itself. After cd_command failed: CF = 0 when it is worth another try (Q_TRY counts them), else AH = status.
; A drive that is becoming ready gets about 15 s.
cd_again:
        dec word [bp+Q_TRY]
        jz .no
        cmp byte [si+U_KEY], 6          ; reset or medium changed: the drive wanted to say so
        je .yes
        cmp byte [si+U_KEY], 2
        jne .no
        cmp byte [si+U_ASC], 04h
        jne .no
        push ax
        mov cx, 2
        call wait_ticks
        pop ax
.yes:   clc
        ret
.no:    stc
        ret

; TEST UNIT READY until it is, or is known not to be. CF: AH = status.
cd_ready:
        mov word [bp+Q_TRY], 140
.next:  mov al, 00h
        call cd_packet
        call cd_command
        jnc .end
        call cd_again
        jnc .next
.end:   ret

; READ CAPACITY: DX:AX = blocks; CF: AH = status. The request's buffer words are used.
cd_capacity:
        call cd_ready
        jc .end
        mov al, 25h
        call cd_packet
        mov word [bp+Q_WANT], 4
        mov word [bp+Q_OFF], D_SCRATCH
        mov [bp+Q_SEG], ds
        call cd_command
        jc .end
        mov dx, [D_SCRATCH]             ; big-endian
        mov ax, [D_SCRATCH+2]
        xchg dl, dh
        xchg al, ah
        add ax, 1                       ; the last block's number -> how many
        adc dx, 0
        clc
.end:   ret

; Q_LEFT 512-byte sectors from sector Q_SUB of block Q_LBA to Q_SEG:Q_OFF. AH = status; Q_DONE = sectors read.
cd_read:
        mov word [bp+Q_DONE], 0
        mov word [bp+Q_TRY], 140
        mov ax, [bp+Q_LBA+4]
        or ax, [bp+Q_LBA+6]
        mov ah, E_NOTFND
        jnz .fail
.next:  mov ax, [bp+Q_LEFT]
        test ax, ax
        jz .ok
        cmp ax, CD_BLOCKS * 4           ; first, so that nothing below overflows
        jbe .small
        mov ax, CD_BLOCKS * 4
.small: mov bx, CD_BLOCKS * 4
        sub bx, [bp+Q_SUB]
        cmp ax, bx
        jbe .fits
        mov ax, bx
.fits:  mov [bp+Q_CHUNK], ax
        push word [bp+Q_OFF]
        push word [bp+Q_SEG]
        mov al, 28h
        call cd_packet
        mov ax, [bp+Q_LBA]
        xchg al, ah
        mov [bp+Q_PKT+4], ax
        mov ax, [bp+Q_LBA+2]
        xchg al, ah
        mov [bp+Q_PKT+2], ax
        mov ax, [bp+Q_CHUNK]
        mov ah, al
        mov al, 0
        mov [bp+Q_WANT], ax             ; sectors * 256 words
        mov ah, [bp+Q_SUB]
        mov [bp+Q_SKIP], ax
        mov ax, [bp+Q_CHUNK]
        add ax, [bp+Q_SUB]
        add ax, 3
        shr ax, 1
        shr ax, 1
        mov [bp+Q_PKT+8], al
        call cd_command
        jc .error
        pop ax                          ; the buffer has moved on
        pop ax
        mov ax, [bp+Q_CHUNK]
        add [bp+Q_DONE], ax
        sub [bp+Q_LEFT], ax
        add ax, [bp+Q_SUB]
        mov bx, ax
        and bx, 3
        mov [bp+Q_SUB], bx
        shr ax, 1
        shr ax, 1
        add [bp+Q_LBA], ax
        adc word [bp+Q_LBA+2], 0
        jmp .next
.error: pop word [bp+Q_SEG]
        pop word [bp+Q_OFF]
        call cd_again
        jnc .next
.fail:  stc
        ret
.ok:    xor ah, ah
        ret

; PREVENT ALLOW MEDIUM REMOVAL, AL = 1 to prevent.
cd_prevent:
        push ax
        mov al, 1Eh
        call cd_packet
        pop ax
        mov [bp+Q_PKT+4], al
        jmp cd_command

; START STOP UNIT: eject.
cd_eject:
        mov al, 1Bh
        call cd_packet
        mov byte [bp+Q_PKT+4], 02h      ; LoEj, not Start
        jmp cd_command
