/* arcsinh, arccosh, arctanh. The signs of the odd ones are put to the function of |x|. */
#ifndef ALLCORES_MATH_INVERSE_HYPERBOLIC_H
#define ALLCORES_MATH_INVERSE_HYPERBOLIC_H

#include "math_hyperbolic.h"
#include "math_log.h"

/* sqrt(w.hi + w.lo) */
AC_INLINE ac_dd ac_sqrt_dd(ac_dd w)
{
    ac_dd r;
    r.hi = sqrt(w.hi);
    r.lo = (ac_residual(w.hi, r.hi, r.hi) + w.lo) / (2.0 * r.hi + 0x1p-1000); /* the last term for sqrt(0) */
    return r;
}

/* log(x + root); log(2x) where x is so large that root is x. */
AC_INLINE double ac_log_with_root(double x, ac_dd root, ac_dd sum)
{
    const int large = x > 0x1p27;
    sum.lo += root.lo;
    sum.hi = large ? x : sum.hi;
    sum.lo = large ? 0.0 : sum.lo;
    return ac_log_dd(sum, large ? 1.0 : 0.0);
}

AC_INLINE double ac_arcsinh_fast(double x)
{
    const double a = fabs(x);
    const ac_dd square = ac_two_prod(a, a);
    ac_dd w = ac_two_sum(1.0, square.hi), root;
    double y;
    w.lo += square.lo;
    root = ac_sqrt_dd(w);
    y = ac_log_with_root(a, root, ac_fast_two_sum(root.hi, a));
    y = a < 0x1p-26 ? a - a * a * a * (1.0 / 6.0) : y;
    return ac_sign_of(y, x);
}
#define AC_FINITE_SPECIAL(x) (!(fabs(x) <= 0x1.fffffffffffffp1023))
AC_MATH_1(ac_arcsinh_f64, double, uint64_t, ac_arcsinh_fast, AC_FINITE_SPECIAL, asinh)

AC_INLINE double ac_arccosh_fast(double x)
{
    const ac_dd square = ac_two_prod(x, x);
    ac_dd w = ac_fast_two_sum(square.hi, -1.0), root;
    w = ac_fast_two_sum(w.hi, w.lo + square.lo);
    root = ac_sqrt_dd(w);
    return ac_log_with_root(x, root, ac_fast_two_sum(x, root.hi));
}
#define AC_ARCCOSH_SPECIAL(x) (!(((x) >= 1.0) & ((x) <= 0x1.fffffffffffffp1023)))
AC_MATH_1(ac_arccosh_f64, double, uint64_t, ac_arccosh_fast, AC_ARCCOSH_SPECIAL, acosh)

/* The k for which p / 2^k m is nearest to 1, by their bits, in the exponent's place. */
AC_INLINE uint64_t ac_arctanh_exponent(double p, double m)
{
    return (ac_bits(p) - ac_bits(m) + 0x0008000000000000u) & ~AC_LOG_MANTISSA;
}

AC_INLINE double ac_arctanh_k(uint64_t exponent)
{
    return ac_from_bits((exponent >> 52) | 0x4330000000000000u) - 0x1p52;
}

/* With (1 + x) / (1 - x) = 2^k (1 + s / 2) / (1 - s / 2): (k log 2 + 2 atanh(s / 2)) / 2. */
AC_INLINE double ac_arctanh_fast(double x)
{
    const double a = fabs(x);
    const ac_dd p = ac_fast_two_sum(1.0, a), m = ac_fast_two_sum(1.0, -a);
    const uint64_t exponent = ac_arctanh_exponent(p.hi, m.hi);
    const double power = ac_from_bits(exponent + AC_LOG_ONE), scaled = power * m.hi, scaled_lo = power * m.lo;
    const ac_dd n = ac_two_sum(p.hi - scaled, p.lo - scaled_lo);
    ac_dd d = ac_two_sum(0.5 * p.hi, 0.5 * scaled);
    d.lo += 0.5 * (p.lo + scaled_lo);
    return ac_sign_of(0.5 * ac_log_join(ac_arctanh_k(exponent), ac_log_series(n, d)), x);
}
#define AC_ARCTANH_SPECIAL(x) (!(fabs(x) < 1.0))
AC_MATH_1(ac_arctanh_f64, double, uint64_t, ac_arctanh_fast, AC_ARCTANH_SPECIAL, atanh)

/* --- float32, through float64 --- */

AC_INLINE float ac_arcsinhf_fast(float x)
{
    const double a = fabs((double)x), square = a * a, y = ac_logf_double(a + sqrt(square + 1.0));
    return (float)ac_sign_of(a < 0x1p-9 ? a - a * square * (1.0 / 6.0) : y, x);
}
#define AC_FINITEF_SPECIAL(x) (!(fabsf(x) <= 0x1.fffffep127f))
AC_MATH_1(ac_arcsinh_f32, float, uint32_t, ac_arcsinhf_fast, AC_FINITEF_SPECIAL, asinhf)

AC_INLINE float ac_arccoshf_fast(float x)
{
    const double a = x;
    return (float)ac_logf_double(a + sqrt(a * a - 1.0));
}
#define AC_ARCCOSHF_SPECIAL(x) (!(((x) >= 1.0f) & ((x) <= 0x1.fffffep127f)))
AC_MATH_1(ac_arccosh_f32, float, uint32_t, ac_arccoshf_fast, AC_ARCCOSHF_SPECIAL, acoshf)

AC_INLINE float ac_arctanhf_fast(float x)
{
    const double a = fabs((double)x), p = 1.0 + a, m = 1.0 - a;
    const uint64_t exponent = ac_arctanh_exponent(p, m);
    const double power = ac_from_bits(exponent + AC_LOG_ONE), scaled = power * m;
    const double y = 0.5 * AC_FMA(ac_arctanh_k(exponent), AC_LN2, ac_logf_series(p - scaled, 0.5 * (p + scaled)));
    return (float)ac_sign_of(a < 0x1p-24 ? a : y, x);
}
#define AC_ARCTANHF_SPECIAL(x) (!(fabsf(x) < 1.0f))
AC_MATH_1(ac_arctanh_f32, float, uint32_t, ac_arctanhf_fast, AC_ARCTANHF_SPECIAL, atanhf)

#define AC_LIST_MATH_INVERSE_HYPERBOLIC \
    AC_MATH_ENTRY_1(arcsinh, d, ac_arcsinh_f64, AC_LEVEL == 4 ? 2.2 : 2.95, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arcsinh, f, ac_arcsinh_f32, AC_LEVEL == 4 ? 1.4 : 1.4, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arccosh, d, ac_arccosh_f64, AC_LEVEL == 4 ? 2.2 : 2.9, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arccosh, f, ac_arccosh_f32, AC_LEVEL == 4 ? 1.4 : 1.35, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arctanh, d, ac_arctanh_f64, AC_LEVEL == 4 ? 1.45 : 1.9, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arctanh, f, ac_arctanh_f32, AC_LEVEL == 4 ? 0.85 : 1.2, AC_LEVEL == 3)

#endif
