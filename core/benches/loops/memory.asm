; Loads, stores and read-modify-write over 64 KiB.
bits 32
org 0x1000
    xor esi,esi
l:  mov eax,[0x20000+esi]
    add eax,[0x28000+esi]
    mov [0x20004+esi],eax
    add dword [0x21000+esi],3
    movzx ebx,byte [0x22000+esi]
    mov [0x23000+esi],bl
    add esi,4
    and esi,0x3fff
    jmp l
