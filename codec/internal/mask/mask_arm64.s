//go:build arm64 && !purego

#include "textflag.h"

// The kernel leaves no rest to be done by bytes: the last vectors are read before anything is written, written at the
// end, and may overlap what the loop wrote, because the key is turned to where they begin.

// func vector(dst, src *byte, n int, key uint32)
TEXT ·vector(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVWU key+24(FP), R3
	VDUP R3, V0.S4
	LSL  $3, R2, R4
	RORW R4, R3, R5
	VDUP R5, V1.S4          // the key at n, which is the key at n-16, n-32, ...
	CMP  $32, R2
	BHI  above32
	SUB  $16, R2, R6
	ADD  R6, R1, R7
	ADD  R6, R0, R8
	VLD1 (R1), [V2.B16]
	VLD1 (R7), [V3.B16]
	VEOR V0.B16, V2.B16, V2.B16
	VEOR V1.B16, V3.B16, V3.B16
	VST1 [V2.B16], (R0)
	VST1 [V3.B16], (R8)
	RET

above32:
	CMP  $64, R2
	BHI  above64
	SUB  $32, R2, R6
	ADD  R6, R1, R7
	ADD  R6, R0, R8
	VLD1 (R1), [V2.B16, V3.B16]
	VLD1 (R7), [V4.B16, V5.B16]
	VEOR V0.B16, V2.B16, V2.B16
	VEOR V0.B16, V3.B16, V3.B16
	VEOR V1.B16, V4.B16, V4.B16
	VEOR V1.B16, V5.B16, V5.B16
	VST1 [V2.B16, V3.B16], (R0)
	VST1 [V4.B16, V5.B16], (R8)
	RET

above64:
	SUB  $64, R2, R6
	ADD  R6, R1, R7
	ADD  R6, R0, R8
	VLD1 (R7), [V2.B16, V3.B16, V4.B16, V5.B16]
	VEOR V1.B16, V2.B16, V2.B16
	VEOR V1.B16, V3.B16, V3.B16
	VEOR V1.B16, V4.B16, V4.B16
	VEOR V1.B16, V5.B16, V5.B16

loop:
	VLD1.P 64(R1), [V16.B16, V17.B16, V18.B16, V19.B16]
	VEOR   V0.B16, V16.B16, V16.B16
	VEOR   V0.B16, V17.B16, V17.B16
	VEOR   V0.B16, V18.B16, V18.B16
	VEOR   V0.B16, V19.B16, V19.B16
	VST1.P [V16.B16, V17.B16, V18.B16, V19.B16], 64(R0)
	SUB    $64, R2
	CMP    $64, R2
	BHI    loop
	VST1   [V2.B16, V3.B16, V4.B16, V5.B16], (R8)
	RET
