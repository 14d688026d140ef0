/* xlogy. */
#ifndef ALLCORES_MATH_XLOGY_H
#define ALLCORES_MATH_XLOGY_H

#include "mathematics.h"
#include "math_special.h"

/* x log(y), 0 where x is 0 and y is no NaN. Special where the product overflows, or y is no ordinary number. */
AC_INLINE double ac_xlogy_fast(double x, double y)
{
    const ac_dd l = ac_special_log(y);
    const double r = AC_FMA(x, l.hi, x * l.lo);
    return x == 0.0 ? 0.0 : r;
}

#if AC_HAS_FMA
/* log(y) with what rounding took from its sum. */
AC_INLINE float ac_xlogyf_fast(float x, float y)
{
    const ac_logf_parts parts = ac_logf_split(y);
    const float near = ac_logf_near_one(parts.f), hi = AC_FMAF(parts.k, AC_LOGF_LN2, near);
    const float lo = AC_FMAF(parts.k, AC_LOGF_LN2, -hi) + near, r = AC_FMAF(x, hi, x * lo);
    return x == 0.0f ? 0.0f : r;
}
#else
AC_INLINE float ac_xlogyf_fast(float x, float y)
{
    const double r = x * ac_logf_double(y);
    return (float)(x == 0.0f ? 0.0 : r);
}
#endif

/* scipy.special says nothing of poles, overflow, or infinity times the logarithm of 1. */
AC_NOINLINE double ac_xlogy_slow(double x, double y)
{
    const ac_flags flags = ac_take_flags();
    volatile double r = x == 0.0 && y == y ? 0.0 : x * log(y);
    ac_put_flags(flags);
    return r;
}

AC_NOINLINE float ac_xlogyf_slow(float x, float y)
{
    const ac_flags flags = ac_take_flags();
    volatile float r = x == 0.0f && y == y ? 0.0f : (float)((double)x * log((double)y));
    ac_put_flags(flags);
    return r;
}

#define AC_XLOGY_SPECIAL(x, y) (!(fabs(x) <= 1e305 && (y) >= 0x1p-1022 && (y) <= 1.7976931348623157e308))
#define AC_XLOGY_SPECIAL_F(x, y) (!((fabsf(x) <= 1e36f) & ((y) >= 0x1p-126f) & ((y) <= 3.40282347e38f)))
AC_MATH_2(ac_xlogy_f64, double, uint64_t, ac_xlogy_fast, AC_XLOGY_SPECIAL, ac_xlogy_slow)
AC_MATH_2(ac_xlogy_f32, float, uint32_t, ac_xlogyf_fast, AC_XLOGY_SPECIAL_F, ac_xlogyf_slow)

#define AC_LIST_MATH_XLOGY \
    AC_MATH_ENTRY_2(xlogy, f, ac_xlogy_f32, AC_LEVEL == 4 ? 0.29 : 0.44, 1) \
    AC_MATH_ENTRY_2(xlogy, d, ac_xlogy_f64, AC_LEVEL == 4 ? 1.15 : 1.7, 1)

#endif
