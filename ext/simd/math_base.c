/* What every processor of the architecture runs. */
#define AC_ISA base
#include "math_kernels.h"
