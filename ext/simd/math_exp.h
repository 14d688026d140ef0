/* exp, exp2, expm1.
 *
 * All take 2^k (1 + r + q) with |r| <= log(2) / 2 and q a polynomial's value plus what rounding took from r. */
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

/* 2^k, |k| < 1023. */
AC_INLINE double ac_exp_power(double shifted)
{
    return ac_from_bits((ac_bits(shifted) << 52) + 0x3ff0000000000000u);
}

/* Special beyond 708, where the result comes near overflow or is subnormal. */
AC_INLINE double ac_exp_fast(double x) { return ac_exp_join(ac_exp_split(x)); }
#define AC_EXP_SPECIAL(x) (!(fabs(x) <= 708.0))
AC_MATH_1(ac_exp_f64, double, uint64_t, ac_exp_fast, AC_EXP_SPECIAL, exp)

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
#define AC_EXP2_SPECIAL(x) (!(fabs(x) <= 1021.0))
AC_MATH_1(ac_exp2_f64, double, uint64_t, ac_exp2_fast, AC_EXP2_SPECIAL, exp2)

/* (2^k - 1) + 2^k (exp(r) - 1), summed exactly but for the last addition. */
AC_INLINE double ac_expm1_fast(double x)
{
    const double bounded = x < -40.0 ? -40.0 : x; /* expm1(-40) is -1 */
    const ac_exp_parts e = ac_exp_reduce(bounded);
    const double power = ac_exp_power(e.shifted);
    const ac_dd m = ac_exp_less_one(e.r, e.q), whole = ac_two_sum(power, -1.0);
    const ac_dd sum = ac_two_sum(whole.hi, power * m.hi);
    const double y = sum.hi + (sum.lo + AC_FMA(power, m.lo, whole.lo));
    return fabs(x) < 0x1p-54 ? x : y;
}
#define AC_EXPM1_SPECIAL(x) (!((x) <= 708.0))
AC_MATH_1(ac_expm1_f64, double, uint64_t, ac_expm1_fast, AC_EXPM1_SPECIAL, expm1)

/* --- float32, through float64 --- */

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

AC_INLINE float ac_expf_fast(float x) { return (float)ac_exp_join(ac_expf_split(x)); }
#define AC_EXPF_SPECIAL(x) (!(fabsf(x) <= 87.0f))
AC_MATH_1(ac_exp_f32, float, uint32_t, ac_expf_fast, AC_EXPF_SPECIAL, expf)

AC_INLINE float ac_exp2f_fast(float x)
{
    ac_exp_parts e;
    e.shifted = x + AC_ROUND;
    e.r = (x - (e.shifted - AC_ROUND)) * AC_LN2;
    e.q = ac_expf_rest(e.r);
    return (float)ac_exp_join(e);
}
#define AC_EXP2F_SPECIAL(x) (!(fabsf(x) <= 125.0f))
AC_MATH_1(ac_exp2_f32, float, uint32_t, ac_exp2f_fast, AC_EXP2F_SPECIAL, exp2f)

AC_INLINE float ac_expm1f_fast(float x)
{
    const float bounded = x < -20.0f ? -20.0f : x;
    const ac_exp_parts e = ac_expf_split(bounded);
    const double power = ac_exp_power(e.shifted);
    const float y = (float)((power - 1.0) + power * (e.r + e.q));
    return fabsf(x) < 0x1p-26f ? x : y;
}
#define AC_EXPM1F_SPECIAL(x) (!((x) <= 87.0f))
AC_MATH_1(ac_expm1_f32, float, uint32_t, ac_expm1f_fast, AC_EXPM1F_SPECIAL, expm1f)

#define AC_LIST_MATH_EXP \
    AC_MATH_ENTRY_1(exp, d, ac_exp_f64, AC_LEVEL == 4 ? 0.65 : 0.85, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(exp, f, ac_exp_f32, AC_LEVEL == 4 ? 0.43 : 0.57, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(exp2, d, ac_exp2_f64, AC_LEVEL == 4 ? 0.65 : 0.8, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(exp2, f, ac_exp2_f32, AC_LEVEL == 4 ? 0.5 : 0.6, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(expm1, d, ac_expm1_f64, AC_LEVEL == 4 ? 1.25 : 1.75, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(expm1, f, ac_expm1_f32, AC_LEVEL == 4 ? 0.57 : 0.85, AC_LEVEL == 3)

#endif
