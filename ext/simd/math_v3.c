/* x86-64-v3: AVX2, FMA, BMI (Haswell, Zen and later). */
#define AC_ISA v3
#include "math_kernels.h"
