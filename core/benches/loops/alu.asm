; Register arithmetic: a mix of independent and dependent operations.
bits 32
org 0x1000
l:  add eax,ebx
    xor ecx,eax
    sub edx,ecx
    and esi,edx
    or  edi,1
    lea ebx,[ebx+esi*2+7]
    add ebx,edi
    cmp eax,ecx
    jb  m
    inc eax
m:  test edx,edx
    js  n
    dec ecx
n:  jmp l
