/* sin, cos. */
#ifndef ALLCORES_MATH_TRIG_H
#define ALLCORES_MATH_TRIG_H

#include "mathematics.h"
#include "math_trig_coefficients.h"

/* x = k pi/2 + (r - low), |r| <= pi/4; the low bits of `quadrant` are those of k. Relative accuracy of r - low is beyond
 * 2^-60 also beside multiples of pi/2, for |k| < 2^25. */
typedef struct {
    double r, low;
    uint64_t quadrant;
} ac_reduced;

#define AC_TRIG_LIMIT 0x1.8p25

AC_INLINE ac_reduced ac_reduce_trig(double x)
{
    ac_reduced found;
    const double shifted = AC_FMA(x, AC_2_PI, AC_ROUND), k = shifted - AC_ROUND;
    found.quadrant = ac_bits(shifted);
#if AC_HAS_FMA
    {
        /* x - k AC_PIO2_0 is exact: a multiple of 2^-53 less than 1. k AC_PIO2_1 is a float64, and so is what the next
         * subtraction loses. */
        const double r = AC_FMA(k, -AC_PIO2_0, x);
        found.r = AC_FMA(k, -AC_PIO2_1, r);
        found.low = AC_FMA(k, AC_PIO2_2, AC_FMA(k, AC_PIO2_1, found.r - r));
    }
#else
    {
        const ac_dd s = ac_two_sum(x - k * AC_PIO2_SHORT_0, -(k * AC_PIO2_SHORT_1));
        const ac_dd t = ac_two_sum(s.hi, -(k * AC_PIO2_SHORT_2));
        const double low = k * AC_PIO2_SHORT_3 - (s.lo + t.lo);
        found.r = t.hi - low;
        found.low = low - (t.hi - found.r);
    }
#endif
    return found;
}

/* sin(k pi/2 + (r - low)); as the signs are, -0.0 gives -0.0. Error 0.8 ULP. */
AC_INLINE double ac_sin_reduced(ac_reduced x)
{
    const double r = x.r, z = AC_FMA(r, r, -(r + r) * x.low);
    double s = AC_SIN_P5, c = AC_COS_P5, result;
    s = AC_FMA(s, z, AC_SIN_P4);
    c = AC_FMA(c, z, AC_COS_P4);
    s = AC_FMA(s, z, AC_SIN_P3);
    c = AC_FMA(c, z, AC_COS_P3);
    s = AC_FMA(s, z, AC_SIN_P2);
    c = AC_FMA(c, z, AC_COS_P2);
    s = AC_FMA(s, z, AC_SIN_P1);
    c = AC_FMA(c, z, AC_COS_P1);
    s = AC_FMA(s, z, AC_SIN_P0);
    c = AC_FMA(c, z, AC_COS_P0);
    s = r - AC_FMA(r * z, s, x.low);
    c = AC_FMA(z, AC_FMA(z, c, -0.5), 1.0);
    result = x.quadrant & 1 ? c : s;
    return ac_from_bits(ac_bits(result) ^ ((x.quadrant & 2) << 62));
}

AC_INLINE double ac_sin_fast(double x) { return ac_sin_reduced(ac_reduce_trig(x)); }
AC_INLINE double ac_cos_fast(double x)
{
    ac_reduced reduced = ac_reduce_trig(x);
    reduced.quadrant += 1;
    return ac_sin_reduced(reduced);
}

/* Subnormal numbers for their underflow flag. */
#define AC_SIN_SPECIAL(x) ((!(fabs(x) <= AC_TRIG_LIMIT)) | ((fabs(x) < DBL_MIN) & ((x) != 0.0)))
#define AC_COS_SPECIAL(x) (!(fabs(x) <= AC_TRIG_LIMIT))
AC_MATH_1(ac_sin_f64, double, uint64_t, ac_sin_fast, AC_SIN_SPECIAL, sin)
AC_MATH_1(ac_cos_f64, double, uint64_t, ac_cos_fast, AC_COS_SPECIAL, cos)

#define AC_TRIG_COST (AC_LEVEL >= 4 ? 0.8 : 1.2)

#define AC_LIST_MATH_TRIG \
    AC_MATH_ENTRY_1(sin, d, ac_sin_f64, AC_TRIG_COST, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(cos, d, ac_cos_f64, AC_TRIG_COST, AC_LEVEL >= 3)

#endif
