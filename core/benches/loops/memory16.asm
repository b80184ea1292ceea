; Loads, stores and read-modify-write in 16-bit code over 16 KiB, also through another segment.
bits 16
org 0x1000
    mov ax,0x3000
    mov es,ax
    xor si,si
l:  mov ax,[si]
    add ax,[si+0x4000]
    mov [si+4],ax
    add word [si+0x1000],3
    mov bl,[si+0x2000]
    mov [es:si],bl
    mov [es:si+2],ax
    add si,2
    and si,0x3fff
    jmp l
