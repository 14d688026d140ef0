/* log, log2, log10, log1p.
 *
 * float64: x = 2^k m with m from sqrt(1/2) to sqrt(2), f = m - 1 and log(m) = 2 atanh(s / 2), s = f / (1 + f / 2): s is
 * taken with the rest of its division, and the series' remainder is small beside it, so that the sum has some 58 bits.
 * float32: a polynomial of f, in float32 arithmetic where there is FMA. */
#ifndef ALLCORES_MATH_LOG_H
#define ALLCORES_MATH_LOG_H

#include "mathematics.h"
#include "math_exp_coefficients.h"
#include "math_log_coefficients.h"

#define AC_LOG_ONE 0x3ff0000000000000u
#define AC_LOG_ROOT 0x3fe6a09e667f3bcdu /* sqrt(1/2) */
#define AC_LOG_MANTISSA 0x000fffffffffffffu

/* x = 2^k m; also k + 1023 in the exponent's place. */
typedef struct {
    double m, k;
    uint64_t exponent;
} ac_log_parts;

/* Of a positive normal number. */
AC_INLINE ac_log_parts ac_log_split(double x)
{
    ac_log_parts p;
    const uint64_t u = ac_bits(x) + (AC_LOG_ONE - AC_LOG_ROOT);
    p.m = ac_from_bits((u & AC_LOG_MANTISSA) + AC_LOG_ROOT);
    p.k = ac_from_bits((u >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    p.exponent = u & ~AC_LOG_MANTISSA;
    return p;
}

/* a - b * c, where that is exact. */
AC_INLINE double ac_residual(double a, double b, double c)
{
#if AC_HAS_FMA
    return AC_FMA(-b, c, a);
#else
    const ac_dd p = ac_two_prod(b, c);
    return (a - p.hi) - p.lo;
#endif
}

/* 2 atanh(s / 2), s = n / d: s and a small rest. */
AC_INLINE ac_dd ac_log_series(ac_dd n, ac_dd d)
{
    ac_dd r;
    const double inverse = 1.0 / d.hi, s = n.hi * inverse, z = s * s;
    const double s_lo = (ac_residual(n.hi, s, d.hi) + (n.lo - s * d.lo)) * inverse;
    double p = AC_LOG_P6;
    p = AC_FMA(p, z, AC_LOG_P5);
    p = AC_FMA(p, z, AC_LOG_P4);
    p = AC_FMA(p, z, AC_LOG_P3);
    p = AC_FMA(p, z, AC_LOG_P2);
    p = AC_FMA(p, z, AC_LOG_P1);
    p = AC_FMA(p, z, AC_LOG_P0);
    r.hi = s;
    r.lo = AC_FMA(s * z, p, s_lo);
    return r;
}

/* log(1 + f + f_lo), f from sqrt(1/2) - 1 to sqrt(2) - 1. */
AC_INLINE ac_dd ac_log_of(double f, double f_lo)
{
    ac_dd n, d;
    n.hi = f;
    n.lo = f_lo;
    d.hi = 1.0 + 0.5 * f;
    d.lo = 0.5 * f - (d.hi - 1.0) + 0.5 * f_lo;
    return ac_log_series(n, d);
}

/* k log 2 + r, rounded once. */
AC_INLINE double ac_log_join(double k, ac_dd r)
{
    const ac_dd sum = ac_fast_two_sum(k * AC_LN2_HI, r.hi);
    return sum.hi + (sum.lo + AC_FMA(k, AC_LN2_LO, r.lo));
}

/* log(x.hi + x.lo) + k log 2 for x.hi >= 0.5, to full relative accuracy near 1. */
AC_INLINE double ac_log_dd(ac_dd x, double k)
{
    const ac_log_parts p = ac_log_split(x.hi);
    const double scale = ac_from_bits(0x7fe0000000000000u - p.exponent); /* 2^-k */
    const double c = x.hi > 0x1p60 ? 0.0 : x.lo * scale;
    const ac_dd f = ac_fast_two_sum(p.m - 1.0, c);
    return ac_log_join(p.k + k, ac_log_of(f.hi, f.lo));
}

/* Special: subnormal, 0, negative, infinite, NaN. */
#define AC_LOG_SPECIAL(x) (!(((x) >= 0x1p-1022) & ((x) <= 0x1.fffffffffffffp1023)))

AC_INLINE double ac_log_fast(double x)
{
    const ac_log_parts p = ac_log_split(x);
    return ac_log_join(p.k, ac_log_of(p.m - 1.0, 0.0));
}
AC_MATH_1(ac_log_f64, double, uint64_t, ac_log_fast, AC_LOG_SPECIAL, log)

AC_INLINE double ac_log2_fast(double x)
{
    const ac_log_parts p = ac_log_split(x);
    const ac_dd r = ac_log_of(p.m - 1.0, 0.0), t = ac_two_prod(r.hi, AC_LOG2_E), sum = ac_fast_two_sum(p.k, t.hi);
    return sum.hi + (sum.lo + AC_FMA(r.lo, AC_LOG2_E, AC_FMA(r.hi, AC_LOG2_E_REST, t.lo)));
}
AC_MATH_1(ac_log2_f64, double, uint64_t, ac_log2_fast, AC_LOG_SPECIAL, log2)

AC_INLINE double ac_log10_fast(double x)
{
    const ac_log_parts p = ac_log_split(x);
    const ac_dd r = ac_log_of(p.m - 1.0, 0.0), t = ac_two_prod(r.hi, AC_LOG10_E);
    const ac_dd sum = ac_fast_two_sum(p.k * AC_LOG10_2_HI, t.hi);
    const double rest = AC_FMA(r.lo, AC_LOG10_E, AC_FMA(r.hi, AC_LOG10_E_REST, t.lo));
    return sum.hi + (sum.lo + AC_FMA(p.k, AC_LOG10_2_LO, rest));
}
AC_MATH_1(ac_log10_f64, double, uint64_t, ac_log10_fast, AC_LOG_SPECIAL, log10)

AC_INLINE double ac_log1p_fast(double x)
{
    const double y = ac_log_dd(ac_two_sum(1.0, x), 0.0);
    return fabs(x) < 0x1p-54 ? x : y;
}
#define AC_LOG1P_SPECIAL(x) (!(((x) > -1.0) & ((x) <= 0x1.fffffffffffffp1023)))
AC_MATH_1(ac_log1p_f64, double, uint64_t, ac_log1p_fast, AC_LOG1P_SPECIAL, log1p)

/* --- float32 results through float64 --- */

/* 2 atanh(n / 2d), to some 30 bits. */
AC_INLINE double ac_logf_series(double n, double d)
{
    const double s = n / d, z = s * s;
    double p = AC_LOGF_P3;
    p = AC_FMA(p, z, AC_LOGF_P2);
    p = AC_FMA(p, z, AC_LOGF_P1);
    p = AC_FMA(p, z, AC_LOGF_P0);
    return AC_FMA(s * z, p, s);
}

/* log(m) */
AC_INLINE double ac_logf_of(double m) { return ac_logf_series(m - 1.0, AC_FMA(m, 0.5, 0.5)); }

AC_INLINE double ac_logf_double(double x)
{
    const ac_log_parts p = ac_log_split(x);
    return AC_FMA(p.k, AC_LN2, ac_logf_of(p.m));
}

/* --- float32 --- */

#if AC_HAS_FMA

/* x = 2^k (1 + f), 1 + f from sqrt(1/2) to sqrt(2); k times 2^23 saves a shift. Where k log 2 and log(1 + f) have sums
 * smaller than both these are exact, so that rounding log(1 + f) to a float does no harm. */
typedef struct {
    float f, k;
} ac_logf_parts;

#define AC_LOGF_ROOT 0x3f3504f3u /* sqrt(1/2) */
#define AC_LOGF_EXPONENT 0xff800000u

/* Of a positive normal number. */
AC_INLINE ac_logf_parts ac_logf_split(float x)
{
    ac_logf_parts p;
    const uint32_t k = (ac_bitsf(x) - AC_LOGF_ROOT) & AC_LOGF_EXPONENT;
    p.k = (float)(int32_t)k;
    p.f = ac_from_bitsf(ac_bitsf(x) - k) - 1.0f;
    return p;
}

/* Special: subnormal, 0, negative, infinite, NaN. */
#define AC_LOGF_KEY(x) (ac_bitsf(x) - 0x00800000u)
#define AC_LOGF_LAST 0x7effffffu

#define AC_LOGF_LN2 (AC_LN2_SINGLE * 0x1p-23f)

/* log(1 + f) */
AC_INLINE float ac_logf_near_one(float f)
{
    const float z = f * f;
    float p = AC_FMAF(f, AC_LOG_SINGLE_P8, AC_LOG_SINGLE_P7);
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG_SINGLE_P6, AC_LOG_SINGLE_P5));
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG_SINGLE_P4, AC_LOG_SINGLE_P3));
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG_SINGLE_P2, AC_LOG_SINGLE_P1));
    p = AC_FMAF(p, f, AC_LOG_SINGLE_P0);
    return AC_FMAF(z, p, f);
}

