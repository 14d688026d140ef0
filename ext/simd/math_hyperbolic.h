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

AC_INLINE float ac_sign_off(float y, float x)
{
    return ac_from_bitsf(ac_bitsf(y) | (ac_bitsf(x) & 0x80000000u));
}

/* |x| = k log 2 + t - k AC_LN2_LO, t exact. cosh and sinh of k log 2, both without what rounding took, from up and
 * down, and what is to be added to t in sinh(r) and to 1 in cosh(r). */
typedef struct {
    double t, cosh_k, sinh_k, up, down, odd, even;
} ac_hyperbolic_parts;

AC_INLINE ac_hyperbolic_parts ac_hyperbolic_split(double x)
{
    ac_hyperbolic_parts h;
    const double a = fabs(x), shifted = AC_FMA(a, AC_LOG2_E, AC_ROUND), k = shifted - AC_ROUND;
    const uint64_t exponent = ac_bits(shifted) << 52;
    double r, z, p;
    h.t = AC_FMA(k, -AC_LN2_HI, a);
    r = AC_FMA(k, -AC_LN2_LO, h.t);
    z = r * r;
    h.up = ac_from_bits(0x3fe0000000000000u + exponent);
    h.down = ac_from_bits(0x3fe0000000000000u - exponent);
    h.cosh_k = h.up + h.down;
    h.sinh_k = h.up - h.down;
    p = AC_SINH_P4;
    p = AC_FMA(p, z, AC_SINH_P3);
    p = AC_FMA(p, z, AC_SINH_P2);
    p = AC_FMA(p, z, AC_SINH_P1);
    p = AC_FMA(p, z, AC_SINH_P0);
    h.odd = AC_FMA(r * z, p, k * -AC_LN2_LO);
    p = AC_COSH_P4;
    p = AC_FMA(p, z, AC_COSH_P3);
    p = AC_FMA(p, z, AC_COSH_P2);
    p = AC_FMA(p, z, AC_COSH_P1);
    p = AC_FMA(p, z, AC_COSH_P0);
    h.even = z * AC_FMA(p, z, 0.5);
    return h;
}

/* a * b + c in two parts, |c| >= |a * b| or 0. */
AC_INLINE ac_dd ac_fma_parts(double a, double b, double c)
{
#if AC_HAS_FMA
    ac_dd sum;
    sum.hi = AC_FMA(a, b, c);
    sum.lo = AC_FMA(a, b, c - sum.hi);
    return sum;
#else
    const ac_dd product = ac_two_prod(a, b);
    ac_dd sum = ac_two_sum(c, product.hi);
    sum.lo += product.lo;
    return sum;
#endif
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
    const ac_dd sum = ac_fma_parts(h.cosh_k, h.t, h.sinh_k);
    const double lost = (h.up - h.sinh_k) - h.down, lo = sum.lo + AC_FMA(lost, -h.t, lost);
    return ac_sign_of(sum.hi + AC_FMA(h.sinh_k, h.even, AC_FMA(h.cosh_k, h.odd, lo)), x);
}
AC_MATH_1_WITHIN(ac_sinh_f64, double, uint64_t, ac_sinh_fast, 690.0, ac_sinh_slow)

AC_INLINE double ac_cosh_fast(double x)
{
    const ac_hyperbolic_parts h = ac_hyperbolic_split(x);
    const double lost = (h.up - h.cosh_k) + h.down; /* of both, where k is great */
    const double rest = AC_FMA(h.cosh_k, h.even, AC_FMA(h.sinh_k, h.odd, AC_FMA(lost, -h.t, lost)));
#if AC_HAS_FMA
    return h.cosh_k + AC_FMA(h.sinh_k, h.t, rest);
#else
    const ac_dd sum = ac_fma_parts(h.sinh_k, h.t, h.cosh_k);
    return sum.hi + (sum.lo + rest);
#endif
}
AC_MATH_1_WITHIN(ac_cosh_f64, double, uint64_t, ac_cosh_fast, 690.0, ac_cosh_slow)

#if AC_HAS_FMA

