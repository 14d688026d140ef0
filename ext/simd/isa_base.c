/* What every processor of the architecture runs. */
#define AC_ISA base
#include "kernels.h"