/* Error 0.9 ULP. */
AC_INLINE float ac_logf_fast(float x)
{
    const ac_logf_parts parts = ac_logf_split(x);
    return AC_FMAF(parts.k, AC_LOGF_LN2, ac_logf_near_one(parts.f));
}

/* Error 0.97 ULP; log10's 0.92. */
AC_INLINE float ac_log2f_fast(float x)
{
    const ac_logf_parts parts = ac_logf_split(x);
    const float f = parts.f, z = f * f;
    float p = AC_FMAF(f, AC_LOG2_SINGLE_P8, AC_LOG2_SINGLE_P7);
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG2_SINGLE_P6, AC_LOG2_SINGLE_P5));
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG2_SINGLE_P4, AC_LOG2_SINGLE_P3));
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG2_SINGLE_P2, AC_LOG2_SINGLE_P1));
    p = AC_FMAF(p, f, AC_LOG2_SINGLE_P0);
    return AC_FMAF(parts.k, 0x1p-23f, AC_FMAF(f, AC_LOG2_E_SINGLE, AC_FMAF(z, p, f * AC_LOG2_E_SINGLE_REST)));
}

AC_INLINE float ac_log10f_fast(float x)
{
    const ac_logf_parts parts = ac_logf_split(x);
    const float f = parts.f, z = f * f;
    float p = AC_FMAF(f, AC_LOG10_SINGLE_P8, AC_LOG10_SINGLE_P7);
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG10_SINGLE_P6, AC_LOG10_SINGLE_P5));
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG10_SINGLE_P4, AC_LOG10_SINGLE_P3));
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG10_SINGLE_P2, AC_LOG10_SINGLE_P1));
    p = AC_FMAF(p, f, AC_LOG10_SINGLE_P0);
    p = AC_FMAF(z, p, AC_FMAF(parts.k, AC_LOG10_2_SINGLE_REST * 0x1p-23f, f * AC_LOG10_E_SINGLE_REST));
    return AC_FMAF(parts.k, AC_LOG10_2_SINGLE * 0x1p-23f, AC_FMAF(f, AC_LOG10_E_SINGLE, p));
}

