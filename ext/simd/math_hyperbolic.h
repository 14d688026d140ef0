/* sinh, cosh, tanh. The signs of the odd ones are put to the function of |x|. */
#ifndef ALLCORES_MATH_HYPERBOLIC_H
#define ALLCORES_MATH_HYPERBOLIC_H

#include "math_exp.h"
#include "math_log.h"
#include "math_hyperbolic_coefficients.h"

/* |y| with the sign of x. */
AC_INLINE double ac_sign_of(double y, double x)
{
    return ac_from_bits(ac_bits(y) | (ac_bits(x) & 0x8000000000000000u));
}

/* |x| = k log 2 + r + r_lo; cosh and sinh of k log 2 with what rounding took from them. */
typedef struct {
    double r, r_lo;
    ac_dd cosh_k, sinh_k;
} ac_hyperbolic_parts;

AC_INLINE ac_hyperbolic_parts ac_hyperbolic_split(double x)
{
    ac_hyperbolic_parts h;
    const ac_exp_parts e = ac_exp_reduce(fabs(x));
    const uint64_t k = ac_bits(e.shifted) << 52;
    const double up = ac_from_bits(0x3fe0000000000000u + k), down = ac_from_bits(0x3fe0000000000000u - k);
    h.r = e.r;
    h.r_lo = e.q;
    h.cosh_k = ac_fast_two_sum(up, down);
    h.sinh_k = ac_fast_two_sum(up, -down);
    return h;
}

/* sinh(r) - r */
AC_INLINE double ac_sinh_rest(double r, double r_lo, double z)
{
    double p = AC_SINH_P4;
    p = AC_FMA(p, z, AC_SINH_P3);
    p = AC_FMA(p, z, AC_SINH_P2);
    p = AC_FMA(p, z, AC_SINH_P1);
    p = AC_FMA(p, z, AC_SINH_P0);
    return AC_FMA(r * z, p, r_lo);
}

/* cosh(r) - 1 */
AC_INLINE double ac_cosh_rest(double z)
{
    double p = AC_COSH_P4;
    p = AC_FMA(p, z, AC_COSH_P3);
    p = AC_FMA(p, z, AC_COSH_P2);
    p = AC_FMA(p, z, AC_COSH_P1);
    p = AC_FMA(p, z, AC_COSH_P0);
    return z * AC_FMA(p, z, 0.5);
}

/* c cosh(r) + s sinh(r) */
AC_INLINE double ac_hyperbolic_sum(ac_dd c, ac_dd s, double r, double r_lo)
{
    const double z = r * r;
    const ac_dd linear = ac_two_prod(s.hi, r), sum = ac_fast_two_sum(c.hi, linear.hi);
    const double lo = (sum.lo + linear.lo) + AC_FMA(s.lo, r, c.lo);
    return sum.hi + AC_FMA(c.hi, ac_cosh_rest(z), AC_FMA(s.hi, ac_sinh_rest(r, r_lo, z), lo));
}

/* exp(x) / 2 without overflow; sinh and cosh of great arguments. */
AC_INLINE double ac_exp_half(double x)
{
    ac_exp_parts e = ac_exp_split(x);
    e.shifted -= 1.0;
    return ac_exp_join(e);
}

#define AC_SINH_LAST 0x1.633ce8fb9f87dp+9 /* greater arguments overflow */
#define AC_SINHF_LAST 0x1.65a9f8p+6f

/* Special beyond 690, where the halves of ac_two_prod come near overflow. The C library's functions err more than 1 ULP
 * near AC_SINH_LAST. */
#define AC_SINH_SPECIAL(x) (!(fabs(x) <= 690.0))

AC_INLINE int ac_up_to_sinh_last(double x) /* by bits: comparing NaN would raise a flag */
{
    return ac_bits(fabs(x)) <= ac_bits(AC_SINH_LAST);
}

AC_NOINLINE double ac_sinh_slow(double x)
{
    return ac_up_to_sinh_last(x) ? ac_sign_of(ac_exp_half(fabs(x)), x) : sinh(x);
}

AC_NOINLINE double ac_cosh_slow(double x)
{
    return ac_up_to_sinh_last(x) ? ac_exp_half(fabs(x)) : cosh(x);
}

AC_INLINE double ac_sinh_fast(double x)
{
    const ac_hyperbolic_parts h = ac_hyperbolic_split(x);
    return ac_sign_of(fabs(ac_hyperbolic_sum(h.sinh_k, h.cosh_k, h.r, h.r_lo)), x);
}
AC_MATH_1(ac_sinh_f64, double, uint64_t, ac_sinh_fast, AC_SINH_SPECIAL, ac_sinh_slow)

AC_INLINE double ac_cosh_fast(double x)
{
    const ac_hyperbolic_parts h = ac_hyperbolic_split(x);
    return ac_hyperbolic_sum(h.cosh_k, h.sinh_k, h.r, h.r_lo);
}
AC_MATH_1(ac_cosh_f64, double, uint64_t, ac_cosh_fast, AC_SINH_SPECIAL, ac_cosh_slow)

