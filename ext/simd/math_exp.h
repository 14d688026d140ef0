/* exp, exp2, expm1.
 *
 * All take 2^k (1 + r + q) with |r| <= log(2) / 2 and q a polynomial's value, plus what rounding took from r where that
 * counts. float32 has the same in its own arithmetic; without fused multiply-add it goes through float64. */
#ifndef ALLCORES_MATH_EXP_H
#define ALLCORES_MATH_EXP_H

#include "mathematics.h"
#include "math_exp_coefficients.h"

/* exp(x) = 2^k (1 + r + q): `shifted` is k + AC_ROUND. */
typedef struct {
    double shifted, r, q;
} ac_exp_parts;

/* (exp(r) - 1 - r - r^2 / 2) / r^3 */
AC_INLINE double ac_exp_series(double r)
{
    double p = AC_EXP_P8;
    p = AC_FMA(p, r, AC_EXP_P7);
    p = AC_FMA(p, r, AC_EXP_P6);
    p = AC_FMA(p, r, AC_EXP_P5);
    p = AC_FMA(p, r, AC_EXP_P4);
    p = AC_FMA(p, r, AC_EXP_P3);
    p = AC_FMA(p, r, AC_EXP_P2);
    p = AC_FMA(p, r, AC_EXP_P1);
    return AC_FMA(p, r, AC_EXP_P0);
}

/* exp(r + r_lo) - 1 - r */
AC_INLINE double ac_exp_rest(double r, double r_lo)
{
    return AC_FMA(r * r, AC_FMA(ac_exp_series(r), r, 0.5), r_lo);
}

/* |x| < 2^10; what rounding took from r is in q's place. */
AC_INLINE ac_exp_parts ac_exp_reduce(double x)
{
    ac_exp_parts e;
    double k, t;
    e.shifted = AC_FMA(x, AC_LOG2_E, AC_ROUND);
    k = e.shifted - AC_ROUND;
    t = AC_FMA(k, -AC_LN2_HI, x); /* exact: k has 11 bits, AC_LN2_HI 32 */
    e.r = AC_FMA(k, -AC_LN2_LO, t);
    e.q = AC_FMA(k, -AC_LN2_LO, t - e.r);
    return e;
}

AC_INLINE ac_exp_parts ac_exp_split(double x)
{
    ac_exp_parts e = ac_exp_reduce(x);
    e.q = ac_exp_rest(e.r, e.q);
    return e;
}

/* exp(r + r_lo) - 1 to some 60 bits. */
AC_INLINE ac_dd ac_exp_less_one(double r, double r_lo)
{
    const ac_dd square = ac_two_prod(r, 0.5 * r);
    ac_dd sum = ac_fast_two_sum(r, square.hi);
    sum.lo += AC_FMA(2.0 * r * square.hi, ac_exp_series(r), square.lo + r_lo);
    return sum;
}

/* 2^k (1 + r + q), for normal results. */
AC_INLINE double ac_exp_join(ac_exp_parts e)
{
    return ac_from_bits(ac_bits(1.0 + (e.r + e.q)) + (ac_bits(e.shifted) << 52));
}

/* 2^k and 2^-k, |k| < 1023. */
AC_INLINE double ac_exp_power(double shifted)
{
    return ac_from_bits((ac_bits(shifted) << 52) + 0x3ff0000000000000u);
}

AC_INLINE double ac_exp_inverse_power(double shifted)
{
    return ac_from_bits(0x3ff0000000000000u - (ac_bits(shifted) << 52));
}

/* exp(r) - 1, to half a unit in the last place of r and what was taken from that. */
AC_INLINE double ac_exp_less_one_of(double r)
{
    return AC_FMA(r * r, AC_FMA(ac_exp_series(r), r, 0.5), r);
}

/* Special beyond 708, where the result comes near overflow or is subnormal. What rounding takes from r is within
 * 1/4 ULP; monotonic, which 1 + r (1 + r (...)) is not. */
AC_INLINE double ac_exp_fast(double x)
{
    const ac_exp_parts e = ac_exp_reduce(x);
    return ac_from_bits(ac_bits(1.0 + ac_exp_less_one_of(e.r)) + (ac_bits(e.shifted) << 52));
}
AC_MATH_1_WITHIN(ac_exp_f64, double, uint64_t, ac_exp_fast, 708.0, exp)

#if AC_HAS_FMA

AC_INLINE double ac_exp2_fast(double x)
{
    const double shifted = x + AC_ROUND, f = x - (shifted - AC_ROUND);
    double p = AC_EXP2_P10;
    p = AC_FMA(p, f, AC_EXP2_P9);
    p = AC_FMA(p, f, AC_EXP2_P8);
    p = AC_FMA(p, f, AC_EXP2_P7);
    p = AC_FMA(p, f, AC_EXP2_P6);
    p = AC_FMA(p, f, AC_EXP2_P5);
    p = AC_FMA(p, f, AC_EXP2_P4);
    p = AC_FMA(p, f, AC_EXP2_P3);
    p = AC_FMA(p, f, AC_EXP2_P2);
    p = AC_FMA(p, f, AC_EXP2_P1);
    p = AC_FMA(p, f, AC_EXP2_P0);
    return ac_from_bits(ac_bits(AC_FMA(p, f, 1.0)) + (ac_bits(shifted) << 52));
}