/* Up to 1 a polynomial, beyond 1 - 2 / (1 + exp(2x)), exp(2x) = 2^k (1 + e); 1 from 20 on. NaN stays NaN. */
AC_INLINE double ac_tanh_fast(double x)
{
    const double a = fabs(x), bounded = a > 20.0 ? 20.0 : a, square = x * x;
    const ac_exp_parts parts = ac_exp_reduce(bounded + bounded);
    const double up = ac_exp_power(parts.shifted);
    const double great = 1.0 - 2.0 / AC_FMA(up, ac_exp_less_one_of(parts.r), up + 1.0);
    double p = AC_TANH_P15;
    p = AC_FMA(p, square, AC_TANH_P14);
    p = AC_FMA(p, square, AC_TANH_P13);
    p = AC_FMA(p, square, AC_TANH_P12);
    p = AC_FMA(p, square, AC_TANH_P11);
    p = AC_FMA(p, square, AC_TANH_P10);
    p = AC_FMA(p, square, AC_TANH_P9);
    p = AC_FMA(p, square, AC_TANH_P8);
    p = AC_FMA(p, square, AC_TANH_P7);
    p = AC_FMA(p, square, AC_TANH_P6);
    p = AC_FMA(p, square, AC_TANH_P5);
    p = AC_FMA(p, square, AC_TANH_P4);
    p = AC_FMA(p, square, AC_TANH_P3);
    p = AC_FMA(p, square, AC_TANH_P2);
    p = AC_FMA(p, square, AC_TANH_P1);
    p = AC_FMA(p, square, AC_TANH_P0);
    p = AC_FMA(a * square, p, a);
    return ac_sign_of(a < 1.0 ? p : great, x);
}

#else

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

#endif

#define AC_TANH_SPECIAL(x) ((void)(x), 0)
AC_MATH_1(ac_tanh_f64, double, uint64_t, ac_tanh_fast, AC_TANH_SPECIAL, tanh)

/* --- float32, through float64 --- */

#if AC_HAS_FMA

/* |x| = k log 2 + t - k AC_LN2F_LO, t exact. cosh and sinh of k log 2, both without `lost`, and what is to be added to
 * t in sinh(r) and to 1 in cosh(r). */
typedef struct {
    float t, cosh_k, sinh_k, up, down, odd, even;
} ac_hyperbolic_single;

AC_INLINE ac_hyperbolic_single ac_hyperbolic_single_split(float x)
{
    ac_hyperbolic_single h;
    const float a = fabsf(x), shifted = AC_FMAF(a, AC_LOG2_EF, AC_ROUNDF), k = shifted - AC_ROUNDF;
    const uint32_t exponent = ac_bitsf(shifted) << 23;
    float r, z;
    h.t = AC_FMAF(k, -AC_LN2F_HI, a);
    r = AC_FMAF(k, -AC_LN2F_LO, h.t);
    z = r * r;
    h.up = ac_from_bitsf(0x3f000000u + exponent);
    h.down = ac_from_bitsf(0x3f000000u - exponent);
    h.cosh_k = h.up + h.down;
    h.sinh_k = h.up - h.down;
    h.odd = AC_FMAF(r * z, AC_FMAF(z, AC_SINH_SINGLE_P1, AC_SINH_SINGLE_P0), k * -AC_LN2F_LO);
    h.even = z * AC_FMAF(z, AC_FMAF(z, AC_COSH_SINGLE_P2, AC_COSH_SINGLE_P1), AC_COSH_SINGLE_P0);
    return h;
}

AC_INLINE float ac_sinhf_fast(float x)
{
    const ac_hyperbolic_single h = ac_hyperbolic_single_split(x);
    const float lost = (h.up - h.sinh_k) - h.down, hi = AC_FMAF(h.cosh_k, h.t, h.sinh_k);
    const float lo = AC_FMAF(h.cosh_k, h.t, h.sinh_k - hi) + lost;
    return ac_sign_off(hi + AC_FMAF(h.sinh_k, h.even, AC_FMAF(h.cosh_k, h.odd, lo)), x);
}

AC_INLINE float ac_coshf_fast(float x)
{
    const ac_hyperbolic_single h = ac_hyperbolic_single_split(x);
    const float lost = (h.up - h.cosh_k) + h.down; /* where that counts, sinh_k loses nothing */
    const float rest = AC_FMAF(h.cosh_k, h.even, AC_FMAF(h.sinh_k, h.odd, lost));
    return h.cosh_k + AC_FMAF(h.sinh_k, h.t, rest);
}