/* 1 + x = 2^k (1 + f), f from -1/4 to 1/2: for these f is exact, if k = 0 wherever 1 + x rounds to 3/4 or 3/2.
 * With -k in place of k, and 1 - 2^-k in place of 2^-k - 1, -0 stays -0. Error 0.96 ULP. */
AC_INLINE float ac_log1pf_fast(float x)
{
    const uint32_t beyond = 0x3f400001u - (ac_bitsf(x) >> 31) + 0x007fffffu;
    const uint32_t minus_k = (beyond - ac_bitsf(1.0f + x)) & AC_LOGF_EXPONENT;
    const float scale = ac_from_bitsf(0x3f800000u + minus_k), f = AC_FMAF(x, scale, -(1.0f - scale)), z = f * f;
    float p = AC_FMAF(f, AC_LOG1P_SINGLE_P8, AC_LOG1P_SINGLE_P7);
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG1P_SINGLE_P6, AC_LOG1P_SINGLE_P5));
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG1P_SINGLE_P4, AC_LOG1P_SINGLE_P3));
    p = AC_FMAF(p, z, AC_FMAF(f, AC_LOG1P_SINGLE_P2, AC_LOG1P_SINGLE_P1));
    p = AC_FMAF(p, f, AC_LOG1P_SINGLE_P0);
    return AC_FMAF((float)(int32_t)minus_k, -AC_LN2_SINGLE * 0x1p-23f, AC_FMAF(z, p, f));
}
/* As log's for 1 + x, and beyond 2^126, where 2^-k is subnormal. */
#define AC_LOG1PF_KEY(x) (ac_bitsf(1.0f + (x)) - 0x00800000u)
#define AC_LOG1PF_LAST 0x7dffffffu

