; REP MOVSD, REP STOSB, REPNE SCASB over a few kilobytes.
bits 32
org 0x1000
l:  mov esi,0x20000
    mov edi,0x30000
    mov ecx,1024
    rep movsd
    mov edi,0x40000
    mov ecx,2048
    xor eax,eax
    rep stosb
    mov edi,0x40000
    mov ecx,512
    mov al,1
    repne scasb
    jmp l