#else

AC_INLINE double ac_exp2_fast(double x)
{
    ac_exp_parts e;
    ac_dd r;
    double f;
    e.shifted = x + AC_ROUND;
    f = x - (e.shifted - AC_ROUND);
    r = ac_two_prod(f, AC_LN2);
    e.r = r.hi;
    e.q = ac_exp_rest(r.hi, AC_FMA(f, AC_LN2_REST, r.lo));
    return ac_exp_join(e);
}

#endif

AC_MATH_1_WITHIN(ac_exp2_f64, double, uint64_t, ac_exp2_fast, 1021.0, exp2)

/* 2^k (1 - 2^-k + t + q), t + q = exp(r) - 1 with t exact; the sums lose nothing but by the last addition. */
AC_INLINE double ac_expm1_fast(double x)
{
    const double shifted = AC_FMA(x, AC_LOG2_E, AC_ROUND), k = shifted - AC_ROUND;
    const double t = AC_FMA(k, -AC_LN2_HI, x), r = AC_FMA(k, -AC_LN2_LO, t);
    const double down = ac_exp_inverse_power(shifted), c = 1.0 - down, lost = (1.0 - c) - down;
    const double hi = c + t, lo = (t - (hi - c)) + AC_FMA(k, -AC_LN2_LO, lost);
    const double r_lo = AC_FMA(k, -AC_LN2_LO, t - r);
    double p = AC_EXPM1_P9;
    p = AC_FMA(p, r, AC_EXPM1_P8);
    p = AC_FMA(p, r, AC_EXPM1_P7);
    p = AC_FMA(p, r, AC_EXPM1_P6);
    p = AC_FMA(p, r, AC_EXPM1_P5);
    p = AC_FMA(p, r, AC_EXPM1_P4);
    p = AC_FMA(p, r, AC_EXPM1_P3);
    p = AC_FMA(p, r, AC_EXPM1_P2);
    p = AC_FMA(p, r, AC_EXPM1_P1);
    p = AC_FMA(p, r, AC_EXPM1_P0);
    p = hi + AC_FMA(r * r, AC_FMA(p, r, 0.5), AC_FMA(r, r_lo, lo));
    return ac_from_bits((ac_bits(p) + (ac_bits(shifted) << 52)) | (ac_bits(x) & 0x8000000000000000u));
}
AC_MATH_1_WITHIN(ac_expm1_f64, double, uint64_t, ac_expm1_fast, 708.0, expm1)

/* --- float32 --- */

#if AC_HAS_FMA

/* exp(x) = 2^k (1 + r + q): `shifted` is k + AC_ROUNDF. */
typedef struct {
    float shifted, r, q;
} ac_exp_single;

/* exp(r) = 1 + r + r^2 p, p to some 2^-28 of the result. */
AC_INLINE float ac_exp_single_series(float r)
{
    float p = AC_EXP_SINGLE_P4;
    p = AC_FMAF(p, r, AC_EXP_SINGLE_P3);
    p = AC_FMAF(p, r, AC_EXP_SINGLE_P2);
    p = AC_FMAF(p, r, AC_EXP_SINGLE_P1);
    return AC_FMAF(p, r, AC_EXP_SINGLE_P0);
}

/* |x| < 2^7; what rounding took from r is in q's place: who does not read it does not pay for it. */
AC_INLINE ac_exp_single ac_exp_single_reduce(float x)
{
    ac_exp_single e;
    float k, t;
    e.shifted = AC_FMAF(x, AC_LOG2_EF, AC_ROUNDF);
    k = e.shifted - AC_ROUNDF;
    t = AC_FMAF(k, -AC_LN2F_HI, x); /* exact: below 1/2, and of whole 2^-25 where k is not 0 */
    e.r = AC_FMAF(k, -AC_LN2F_LO, t);
    e.q = AC_FMAF(k, -AC_LN2F_LO, t - e.r);
    return e;
}

/* 2^k (1 + sum), for normal results. */
AC_INLINE float ac_exp_single_join(float shifted, float sum)
{
    return ac_from_bitsf(ac_bitsf(1.0f + sum) + (ac_bitsf(shifted) << 23));
}

/* 2^k, |k| < 127. */
AC_INLINE float ac_exp_single_power(float shifted)
{
    return ac_from_bitsf((ac_bitsf(shifted) << 23) + 0x3f800000u);
}

/* 2^-k */
AC_INLINE float ac_exp_single_inverse_power(float shifted)
{
    return ac_from_bitsf(0x3f800000u - (ac_bitsf(shifted) << 23));
}

/* Monotonic, which 1 + r (1 + r (...)) is not. What rounding takes from r is within 1/4 ULP. */
AC_INLINE float ac_expf_fast(float x)
{
    const ac_exp_single e = ac_exp_single_reduce(x);
    return ac_exp_single_join(e.shifted, AC_FMAF(e.r * e.r, ac_exp_single_series(e.r), e.r));
}

