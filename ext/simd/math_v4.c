/* x86-64-v4: AVX-512 F, BW, CD, DQ, VL (Skylake-X, Zen 4 and later). */
#define AC_ISA v4
#include "math_kernels.h"
