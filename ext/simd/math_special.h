/* What the special functions share: exp with its 1 left out, log in two parts, and a C function called in silence. */
#ifndef ALLCORES_MATH_SPECIAL_H
#define ALLCORES_MATH_SPECIAL_H

#include "mathematics.h"
#include "math_special_coefficients.h"

/* f(x) with no floating-point flag raised: scipy.special's functions raise none at poles and in underflow. */
#define AC_QUIET_1(NAME, T, CALL) \
    AC_NOINLINE T NAME(T x) \
    { \
        const ac_flags flags = ac_take_flags(); \
        const volatile T r = CALL; \
        ac_put_flags(flags); \
        return r; \
    }

/* exp(x + tail) = scale (1 + rest), for |x| <= 708 and a tail of some units in the last place of x. */
typedef struct {
    double scale, rest;
} ac_scaled;

AC_INLINE ac_scaled ac_special_exp(double x, double tail)
{
    const double shifted = AC_FMA(x, AC_S_LOG2_E, AC_ROUND), k = shifted - AC_ROUND;
    const double r = AC_FMA(k, -AC_S_LN2_LO, AC_FMA(k, -AC_S_LN2_HI, x)) + tail;
    ac_scaled found;
    double p = AC_S_EXP_P9;
    p = AC_FMA(p, r, AC_S_EXP_P8);
    p = AC_FMA(p, r, AC_S_EXP_P7);
    p = AC_FMA(p, r, AC_S_EXP_P6);
    p = AC_FMA(p, r, AC_S_EXP_P5);
    p = AC_FMA(p, r, AC_S_EXP_P4);
    p = AC_FMA(p, r, AC_S_EXP_P3);
    p = AC_FMA(p, r, AC_S_EXP_P2);
    p = AC_FMA(p, r, AC_S_EXP_P1);
    p = AC_FMA(p, r, AC_S_EXP_P0);
    found.rest = AC_FMA(r * r, p, r);
    found.scale = ac_from_bits((ac_bits(shifted) << 52) + ((uint64_t)1023 << 52));
    return found;
}

/* exp(x) for float32 results, |x| <= 708. */
AC_INLINE double ac_special_expf(double x)
{
    const double shifted = AC_FMA(x, AC_S_LOG2_E, AC_ROUND), k = shifted - AC_ROUND;
    const double r = AC_FMA(k, -AC_S_LN2_LO, AC_FMA(k, -AC_S_LN2_HI, x));
    double p = AC_S_EXPF_P5;
    p = AC_FMA(p, r, AC_S_EXPF_P4);
    p = AC_FMA(p, r, AC_S_EXPF_P3);
    p = AC_FMA(p, r, AC_S_EXPF_P2);
    p = AC_FMA(p, r, AC_S_EXPF_P1);
    p = AC_FMA(p, r, AC_S_EXPF_P0);
    p = 1.0 + AC_FMA(r * r, p, r);
    return ac_from_bits(ac_bits(p) + (ac_bits(shifted) << 52));
}

/* x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), of a normal positive x. */
typedef struct {
    double k, f;
} ac_parts;

#define AC_SQRT_HALF_BITS ((uint64_t)0x3fe6a09e << 32)

AC_INLINE ac_parts ac_special_parts(double x)
{
    const uint64_t above = ac_bits(x) - AC_SQRT_HALF_BITS + ((uint64_t)1023 << 52);
    ac_parts found;
    found.k = ac_from_bits(above >> 52 | (uint64_t)0x433 << 52) - (0x1p52 + 1023.0);
    found.f = ac_from_bits((above & (((uint64_t)1 << 52) - 1)) + AC_SQRT_HALF_BITS) - 1.0;
    return found;
}

/* k log(2) + log(1 + f) in two parts, hi the rounded sum of all but terms of third order; f = 0 with k = 0 gives 0. */
AC_INLINE ac_dd ac_special_log_parts(double k, double f)
{
    const double s = f / (2.0 + f), z = s * s, half = 0.5 * f;
    const ac_dd square = ac_two_prod(half, f), first = ac_fast_two_sum(f, -square.hi);
    const ac_dd whole = ac_two_sum(k * AC_S_LN2_HI, first.hi);
    double p = AC_S_LOG_P6;
    ac_dd found;
    p = AC_FMA(p, z, AC_S_LOG_P5);
    p = AC_FMA(p, z, AC_S_LOG_P4);
    p = AC_FMA(p, z, AC_S_LOG_P3);
    p = AC_FMA(p, z, AC_S_LOG_P2);
    p = AC_FMA(p, z, AC_S_LOG_P1);
    p = AC_FMA(p, z, AC_S_LOG_P0);
    found.hi = whole.hi;
    found.lo = whole.lo + (AC_FMA(k, AC_S_LN2_LO, first.lo - square.lo) + s * AC_FMA(p, z, square.hi));
    return found;
}

/* log(x) in two parts, x normal and positive. */
AC_INLINE ac_dd ac_special_log(double x)
{
    const ac_parts parts = ac_special_parts(x);
    return ac_special_log_parts(parts.k, parts.f);
}

/* k log(2) + log(1 + f) for float32 results: relative error 1e-10 also where it is near 0. */
AC_INLINE double ac_special_log_partsf(double k, double f)
{
    const double s = f / (2.0 + f), z = s * s;
    double p = AC_S_LOGF_P3;
    p = AC_FMA(p, z, AC_S_LOGF_P2);
    p = AC_FMA(p, z, AC_S_LOGF_P1);
    p = AC_FMA(p, z, AC_S_LOGF_P0);
    return AC_FMA(k, AC_S_LN2_HI, AC_FMA(k, AC_S_LN2_LO, s * AC_FMA(p, z, 2.0)));
}

AC_INLINE double ac_special_logf(double x)
{
    const ac_parts parts = ac_special_parts(x);
    return ac_special_log_partsf(parts.k, parts.f);
}

#endif