AC_INLINE float ac_exp2f_fast(float x)
{
    const float shifted = x + AC_ROUNDF, f = x - (shifted - AC_ROUNDF);
    float p = AC_EXP2_SINGLE_P5;
    p = AC_FMAF(p, f, AC_EXP2_SINGLE_P4);
    p = AC_FMAF(p, f, AC_EXP2_SINGLE_P3);
    p = AC_FMAF(p, f, AC_EXP2_SINGLE_P2);
    p = AC_FMAF(p, f, AC_EXP2_SINGLE_P1);
    p = AC_FMAF(p, f, AC_EXP2_SINGLE_P0);
    return ac_from_bitsf(ac_bitsf(AC_FMAF(p, f, 1.0f)) + (ac_bitsf(shifted) << 23));
}

/* 2^k (1 - 2^-k + t + q), t + q = exp(r) - 1 with t exact; the sums lose nothing but by the last addition. */
AC_INLINE float ac_expm1f_fast(float x)
{
    const float shifted = AC_FMAF(x, AC_LOG2_EF, AC_ROUNDF), k = shifted - AC_ROUNDF;
    const float t = AC_FMAF(k, -AC_LN2F_HI, x), r = AC_FMAF(k, -AC_LN2F_LO, t);
    const float down = ac_exp_single_inverse_power(shifted), c = 1.0f - down, lost = (1.0f - c) - down;
    const float hi = c + t, lo = (t - (hi - c)) + AC_FMAF(k, -AC_LN2F_LO, lost);
    float p = AC_EXPM1_SINGLE_P5;
    p = AC_FMAF(p, r, AC_EXPM1_SINGLE_P4);
    p = AC_FMAF(p, r, AC_EXPM1_SINGLE_P3);
    p = AC_FMAF(p, r, AC_EXPM1_SINGLE_P2);
    p = AC_FMAF(p, r, AC_EXPM1_SINGLE_P1);
    p = AC_FMAF(p, r, AC_EXPM1_SINGLE_P0);
    p = hi + AC_FMAF(r * r, p, lo);
    return ac_from_bitsf((ac_bitsf(p) + (ac_bitsf(shifted) << 23)) | (ac_bitsf(x) & 0x80000000u));
}

#endif

/* Through float64. */

/* exp(r) - 1 - r */
AC_INLINE double ac_expf_rest(double r)
{
    double p = AC_EXPF_P5;
    p = AC_FMA(p, r, AC_EXPF_P4);
    p = AC_FMA(p, r, AC_EXPF_P3);
    p = AC_FMA(p, r, AC_EXPF_P2);
    p = AC_FMA(p, r, AC_EXPF_P1);
    p = AC_FMA(p, r, AC_EXPF_P0);
    return r * r * p;
}

/* Of exp(x), q without what rounding took from r. */
AC_INLINE ac_exp_parts ac_expf_split(double x)
{
    ac_exp_parts e;
    e.shifted = AC_FMA(x, AC_LOG2_E, AC_ROUND);
    e.r = AC_FMA(e.shifted - AC_ROUND, -AC_LN2, x);
    e.q = ac_expf_rest(e.r);
    return e;
}

#if !AC_HAS_FMA

AC_INLINE float ac_expf_fast(float x) { return (float)ac_exp_join(ac_expf_split(x)); }

AC_INLINE float ac_exp2f_fast(float x)
{
    ac_exp_parts e;
    e.shifted = x + AC_ROUND;
    e.r = (x - (e.shifted - AC_ROUND)) * AC_LN2;
    e.q = ac_expf_rest(e.r);
    return (float)ac_exp_join(e);
}

AC_INLINE float ac_expm1f_fast(float x)
{
    const float bounded = x < -20.0f ? -20.0f : x;
    const ac_exp_parts e = ac_expf_split(bounded);
    const double power = ac_exp_power(e.shifted);
    const float y = (float)((power - 1.0) + power * (e.r + e.q));
    return fabsf(x) < 0x1p-26f ? x : y;
}

#endif

AC_MATH_1_WITHIN(ac_exp_f32, float, uint32_t, ac_expf_fast, 87.0f, expf)
AC_MATH_1_WITHIN(ac_exp2_f32, float, uint32_t, ac_exp2f_fast, 125.0f, exp2f)
AC_MATH_1_WITHIN(ac_expm1_f32, float, uint32_t, ac_expm1f_fast, 87.0f, expm1f)

#define AC_LIST_MATH_EXP \
    AC_MATH_ENTRY_1(exp, d, ac_exp_f64, AC_LEVEL == 4 ? 0.47 : 0.63, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(exp, f, ac_exp_f32, AC_LEVEL == 4 ? 0.2 : 0.22, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(exp2, d, ac_exp2_f64, AC_LEVEL == 4 ? 0.44 : 0.56, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(exp2, f, ac_exp2_f32, AC_LEVEL == 4 ? 0.16 : 0.18, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(expm1, d, ac_expm1_f64, AC_LEVEL == 4 ? 0.75 : 0.98, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(expm1, f, ac_expm1_f32, AC_LEVEL == 4 ? 0.26 : 0.37, AC_LEVEL == 3)

#endif
