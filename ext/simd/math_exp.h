/* exp. */
#ifndef ALLCORES_MATH_EXP_H
#define ALLCORES_MATH_EXP_H

#include "mathematics.h"
#include "math_exp_coefficients.h"

/* exp(x) = 2^k exp(r), k = round(x / log 2), by a polynomial of degree 11. Special beyond 708, where the result comes
 * near overflow or is subnormal. Error 0.6 ULP. */
AC_INLINE double ac_exp_fast(double x)
{
    const double shifted = AC_FMA(x, AC_LOG2_E, AC_ROUND), k = shifted - AC_ROUND;
    const double r = AC_FMA(k, -AC_LN2_LO, AC_FMA(k, -AC_LN2_HI, x));
    double p = AC_EXP_P9;
    p = AC_FMA(p, r, AC_EXP_P8);
    p = AC_FMA(p, r, AC_EXP_P7);
    p = AC_FMA(p, r, AC_EXP_P6);
    p = AC_FMA(p, r, AC_EXP_P5);
    p = AC_FMA(p, r, AC_EXP_P4);
    p = AC_FMA(p, r, AC_EXP_P3);
    p = AC_FMA(p, r, AC_EXP_P2);
    p = AC_FMA(p, r, AC_EXP_P1);
    p = AC_FMA(p, r, AC_EXP_P0);
    p = 1.0 + AC_FMA(r * r, p, r);
    return ac_from_bits(ac_bits(p) + (ac_bits(shifted) << 52));
}
#define AC_EXP_SPECIAL(x) (!(fabs(x) <= 708.0))
AC_MATH_1(ac_exp_f64, double, uint64_t, ac_exp_fast, AC_EXP_SPECIAL, exp)

#define AC_LIST_MATH_EXP AC_MATH_ENTRY_1(exp, d, ac_exp_f64, 1.0, AC_LEVEL == 3)

#endif
