; The search for ATA and ATAPI devices at POST, and the geometry that INT 13h gives a disk.
;
; ATA/ATAPI-6 (T13/1410D): 9.1 "Signature and persistence", 8.15 "IDENTIFY DEVICE", 8.16 "IDENTIFY PACKET DEVICE"; Phoenix EDD 3.0,
; section 2 "LBA-assisted translation".

ata_init:
        mov si, D_UNITS
        mov bx, ata_channels
.next:  mov ax, [cs:bx]
        mov dx, [cs:bx+2]
        mov cl, [cs:bx+4]
        call .unit                      ; device 0
        mov byte [si+U_DEV], 0A0h
        push si
        add si, U_SIZE
        call .unit                      ; device 1
        mov byte [si+U_DEV], 0B0h
        pop si
        push bx
        call ata_channel
        pop bx
        add si, 2 * U_SIZE
        add bx, 5
        cmp bx, ata_channels + 10
        jb .next
        ret
.unit:  mov [si+U_IO], ax
        mov [si+U_CTL], dx
        mov [si+U_IRQ], cl
        ret

ata_channels:
        dw 1F0h, 3F6h
        db 14
        dw 170h, 376h
        db 15

; One channel, SI = its device 0.
ata_channel:
        call ata_present
        jc .end
        mov dx, [si+U_CTL]
        mov al, DC_SRST
        out dx, al
        mov cx, 2
        call delay_refresh
        mov al, DC_NIEN
        out dx, al
        mov cx, 140
        call delay_refresh
        push si
        call ata_probe
        add si, U_SIZE
        call ata_probe
        pop si
        mov dx, [si+U_IO]               ; leave device 0 selected
        add dx, ATA_DEVICE
        mov al, [si+U_DEV]
        out dx, al
.end:   ret

; CF = 1 when neither device answers: registers must hold what is written.
ata_present:
        call .try
        jnc .end
        add si, U_SIZE
        call .try
        pushf
        sub si, U_SIZE
        popf
.end:   ret
.try:   mov dx, [si+U_IO]
        add dx, ATA_DEVICE
        mov al, [si+U_DEV]
        out dx, al
        call ata_400ns
        mov dx, [si+U_CTL]
        in al, dx
        cmp al, 0FFh
        je .absent
        cmp al, 7Fh
        je .absent
        test al, ST_BSY                 ; just switched on: registers not yet to be used
        jnz .there
        mov dx, [si+U_IO]
        add dx, ATA_COUNT
        mov al, 55h
        out dx, al
        inc dx
        mov al, 0AAh
        out dx, al
        in al, dx
        cmp al, 0AAh
        jne .absent
        dec dx
        in al, dx
        cmp al, 55h
        jne .absent
.there: clc
        ret
.absent:
        stc
        ret

; Is unit SI there, and what? After a reset.
ata_probe:
        mov dx, [si+U_IO]
        add dx, ATA_DEVICE
        mov al, [si+U_DEV]
        out dx, al
        call ata_400ns
        mov dx, [si+U_CTL]
        in al, dx
        cmp al, 0FFh
        je .none
        test al, al                     ; device 0 answers so for a device 1 that is absent ...
        jnz .wait
        mov dx, [si+U_IO]               ; ... but a packet device may well show 00 after a reset
        add dx, ATA_LBAM
        in al, dx
        cmp al, 14h
        jne .none
.wait:  mov cx, ATA_TICKS
        call ata_notbusy
        jc .none
        mov dx, [si+U_IO]
        add dx, ATA_LBAM
        in al, dx
        mov ah, al
        inc dx
        in al, dx                       ; AX = signature: cylinder low in AH
        mov bl, 0A1h
        cmp ax, 14EBh
        je .identify
        cmp ax, 6996h                   ; a Serial ATA bridge shows the same pairs otherwise
        je .identify
        mov bl, 0ECh
.identify:
        mov al, DC_NIEN
        mov dx, [si+U_CTL]
        out dx, al
.again: mov al, bl
        call ata_command
        mov cx, 90                      ; 5 s
        call ata_notbusy
        jc .none
        test al, al
        jz .none
        test al, ST_ERR | ST_DF
        jnz .error
        mov cx, 36
        call wait_begin
        mov dx, [si+U_CTL]
.drq:   in al, dx
        test al, ST_DRQ
        jnz .data
        test al, al
        jz .none
        call wait_more
        jnc .drq
.none:  jmp ata_release
.error: cmp bl, 0A1h                    ; IDENTIFY DEVICE aborted: the packet form
        je .none
        mov bl, 0A1h
        jmp .again
.data:  xor ax, ax
        mov es, ax
        mov di, 7C00h
        mov cx, 256
        call ata_in
        mov dx, [si+U_IO]
        add dx, ATA_STATUS
        in al, dx
        cmp bl, 0A1h
        je .packet
        call ata_disk
        jmp ata_release
.packet:
        call atapi_found
        jmp ata_release

