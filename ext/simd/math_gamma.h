/* gammaln. */
#ifndef ALLCORES_MATH_GAMMA_H
#define ALLCORES_MATH_GAMMA_H

#include "mathematics.h"
#include "math_special.h"
#include "math_gamma_coefficients.h"

#if !defined(_WIN32)
double lgamma_r(double, int *); /* POSIX: no <math.h> need declare it */
#endif

/* (gammaln(2 + s) / s - slope) / s, |s| <= 1/2. */
AC_INLINE double ac_gamma_near_two(double s)
{
    double p = AC_GAMMA_P16;
    p = AC_FMA(p, s, AC_GAMMA_P15);
    p = AC_FMA(p, s, AC_GAMMA_P14);
    p = AC_FMA(p, s, AC_GAMMA_P13);
    p = AC_FMA(p, s, AC_GAMMA_P12);
    p = AC_FMA(p, s, AC_GAMMA_P11);
    p = AC_FMA(p, s, AC_GAMMA_P10);
    p = AC_FMA(p, s, AC_GAMMA_P9);
    p = AC_FMA(p, s, AC_GAMMA_P8);
    p = AC_FMA(p, s, AC_GAMMA_P7);
    p = AC_FMA(p, s, AC_GAMMA_P6);
    p = AC_FMA(p, s, AC_GAMMA_P5);
    p = AC_FMA(p, s, AC_GAMMA_P4);
    p = AC_FMA(p, s, AC_GAMMA_P3);
    p = AC_FMA(p, s, AC_GAMMA_P2);
    p = AC_FMA(p, s, AC_GAMMA_P1);
    return AC_FMA(p, s, AC_GAMMA_P0);
}

AC_INLINE double ac_gamma_near_twof(double s)
{
    double p = AC_GAMMAF_P8;
    p = AC_FMA(p, s, AC_GAMMAF_P7);
    p = AC_FMA(p, s, AC_GAMMAF_P6);
    p = AC_FMA(p, s, AC_GAMMAF_P5);
    p = AC_FMA(p, s, AC_GAMMAF_P4);
    p = AC_FMA(p, s, AC_GAMMAF_P3);
    p = AC_FMA(p, s, AC_GAMMAF_P2);
    p = AC_FMA(p, s, AC_GAMMAF_P1);
    return AC_FMA(p, s, AC_GAMMAF_P0);
}

/* Below 4.5: gammaln(2 + s) + or - log of the product of what lies between x and 2 + s, s = x - round(x), so that the
 * zeros at 1 and 2 are zeros of s. From 4.5 on Stirling's formula. One logarithm, of two parts, serves both. */
AC_INLINE double ac_gamma_argument(double x, double n)
{
    const double one = x - 1.0, two = one * (x - 2.0), both = AC_FMA(x, x, x);
    double w = n < 0.5 ? both : x;
    w = n > 1.5 ? 1.0 : w;
    w = n > 2.5 ? one : w;
    w = n > 3.5 ? two : w;
    return x >= 4.5 ? x : w;
}

AC_INLINE double ac_gammaln_fast(double x)
{
    const double n = (x + AC_ROUND) - AC_ROUND, s = x - n;
    const ac_dd l = ac_special_log(ac_gamma_argument(x, n));
    const double sign = n < 1.5 ? -1.0 : 1.0;
    const ac_dd bend = ac_two_prod(s, ac_gamma_near_two(s)), slope = ac_fast_two_sum(AC_GAMMA_SLOPE, bend.hi);
    const ac_dd product = ac_two_prod(s, slope.hi), sum = ac_two_sum(sign * l.hi, product.hi);
    const double slope_low = slope.lo + (bend.lo + AC_GAMMA_SLOPE_LO);
    const double near = sum.hi + (AC_FMA(s, slope_low, product.lo) + (sum.lo + sign * l.lo));
    const double a = x - 0.5, reciprocal = 1.0 / x, z = reciprocal * reciprocal;
    const ac_dd main = ac_two_prod(a, l.hi), less = ac_two_sum(main.hi, -x);
    double p = AC_STIRLING_P6;
    p = AC_FMA(p, z, AC_STIRLING_P5);
    p = AC_FMA(p, z, AC_STIRLING_P4);
    p = AC_FMA(p, z, AC_STIRLING_P3);
    p = AC_FMA(p, z, AC_STIRLING_P2);
    p = AC_FMA(p, z, AC_STIRLING_P1);
    p = AC_FMA(p, z, AC_STIRLING_P0);
    p = AC_FMA(p, reciprocal, AC_HALF_LOG_2_PI) + (AC_FMA(a, l.lo, main.lo) + less.lo);
    return x >= 4.5 ? less.hi + p : near;
}

