; SSE2: packed integers and scalar doubles.
bits 32
org 0x1000
    mov dword [0x20000],0
    mov dword [0x20004],0x3ff80000
    movsd xmm4,[0x20000]
    xorps xmm0,xmm0
l:  movdqa xmm1,[0x20000]
    paddd xmm1,xmm0
    pxor xmm2,xmm1
    pshufd xmm3,xmm2,0x1b
    movdqa [0x20020],xmm3
    movsd xmm5,xmm4
    mulsd xmm5,xmm4
    addsd xmm5,xmm4
    movsd [0x20030],xmm5
    jmp l