; Model string: bytes swapped in pairs, trailing blanks off.
ata_model:
        push si
        lea di, [si+U_MODEL]
        mov cx, U_MLEN / 2
        mov bx, 7C00h + 27 * 2
.next:  mov ax, [es:bx]
        xchg al, ah
        mov [di], ax
        add bx, 2
        add di, 2
        loop .next
        mov byte [di-1], 0
        dec di
        mov cx, U_MLEN - 1
.trim:  dec di
        cmp byte [di], ' '
        ja .end
        mov byte [di], 0
        loop .trim
.end:   pop si
        ret

; An ATA disk whose IDENTIFY data is at 0000:7C00 (ES = 0).
ata_disk:
        call ata_model
        mov bx, 7C00h
        mov word [si+U_TYPE], 1
        test word [es:bx], 80h
        jz .fixed
        or byte [si+U_FLAGS], UF_REMOV
.fixed: mov ax, [es:bx+2]
        mov [si+U_PCYL], ax
        mov ax, [es:bx+6]
        mov [si+U_PHD], ax
        mov ax, [es:bx+12]
        mov [si+U_PSPT], ax
        mov al, [es:bx+47*2]            ; largest multiple block; 16 sectors are as good as more
        cmp al, 16
        jbe .mult
        mov al, 16
.mult:  mov [si+U_MULT], al
        test byte [es:bx+49*2+1], 02h
        jz .chs
        or byte [si+U_FLAGS], UF_LBA
        mov ax, [es:bx+60*2]
        mov [si+U_SECT], ax
        mov ax, [es:bx+61*2]
        mov [si+U_SECT+2], ax
        mov ax, [es:bx+83*2]
        and ah, 0C4h
        cmp ah, 44h
        jne .size
        or byte [si+U_FLAGS], UF_LBA48
        mov ax, [es:bx+100*2]
        mov cx, [es:bx+101*2]
        mov dx, [es:bx+102*2]
        mov di, ax
        or di, cx
        or di, dx
        jz .size
        mov [si+U_SECT], ax
        mov [si+U_SECT+2], cx
        mov [si+U_SECT+4], dx
.size:  cmp word [si+U_PCYL], 0         ; no geometry of its own
        je .given
        cmp word [si+U_PHD], 0
        je .given
        cmp word [si+U_PSPT], 0
        jne .geom
.given: mov word [si+U_PCYL], 16383
        mov word [si+U_PHD], 16
        mov word [si+U_PSPT], 63
        jmp short .geom
.chs:   mov ax, [si+U_PHD]              ; sectors = C * H * S
        mul word [si+U_PSPT]
        mul word [si+U_PCYL]
        mov [si+U_SECT], ax
        mov [si+U_SECT+2], dx
        or ax, dx
        jnz .geom
        mov word [si+U_TYPE], 0         ; no size at all: nothing to offer
        ret
.geom:  call ata_translate
        mov bl, [D_HDS]
        xor bh, bh
        cmp bl, 4
        jae .end
        inc byte [D_HDS]
        mov al, bl
        or al, 80h
        mov [si+U_NUM], al
        shl bx, 1
        mov [bx+D_HDMAP], si
        call ata_configure
.end:   ret

; Logical geometry. Up to 1024 cylinders the device's own; beyond that LBA assist, or, on a drive without LBA, heads doubled and
; cylinders halved.
ata_translate:
        mov ax, [si+U_PCYL]
        mov bx, [si+U_PHD]
        mov cx, [si+U_PSPT]
        cmp ax, 1024
        jbe .set
        or byte [si+U_FLAGS], UF_XLATE
        test byte [si+U_FLAGS], UF_LBA
        jnz .assist
.shift: shr ax, 1
        shl bx, 1
        cmp ax, 1024
        ja .shift
        cmp bx, 255
        jbe .set
        mov bx, 255
.set:   mov [si+U_LCYL], ax
        mov [si+U_LHD], bx
        mov [si+U_LSPT], cx
        ret
.assist:
        mov cx, 63
        mov ax, [si+U_SECT+4]
        or ax, [si+U_SECT+6]
        mov bx, 255
        mov ax, 1024
        jnz .set
        cmp word [si+U_SECT+2], 63 * 4  ; 1024 * 255 * 63 = 00FB:0400
        jae .set
        mov ax, [si+U_SECT+2]           ; tracks of 63 sectors, below 2^18
        xor dx, dx
        div cx
        mov di, ax
        mov ax, [si+U_SECT]
        div cx                          ; DI:AX = tracks
        mov bx, 16
.heads: push ax
        mov dx, di
        cmp dx, bx                      ; the quotient would not fit
        jae .more
        div bx
        cmp ax, 1024
        jbe .fits
.more:  pop ax
        shl bx, 1
        cmp bx, 256
        jb .heads
        mov bx, 255
        mov dx, di
        div bx
        cmp ax, 1024
        jbe .set
        mov ax, 1024
        jmp .set
.fits:  pop dx
        jmp .set