/* log(x) to some 30 bits: its polynomial takes less time than a second division. */
AC_INLINE double ac_gamma_logf(double x)
{
    const ac_log_parts e = ac_log_split(x);
    const double f = e.m - 1.0, u = f * f;
    double p = AC_FMA(AC_GAMMAF_LOG10, u, AC_FMA(AC_GAMMAF_LOG9, f, AC_GAMMAF_LOG8));
    p = AC_FMA(p, u, AC_FMA(AC_GAMMAF_LOG7, f, AC_GAMMAF_LOG6));
    p = AC_FMA(p, u, AC_FMA(AC_GAMMAF_LOG5, f, AC_GAMMAF_LOG4));
    p = AC_FMA(p, u, AC_FMA(AC_GAMMAF_LOG3, f, AC_GAMMAF_LOG2));
    p = AC_FMA(p, u, AC_FMA(AC_GAMMAF_LOG1, f, AC_GAMMAF_LOG0));
    return AC_FMA(e.k, AC_LN2, AC_FMA(u, p, f));
}

AC_INLINE float ac_gammalnf_fast(float single)
{
    const double x = single, n = (x + AC_ROUND) - AC_ROUND, s = x - n;
    const double l = ac_gamma_logf(ac_gamma_argument(x, n));
    const double near = AC_FMA(s, ac_gamma_near_twof(s), n < 1.5 ? -l : l);
    const double reciprocal = 1.0 / x, z = reciprocal * reciprocal;
    double p = AC_STIRLINGF_P2;
    p = AC_FMA(p, z, AC_STIRLINGF_P1);
    p = AC_FMA(p, z, AC_STIRLINGF_P0);
    p = AC_FMA(p, reciprocal, AC_HALF_LOG_2_PI) + AC_FMA(x - 0.5, l, -x);
    return (float)(x >= 4.5 ? p : near);
}

/* Negative, tiny or huge arguments. scipy.special says nothing of poles and overflow, and has -inf at -inf. */
AC_NOINLINE double ac_gammaln_slow(double x)
{
    const ac_flags flags = ac_take_flags();
    volatile double r;
#if defined(_WIN32)
    r = lgamma(x);
#else
    int sign; /* lgamma would write to a variable that all threads share */
    r = lgamma_r(x, &sign);
#endif
    r = x < -1.7976931348623157e308 ? x : r; /* with NaN this raises a flag too */
    ac_put_flags(flags);
    return r;
}

AC_NOINLINE float ac_gammalnf_slow(float x)
{
    const ac_flags flags = ac_take_flags();
    volatile float r = (float)ac_gammaln_slow((double)x);
    ac_put_flags(flags);
    return r;
}

#define AC_GAMMALN_SPECIAL(x) (!((x) >= 0x1p-1000 && (x) <= 0x1p900))
#define AC_GAMMALN_SPECIAL_F(x) (!((x) > 0.0f && (x) <= 4.0e36f))
AC_MATH_1(ac_gammaln_f64, double, uint64_t, ac_gammaln_fast, AC_GAMMALN_SPECIAL, ac_gammaln_slow)
AC_MATH_1(ac_gammaln_f32, float, uint32_t, ac_gammalnf_fast, AC_GAMMALN_SPECIAL_F, ac_gammalnf_slow)

#define AC_LIST_MATH_GAMMA \
    AC_MATH_ENTRY_1(gammaln, f, ac_gammaln_f32, AC_LEVEL == 4 ? 1.4 : 2.3, 1) \
    AC_MATH_ENTRY_1(gammaln, d, ac_gammaln_f64, AC_LEVEL == 4 ? 3.2 : 5.0, 1)

#endif
