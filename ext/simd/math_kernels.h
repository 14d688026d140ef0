/* The mathematics of one instruction-set level; AC_ISA is its name. Compiled apart from kernels.h, as the compiler may
 * here assume that nobody looks at floating-point flags (mathematics.h sees to them): it vectorises selections only then. */

/* Tables are read by gather instructions: told nothing, GCC reads them one element at a time, some processors being slow
 * at them. */
#if defined(__AVX2__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("tune=haswell")
#endif

#include "mathematics.h"

#include "math_arc.h"
#include "math_erf.h"
#include "math_exp.h"
#include "math_fma.h"
#include "math_gamma.h"
#include "math_hyperbolic.h"
#include "math_inverse_hyperbolic.h"
#include "math_log.h"
#include "math_logistic.h"
#include "math_power.h"
#include "math_roots.h"
#include "math_trig.h"
#include "math_xlogy.h"

#define AC_JOIN_(a, b) a##b
#define AC_JOIN(a, b) AC_JOIN_(a, b)

static const ac_math_entry AC_MATH[] = {
    AC_LIST_MATH_ARC
    AC_LIST_MATH_ERF
    AC_LIST_MATH_EXP
    AC_LIST_MATH_FMA
    AC_LIST_MATH_GAMMA
    AC_LIST_MATH_HYPERBOLIC
    AC_LIST_MATH_INVERSE_HYPERBOLIC
    AC_LIST_MATH_LOG
    AC_LIST_MATH_LOGISTIC
    AC_LIST_MATH_POWER
    AC_LIST_MATH_ROOTS
    AC_LIST_MATH_TRIG
    AC_LIST_MATH_XLOGY
    {NULL, NULL, NULL, 0, 0},
};

extern const ac_math_table AC_JOIN(ac_math_, AC_ISA);
const ac_math_table AC_JOIN(ac_math_, AC_ISA) = {AC_MATH, sizeof(AC_MATH) / sizeof(AC_MATH[0]) - 1};
