/* power, float_power: |x|^y = exp(y log |x|), the logarithm to some 67 bits, with the sign of x where y is odd. */
#ifndef ALLCORES_MATH_POWER_H
#define ALLCORES_MATH_POWER_H

#include "math_exp.h"
#include "math_log.h"
#include "math_power_coefficients.h"

/* log(x) of a positive normal number: its second and third terms with their rests too. */
AC_INLINE ac_dd ac_power_log(double x)
{
    const ac_log_parts parts = ac_log_split(x);
    const double f = parts.m - 1.0;
    const ac_dd d = ac_fast_two_sum(1.0, 0.5 * f);
    const double inverse = 1.0 / d.hi, s = f * inverse;
    const double s_lo = (ac_residual(f, s, d.hi) - s * d.lo) * inverse;
    ac_dd z = ac_two_prod(s, s), t, u, r;
    double p = AC_POWER_P7;
    z.lo = AC_FMA(2.0 * s, s_lo, z.lo);
    p = AC_FMA(p, z.hi, AC_POWER_P6);
    p = AC_FMA(p, z.hi, AC_POWER_P5);
    p = AC_FMA(p, z.hi, AC_POWER_P4);
    p = AC_FMA(p, z.hi, AC_POWER_P3);
    p = AC_FMA(p, z.hi, AC_POWER_P2);
    p = AC_FMA(p, z.hi, AC_POWER_P1);
    p = AC_FMA(p, z.hi, AC_POWER_P0);
    p = AC_FMA(p, z.hi, AC_POWER_80TH);
    t = ac_two_prod(z.hi, p);
    t.lo = AC_FMA(z.lo, p, t.lo + AC_POWER_12TH_LO);
    u = ac_fast_two_sum(AC_POWER_12TH_HI, t.hi);
    u.lo += t.lo;
    t = ac_two_prod(z.hi, u.hi);
    t.lo += AC_FMA(z.hi, u.lo, z.lo * u.hi);
    u = ac_two_prod(s, t.hi);
    u.lo += AC_FMA(s, t.lo, s_lo * t.hi);
    r = ac_fast_two_sum(s, u.hi);
    r.lo += u.lo + s_lo;
    u = ac_fast_two_sum(parts.k * AC_LN2_HI, r.hi);
    u.lo += AC_FMA(parts.k, AC_LN2_LO, r.lo);
    return ac_fast_two_sum(u.hi, u.lo);
}

AC_INLINE double ac_power_fast(double x, double y)
{
    const ac_dd log_x = ac_power_log(fabs(x));
    ac_dd t = ac_two_prod(y, log_x.hi);
    const uint64_t odd = ac_bits(y + AC_ROUND) << 63;
    ac_exp_parts e;
    double z;
    t.lo = AC_FMA(y, log_x.lo, t.lo);
    e = ac_exp_reduce(t.hi);
    t = ac_fast_two_sum(e.r, e.q + t.lo);
    e.r = t.hi;
    e.q = ac_exp_rest(t.hi, t.lo);
    z = ac_exp_join(e);
    return ac_from_bits(ac_bits(z) | (ac_bits(x) & odd));
}

/* Special: results near overflow or subnormal, x subnormal, 0, infinite or NaN, x negative where y is no integer, and
 * exponents so large that x is 1, or the result is special. */
AC_INLINE int ac_power_special(double x, double y)
{
    const double a = fabs(x);
    const int usual = (a >= 0x1p-1022) & (a <= 0x1.fffffffffffffp1023) & (fabs(y) < 0x1p50);
    const int real = (x > 0.0) | (y + AC_ROUND - AC_ROUND == y);
    return !(usual & real & (fabs(y * ac_power_log(a).hi) <= 708.0));
}
AC_MATH_2(ac_float_power_f64, double, uint64_t, ac_power_fast, ac_power_special, pow)

/* --- float32, through float64 --- */

AC_INLINE float ac_powerf_fast(float x, float y)
{
    const double t = y * ac_logf_double(fabs((double)x)), z = ac_exp_join(ac_expf_split(t));
    const uint64_t odd = ac_bits(y + AC_ROUND) << 63;
    return (float)ac_from_bits(ac_bits(z) | (ac_bits(x) & odd));
}

AC_INLINE int ac_powerf_special(float x, float y)
{
    const float a = fabsf(x);
    const int usual = (a > 0.0f) & (a <= 0x1.fffffep127f) & (fabsf(y) < 0x1p50f);
    const int real = (x > 0.0f) | (y + AC_ROUND - AC_ROUND == y);
    return !(usual & real & (fabs(y * ac_logf_double(a)) <= 87.0));
}
AC_MATH_2(ac_float_power_f32, float, uint32_t, ac_powerf_fast, ac_powerf_special, powf)

/* --- one exponent for all elements: those that NumPy's power does by other operations --- */

#define AC_POWER_EACH(T, EXPRESSION) \
    for (i = 0; i < n; i++) { \
        const T v = *(const T *)(x + i * steps[0]); \
        *(T *)(z + i * steps[2]) = EXPRESSION; \
    }

#define AC_POWER(NAME, T, SQRT, GENERAL) \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_intp n = dims[0]; \
        const char *x = args[0]; \
        char *z = args[2]; \
        const T y = n > 0 && steps[1] == 0 ? *(const T *)args[1] : (T)3; \
        ac_intp i; \
        if (y == (T)2) { \
            AC_POWER_EACH(T, v * v) \
        } \
        else if (y == (T)1) { \
            AC_POWER_EACH(T, v) \
        } \
        else if (y == (T)0) { \
            AC_POWER_EACH(T, ((void)v, (T)1)) \
        } \
        else if (y == (T)-1) { \
            AC_POWER_EACH(T, (T)1 / v) \
        } \
        else if (y == (T)0.5) { \
            AC_POWER_EACH(T, SQRT(v)) \
        } \
        else { \
            GENERAL(args, dims, steps, data); \
        } \
    }
AC_POWER(ac_power_f64, double, sqrt, ac_float_power_f64)
AC_POWER(ac_power_f32, float, sqrtf, ac_float_power_f32)

#define AC_LIST_MATH_POWER \
    AC_MATH_ENTRY_2(power, d, ac_power_f64, AC_LEVEL == 4 ? 3.25 : 5.4, AC_LEVEL == 3) \
    AC_MATH_ENTRY_2(power, f, ac_power_f32, AC_LEVEL == 4 ? 1.3 : 1.95, AC_LEVEL == 3) \
    AC_MATH_ENTRY_2(float_power, d, ac_float_power_f64, AC_LEVEL == 4 ? 3.25 : 5.4, AC_LEVEL >= 3)

#endif
