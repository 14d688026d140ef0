/* One instruction-set level: every loop of every family, compiled with the flags of the isa_*.c that includes this,
 * and the level's table of them. AC_ISA is the level's name. Everything but the table is static: a linker that merged
 * equal functions of differently flagged objects would let AVX code run where there is no AVX. */
#include "table.h"

#include "composite.h"
#include "loops_compare.h"
#include "loops_division.h"
#include "loops_float.h"
#include "loops_integer.h"
#include "loops_sqrt.h"
#include "reductions.h"
#include "stream.h"

#define AC_JOIN_(a, b) a##b
#define AC_JOIN(a, b) AC_JOIN_(a, b)
#define AC_TEXT_(a) #a
#define AC_TEXT(a) AC_TEXT_(a)

static const ac_loop_entry AC_LOOPS[] = {
    AC_LIST_FLOAT_EVERYWHERE AC_LIST_FLOAT_V4 AC_LIST_INTEGER_EVERYWHERE AC_LIST_INTEGER_V4 AC_LIST_COMPARE
    AC_LIST_DIVISION AC_LIST_SQRT
    {NULL, NULL, NULL}, /* C has no empty arrays */
};

extern const ac_math_table AC_JOIN(ac_math_, AC_ISA); /* math_kernels.h */
extern const ac_table AC_JOIN(ac_table_, AC_ISA);
const ac_table AC_JOIN(ac_table_, AC_ISA) = {
    AC_TEXT(AC_ISA), AC_LOOPS, sizeof(AC_LOOPS) / sizeof(AC_LOOPS[0]) - 1, ac_stream_copy, &AC_REDUCTIONS,
    &AC_JOIN(ac_math_, AC_ISA), &AC_COMPOSITES,
};