/* With exp(2x) = 2^k (1 + e): (1 - 2^-k + e) / (1 + 2^-k + e). 1 from 20 on; NaN stays NaN. */
AC_INLINE double ac_tanh_fast(double x)
{
    const double twice = 2.0 * fabs(x), bounded = twice > 40.0 ? 40.0 : twice;
    const ac_exp_parts parts = ac_exp_reduce(bounded);
    const ac_dd raw = ac_exp_less_one(parts.r, parts.q), e = ac_fast_two_sum(raw.hi, raw.lo);
    const double down = ac_from_bits(0x3ff0000000000000u - (ac_bits(parts.shifted) << 52));
    const ac_dd less = ac_fast_two_sum(1.0, -down), more = ac_fast_two_sum(1.0, down);
    ac_dd n = ac_fast_two_sum(less.hi, e.hi), d = ac_fast_two_sum(more.hi, e.hi);
    double inverse, y;
    n.lo += less.lo + e.lo;
    d.lo += more.lo + e.lo;
    inverse = 1.0 / d.hi;
    y = n.hi * inverse;
    y += (ac_residual(n.hi, y, d.hi) + (n.lo - y * d.lo)) * inverse;
    return ac_sign_of(y, x);
}
#define AC_TANH_SPECIAL(x) ((void)(x), 0)
AC_MATH_1(ac_tanh_f64, double, uint64_t, ac_tanh_fast, AC_TANH_SPECIAL, tanh)

/* --- float32, through float64 --- */

/* c cosh(r) + s sinh(r) */
AC_INLINE double ac_hyperbolicf_sum(double c, double s, double r)
{
    const double z = r * r;
    double odd = AC_SINHF_P2;
    odd = AC_FMA(odd, z, AC_SINHF_P1);
    odd = AC_FMA(odd, z, AC_SINHF_P0);
    odd = AC_FMA(r * z, odd, r);
    return AC_FMA(c, AC_FMA(z, AC_FMA(z, AC_FMA(z, AC_COSHF_P1, AC_COSHF_P0), 0.5), 1.0), s * odd);
}

AC_INLINE float ac_sinhf_fast(float x)
{
    const double a = x, shifted = AC_FMA(a, AC_LOG2_E, AC_ROUND), r = AC_FMA(shifted - AC_ROUND, -AC_LN2, a);
    const uint64_t k = ac_bits(shifted) << 52;
    const double up = ac_from_bits(0x3fe0000000000000u + k), down = ac_from_bits(0x3fe0000000000000u - k);
    const float y = (float)ac_hyperbolicf_sum(up - down, up + down, r);
    return x == 0.0f ? x : y;
}
#define AC_SINHF_SPECIAL(x) (!(fabsf(x) <= AC_SINHF_LAST))
AC_MATH_1(ac_sinh_f32, float, uint32_t, ac_sinhf_fast, AC_SINHF_SPECIAL, sinhf)

AC_INLINE float ac_coshf_fast(float x)
{
    const double a = x, shifted = AC_FMA(a, AC_LOG2_E, AC_ROUND), r = AC_FMA(shifted - AC_ROUND, -AC_LN2, a);
    const uint64_t k = ac_bits(shifted) << 52;
    const double up = ac_from_bits(0x3fe0000000000000u + k), down = ac_from_bits(0x3fe0000000000000u - k);
    return (float)ac_hyperbolicf_sum(up + down, up - down, r);
}
AC_MATH_1(ac_cosh_f32, float, uint32_t, ac_coshf_fast, AC_SINHF_SPECIAL, coshf)

AC_INLINE float ac_tanhf_fast(float x)
{
    const double twice = 2.0 * fabs((double)x), bounded = twice > 20.0 ? 20.0 : twice;
    const ac_exp_parts parts = ac_expf_split(bounded);
    const double e = parts.r + parts.q, down = ac_from_bits(0x3ff0000000000000u - (ac_bits(parts.shifted) << 52));
    return (float)ac_sign_of(((1.0 - down) + e) / ((1.0 + down) + e), x);
}
AC_MATH_1(ac_tanh_f32, float, uint32_t, ac_tanhf_fast, AC_TANH_SPECIAL, tanhf)

#define AC_LIST_MATH_HYPERBOLIC \
    AC_MATH_ENTRY_1(sinh, d, ac_sinh_f64, AC_LEVEL == 4 ? 0.9 : 1.3, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(sinh, f, ac_sinh_f32, AC_LEVEL == 4 ? 0.5 : 0.8, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(cosh, d, ac_cosh_f64, AC_LEVEL == 4 ? 0.95 : 1.2, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(cosh, f, ac_cosh_f32, AC_LEVEL == 4 ? 0.57 : 0.72, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(tanh, d, ac_tanh_f64, AC_LEVEL == 4 ? 1.9 : 2.3, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(tanh, f, ac_tanh_f32, AC_LEVEL == 4 ? 0.75 : 1.0, AC_LEVEL == 3)

#endif
