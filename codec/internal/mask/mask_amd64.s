//go:build amd64 && !purego

#include "textflag.h"

// Both kernels leave no rest to be done by bytes: the last vectors are read before anything is written, written at the
// end, and may overlap what the loop wrote, because the key is turned to where they begin.

// func vector(dst, src *byte, n int, key uint32)
TEXT ·vector(SB), NOSPLIT, $0-28
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), DX
	MOVL         key+24(FP), AX
	VMOVD        AX, X0
	VPBROADCASTD X0, Y0
	MOVL         DX, CX
	SHLL         $3, CX
	MOVL         AX, R8
	RORL         CX, R8
	VMOVD        R8, X1
	VPBROADCASTD X1, Y1       // the key at n, which is the key at n-16, n-32, ...
	CMPQ         DX, $32
	JA           above32
	VPXOR        (SI), X0, X2
	VPXOR        -16(SI)(DX*1), X1, X3
	VMOVDQU      X2, (DI)
	VMOVDQU      X3, -16(DI)(DX*1)
	VZEROUPPER
	RET

above32:
	CMPQ    DX, $64
	JA      above64
	VPXOR   (SI), Y0, Y2
	VPXOR   -32(SI)(DX*1), Y1, Y3
	VMOVDQU Y2, (DI)
	VMOVDQU Y3, -32(DI)(DX*1)
	VZEROUPPER
	RET

above64:
	VPXOR   -64(SI)(DX*1), Y1, Y4
	VPXOR   -32(SI)(DX*1), Y1, Y5
	CMPQ    DX, $128
	JA      above128
	VPXOR   (SI), Y0, Y2
	VPXOR   32(SI), Y0, Y3
	VMOVDQU Y2, (DI)
	VMOVDQU Y3, 32(DI)
	VMOVDQU Y4, -64(DI)(DX*1)
	VMOVDQU Y5, -32(DI)(DX*1)
	VZEROUPPER
	RET

above128:
	CMPQ  DX, $512
	JA    above512

some:
	VPXOR -128(SI)(DX*1), Y1, Y2
	VPXOR -96(SI)(DX*1), Y1, Y3
	LEAQ  -128(SI)(DX*1), SI // the loop ends where the last 128 bytes begin
	LEAQ  -128(DI)(DX*1), R10
	MOVQ  R10, DI
	NEGQ  DX
	ADDQ  $128, DX           // from the end of the loop to its place
	CMPQ  DX, $-384
	JG    loop
	LEAQ  (DI)(DX*1), CX
	NEGQ  CX
	ANDQ  $31, CX
	JZ    loop

	// Long enough to gain from aligned writes: the first vector is kept for the end as well.
	VPXOR        (SI)(DX*1), Y0, Y1
	LEAQ         (DI)(DX*1), R11
	ADDQ         CX, DX
	SHLL         $3, CX
	RORL         CX, AX
	VMOVD        AX, X0
	VPBROADCASTD X0, Y0

	PCALIGN $64
aligned:
	VPXOR   (SI)(DX*1), Y0, Y6
	VMOVDQA Y6, (DI)(DX*1)
	VPXOR   32(SI)(DX*1), Y0, Y7
	VMOVDQA Y7, 32(DI)(DX*1)
	VPXOR   64(SI)(DX*1), Y0, Y8
	VMOVDQA Y8, 64(DI)(DX*1)
	VPXOR   96(SI)(DX*1), Y0, Y9
	VMOVDQA Y9, 96(DI)(DX*1)
	ADDQ    $128, DX
	JLT     aligned
	VMOVDQU Y1, (R11)
	JMP     last

	PCALIGN $64
loop:
	VPXOR   (SI)(DX*1), Y0, Y6
	VMOVDQU Y6, (DI)(DX*1)
	VPXOR   32(SI)(DX*1), Y0, Y7
	VMOVDQU Y7, 32(DI)(DX*1)
	VPXOR   64(SI)(DX*1), Y0, Y8
	VMOVDQU Y8, 64(DI)(DX*1)
	VPXOR   96(SI)(DX*1), Y0, Y9
	VMOVDQU Y9, 96(DI)(DX*1)
	ADDQ    $128, DX
	JLT     loop