#else

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

AC_INLINE float ac_coshf_fast(float x)
{
    const double a = x, shifted = AC_FMA(a, AC_LOG2_E, AC_ROUND), r = AC_FMA(shifted - AC_ROUND, -AC_LN2, a);
    const uint64_t k = ac_bits(shifted) << 52;
    const double up = ac_from_bits(0x3fe0000000000000u + k), down = ac_from_bits(0x3fe0000000000000u - k);
    return (float)ac_hyperbolicf_sum(up + down, up - down, r);
}

#endif

/* Near overflow the C library's functions of float64, which err less. */
AC_NOINLINE float ac_sinhf_slow(float x)
{
    return ac_bitsf(fabsf(x)) <= ac_bitsf(AC_SINHF_LAST) ? (float)sinh((double)x) : sinhf(x);
}

AC_NOINLINE float ac_coshf_slow(float x)
{
    return ac_bitsf(fabsf(x)) <= ac_bitsf(AC_SINHF_LAST) ? (float)cosh((double)x) : coshf(x);
}
AC_MATH_1_WITHIN(ac_sinh_f32, float, uint32_t, ac_sinhf_fast, 87.0f, ac_sinhf_slow)
AC_MATH_1_WITHIN(ac_cosh_f32, float, uint32_t, ac_coshf_fast, 87.0f, ac_coshf_slow)

#if AC_HAS_FMA

/* Up to 1 a polynomial, beyond 1 - 2 / (1 + exp(2x)), exp(2x) = 2^k (1 + z). */
AC_INLINE float ac_tanhf_fast(float x)
{
    const float a = fabsf(x), bounded = a > 10.0f ? 10.0f : a, twice = bounded + bounded, square = x * x;
    const float shifted = AC_FMAF(twice, AC_LOG2_EF, AC_ROUNDF), r = AC_FMAF(shifted - AC_ROUNDF, -AC_LN2F_HI, twice);
    const float up = ac_exp_single_power(shifted), e = AC_FMAF(r * r, ac_exp_single_series(r), r);
    const float great = 1.0f - 2.0f / AC_FMAF(up, e, up + 1.0f);
    float p = AC_TANH_SINGLE_P6;
    p = AC_FMAF(p, square, AC_TANH_SINGLE_P5);
    p = AC_FMAF(p, square, AC_TANH_SINGLE_P4);
    p = AC_FMAF(p, square, AC_TANH_SINGLE_P3);
    p = AC_FMAF(p, square, AC_TANH_SINGLE_P2);
    p = AC_FMAF(p, square, AC_TANH_SINGLE_P1);
    p = AC_FMAF(p, square, AC_TANH_SINGLE_P0);
    p = AC_FMAF(a * square, p, a);
    return ac_sign_off(a < 1.0f ? p : great, x);
}

#else

AC_INLINE float ac_tanhf_fast(float x)
{
    const double twice = 2.0 * fabs((double)x), bounded = twice > 20.0 ? 20.0 : twice;
    const ac_exp_parts parts = ac_expf_split(bounded);
    const double e = parts.r + parts.q, down = ac_from_bits(0x3ff0000000000000u - (ac_bits(parts.shifted) << 52));
    return (float)ac_sign_of(((1.0 - down) + e) / ((1.0 + down) + e), x);
}
#endif

AC_MATH_1(ac_tanh_f32, float, uint32_t, ac_tanhf_fast, AC_TANH_SPECIAL, tanhf)

#define AC_LIST_MATH_HYPERBOLIC \
    AC_MATH_ENTRY_1(sinh, d, ac_sinh_f64, AC_LEVEL == 4 ? 0.75 : 1.1, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(sinh, f, ac_sinh_f32, AC_LEVEL == 4 ? 0.3 : 0.43, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(cosh, d, ac_cosh_f64, AC_LEVEL == 4 ? 0.7 : 0.95, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(cosh, f, ac_cosh_f32, AC_LEVEL == 4 ? 0.26 : 0.38, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(tanh, d, ac_tanh_f64, AC_LEVEL == 4 ? 1.15 : 1.65, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(tanh, f, ac_tanh_f32, AC_LEVEL == 4 ? 0.36 : 0.52, AC_LEVEL == 3)

#endif
