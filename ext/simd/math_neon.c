/* 64-bit ARM, where NEON is always there. */
#define AC_ISA neon
#include "math_kernels.h"