#else /* through float64 */

/* Special: 0, negative, infinite, NaN; subnormals are normal as float64. */
#define AC_LOGF_KEY(x) (ac_bitsf(x) - 1u)
#define AC_LOGF_LAST 0x7f7ffffeu

AC_INLINE float ac_logf_fast(float x) { return (float)ac_logf_double(x); }

AC_INLINE float ac_log2f_fast(float x)
{
    const ac_log_parts p = ac_log_split(x);
    return (float)AC_FMA(ac_logf_of(p.m), AC_LOG2_E, p.k);
}

AC_INLINE float ac_log10f_fast(float x)
{
    const ac_log_parts p = ac_log_split(x);
    return (float)AC_FMA(ac_logf_of(p.m), AC_LOG10_E, p.k * AC_LOG10_2);
}

AC_INLINE float ac_log1pf_fast(float x)
{
    const float y = (float)ac_logf_double(1.0 + x); /* the sum is exact from 2^-29 to 2^29 */
    return fabsf(x) < 0x1p-28f ? x : y;
}
#define AC_LOG1PF_KEY(x) (ac_bitsf(1.0f + (x)) - 0x00800000u)
#define AC_LOG1PF_LAST 0x7effffffu

#endif

AC_MATH_1_KEYED(ac_log_f32, float, uint32_t, ac_logf_fast, AC_LOGF_KEY, AC_LOGF_LAST, logf)
AC_MATH_1_KEYED(ac_log2_f32, float, uint32_t, ac_log2f_fast, AC_LOGF_KEY, AC_LOGF_LAST, log2f)
AC_MATH_1_KEYED(ac_log10_f32, float, uint32_t, ac_log10f_fast, AC_LOGF_KEY, AC_LOGF_LAST, log10f)
AC_MATH_1_KEYED(ac_log1p_f32, float, uint32_t, ac_log1pf_fast, AC_LOG1PF_KEY, AC_LOG1PF_LAST, log1pf)

#define AC_LIST_MATH_LOG \
    AC_MATH_ENTRY_1(log, d, ac_log_f64, AC_LEVEL == 4 ? 1.05 : 1.2, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(log, f, ac_log_f32, AC_LEVEL == 4 ? 0.22 : 0.27, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(log2, d, ac_log2_f64, AC_LEVEL == 4 ? 1.05 : 1.3, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(log2, f, ac_log2_f32, AC_LEVEL == 4 ? 0.23 : 0.29, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(log10, d, ac_log10_f64, AC_LEVEL == 4 ? 1.05 : 1.35, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(log10, f, ac_log10_f32, AC_LEVEL == 4 ? 0.24 : 0.31, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(log1p, d, ac_log1p_f64, AC_LEVEL == 4 ? 1.3 : 1.9, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(log1p, f, ac_log1p_f32, AC_LEVEL == 4 ? 0.25 : 0.31, AC_LEVEL >= 3)

#endif