last:
	VMOVDQU Y2, (R10)
	VMOVDQU Y3, 32(R10)
	VMOVDQU Y4, 64(R10)
	VMOVDQU Y5, 96(R10)
	VZEROUPPER
	RET

above512:
	CMPB         ·hasAVX512(SB), $0
	JEQ          some

	// The same with vectors of 64 bytes.
	VPBROADCASTD X0, Z0
	VPBROADCASTD X1, Z1
	VPXORD       -128(SI)(DX*1), Z1, Z2
	VPXORD       -64(SI)(DX*1), Z1, Z3
	LEAQ         -128(SI)(DX*1), SI
	LEAQ         -128(DI)(DX*1), R10
	MOVQ         R10, DI
	NEGQ         DX
	ADDQ         $128, DX
	LEAQ         (DI)(DX*1), CX
	NEGQ         CX
	ANDQ         $63, CX
	JZ           wideLoop
	VPXORD       (SI)(DX*1), Z0, Z1
	LEAQ         (DI)(DX*1), R11
	ADDQ         CX, DX
	SHLL         $3, CX
	RORL         CX, AX
	VPBROADCASTD AX, Z0
	PCALIGN      $64

wideAligned:
	VPXORD    (SI)(DX*1), Z0, Z6
	VMOVDQA64 Z6, (DI)(DX*1)
	VPXORD    64(SI)(DX*1), Z0, Z7
	VMOVDQA64 Z7, 64(DI)(DX*1)
	ADDQ      $128, DX
	JLT       wideAligned
	VMOVDQU64 Z1, (R11)
	JMP       wideLast
	PCALIGN   $64

wideLoop:
	VPXORD    (SI)(DX*1), Z0, Z6
	VMOVDQU64 Z6, (DI)(DX*1)
	VPXORD    64(SI)(DX*1), Z0, Z7
	VMOVDQU64 Z7, 64(DI)(DX*1)
	ADDQ      $128, DX
	JLT       wideLoop

wideLast:
	VMOVDQU64 Z2, (R10)
	VMOVDQU64 Z3, 64(R10)
	VZEROUPPER
	RET

// func xorSSE2(dst, src *byte, n int, key uint32)
TEXT ·xorSSE2(SB), NOSPLIT, $0-28
	MOVQ   dst+0(FP), DI
	MOVQ   src+8(FP), SI
	MOVQ   n+16(FP), DX
	MOVL   key+24(FP), AX
	MOVL   AX, X0
	PSHUFD $0, X0, X0
	MOVL   DX, CX
	SHLL   $3, CX
	RORL   CX, AX
	MOVL   AX, X1
	PSHUFD $0, X1, X1
	MOVOU  -16(SI)(DX*1), X5
	PXOR   X1, X5
	CMPQ   DX, $32
	JA     above32
	MOVOU  (SI), X2
	PXOR   X0, X2
	MOVOU  X2, (DI)
	MOVOU  X5, -16(DI)(DX*1)
	RET

above32:
	MOVOU -32(SI)(DX*1), X4
	PXOR  X1, X4
	CMPQ  DX, $64
	JA    above64
	MOVOU (SI), X2
	MOVOU 16(SI), X3
	PXOR  X0, X2
	PXOR  X0, X3
	MOVOU X2, (DI)
	MOVOU X3, 16(DI)
	MOVOU X4, -32(DI)(DX*1)
	MOVOU X5, -16(DI)(DX*1)
	RET

above64:
	MOVOU -64(SI)(DX*1), X2
	MOVOU -48(SI)(DX*1), X3
	PXOR  X1, X2
	PXOR  X1, X3
	LEAQ  -64(DI)(DX*1), R10

loop:
	MOVOU (SI), X6
	MOVOU 16(SI), X7
	MOVOU 32(SI), X8
	MOVOU 48(SI), X9
	PXOR  X0, X6
	PXOR  X0, X7
	PXOR  X0, X8
	PXOR  X0, X9
	MOVOU X6, (DI)
	MOVOU X7, 16(DI)
	MOVOU X8, 32(DI)
	MOVOU X9, 48(DI)
	ADDQ  $64, SI
	ADDQ  $64, DI
	SUBQ  $64, DX
	CMPQ  DX, $64
	JA    loop
	MOVOU X2, (R10)
	MOVOU X3, 16(R10)
	MOVOU X4, 32(R10)
	MOVOU X5, 48(R10)
	RET
