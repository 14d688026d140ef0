/* erf, erfc, ndtr (the normal distribution). */
#ifndef ALLCORES_MATH_ERF_H
#define ALLCORES_MATH_ERF_H

#include "mathematics.h"
#include "math_special.h"
#include "math_erf_coefficients.h"

#define AC_IS_NAN(x) ((x) != (x))

/* erf(x) / x - 1, |x| <= 1. */
AC_INLINE double ac_erf_small(double u)
{
    double p = AC_ERF_P11;
    p = AC_FMA(p, u, AC_ERF_P10);
    p = AC_FMA(p, u, AC_ERF_P9);
    p = AC_FMA(p, u, AC_ERF_P8);
    p = AC_FMA(p, u, AC_ERF_P7);
    p = AC_FMA(p, u, AC_ERF_P6);
    p = AC_FMA(p, u, AC_ERF_P5);
    p = AC_FMA(p, u, AC_ERF_P4);
    p = AC_FMA(p, u, AC_ERF_P3);
    p = AC_FMA(p, u, AC_ERF_P2);
    p = AC_FMA(p, u, AC_ERF_P1);
    return AC_FMA(p, u, AC_ERF_P0);
}

AC_INLINE double ac_erf_smallf(double u)
{
    double p = AC_ERFF_P6;
    p = AC_FMA(p, u, AC_ERFF_P5);
    p = AC_FMA(p, u, AC_ERFF_P4);
    p = AC_FMA(p, u, AC_ERFF_P3);
    p = AC_FMA(p, u, AC_ERFF_P2);
    p = AC_FMA(p, u, AC_ERFF_P1);
    return AC_FMA(p, u, AC_ERFF_P0);
}

/* Up to 1 a polynomial, beyond 1 - exp(polynomial): there log(erfc(x)) need not be exact. 1 from 6 on. Error 1 ULP. */
AC_INLINE double ac_erf_fast(double x)
{
    const double a = fabs(x), v = (a < 1.0 ? 1.0 : a > 6.0 ? 6.0 : a) - 1.25;
    const double small = AC_FMA(x, ac_erf_small(x * x), x);
    ac_scaled e;
    double q = AC_ERF_Q17;
    q = AC_FMA(q, v, AC_ERF_Q16);
    q = AC_FMA(q, v, AC_ERF_Q15);
    q = AC_FMA(q, v, AC_ERF_Q14);
    q = AC_FMA(q, v, AC_ERF_Q13);
    q = AC_FMA(q, v, AC_ERF_Q12);
    q = AC_FMA(q, v, AC_ERF_Q11);
    q = AC_FMA(q, v, AC_ERF_Q10);
    q = AC_FMA(q, v, AC_ERF_Q9);
    q = AC_FMA(q, v, AC_ERF_Q8);
    q = AC_FMA(q, v, AC_ERF_Q7);
    q = AC_FMA(q, v, AC_ERF_Q6);
    q = AC_FMA(q, v, AC_ERF_Q5);
    q = AC_FMA(q, v, AC_ERF_Q4);
    q = AC_FMA(q, v, AC_ERF_Q3);
    q = AC_FMA(q, v, AC_ERF_Q2);
    q = AC_FMA(q, v, AC_ERF_Q1);
    q = AC_FMA(q, v, AC_ERF_Q0);
    e = ac_special_exp(q, 0.0);
    return a < 1.0 ? small : copysign(1.0 - AC_FMA(e.scale, e.rest, e.scale), x);
}

AC_INLINE float ac_erff_fast(float single)
{
    const double x = single, a = fabs(x), v = (a < 1.0 ? 1.0 : a > 4.0 ? 4.0 : a) - 2.5;
    const double small = AC_FMA(x, ac_erf_smallf(x * x), x);
    double q = AC_ERFF_Q7;
    q = AC_FMA(q, v, AC_ERFF_Q6);
    q = AC_FMA(q, v, AC_ERFF_Q5);
    q = AC_FMA(q, v, AC_ERFF_Q4);
    q = AC_FMA(q, v, AC_ERFF_Q3);
    q = AC_FMA(q, v, AC_ERFF_Q2);
    q = AC_FMA(q, v, AC_ERFF_Q1);
    q = AC_FMA(q, v, AC_ERFF_Q0);
    q = copysign(1.0 - ac_special_expf(q), x);
    return (float)(a < 1.0 ? small : q);
}

/* erfc(y + low) where h + l = (y + low)^2; 0.4 <= y, h <= 708. */
AC_INLINE double ac_erfc_tail(double y, double low, double h, double l)
{
    const double sum = y + 2.0, u = 1.0 / sum;
    const double lost = (y - (sum - 2.0)) + low; /* by the sum */
    const double rest = AC_FMA(-u, lost, AC_FMA(-u, sum, 1.0)), v = AC_FMA(u, rest, u - 0.125);
    const ac_scaled e = ac_special_exp(-h, -l);
    double p = AC_ERFC_P23;
    ac_dd bend, whole, product;
    p = AC_FMA(p, v, AC_ERFC_P22);
    p = AC_FMA(p, v, AC_ERFC_P21);
    p = AC_FMA(p, v, AC_ERFC_P20);
    p = AC_FMA(p, v, AC_ERFC_P19);
    p = AC_FMA(p, v, AC_ERFC_P18);
    p = AC_FMA(p, v, AC_ERFC_P17);
    p = AC_FMA(p, v, AC_ERFC_P16);
    p = AC_FMA(p, v, AC_ERFC_P15);
    p = AC_FMA(p, v, AC_ERFC_P14);
    p = AC_FMA(p, v, AC_ERFC_P13);
    p = AC_FMA(p, v, AC_ERFC_P12);
    p = AC_FMA(p, v, AC_ERFC_P11);
    p = AC_FMA(p, v, AC_ERFC_P10);
    p = AC_FMA(p, v, AC_ERFC_P9);
    p = AC_FMA(p, v, AC_ERFC_P8);
    p = AC_FMA(p, v, AC_ERFC_P7);
    p = AC_FMA(p, v, AC_ERFC_P6);
    p = AC_FMA(p, v, AC_ERFC_P5);
    p = AC_FMA(p, v, AC_ERFC_P4);
    p = AC_FMA(p, v, AC_ERFC_P3);
    p = AC_FMA(p, v, AC_ERFC_P2);
    p = AC_FMA(p, v, AC_ERFC_P1);
    /* 2.5 ULP come together if each of the last steps is rounded */
    bend = ac_two_prod(p, v);
    whole = ac_two_sum(AC_ERFC_P0, bend.hi);
    product = ac_two_prod(u, whole.hi);
    p = AC_FMA(product.hi, e.rest + rest, AC_FMA(u, whole.lo + bend.lo, product.lo));
    return (product.hi + p) * e.scale;
}

AC_INLINE double ac_erfc_tailf(double y, double square)
{
    const double u = 1.0 / (y + 2.0), v = u - 0.125;
    double p = AC_ERFCF_P12;
    p = AC_FMA(p, v, AC_ERFCF_P11);
    p = AC_FMA(p, v, AC_ERFCF_P10);
    p = AC_FMA(p, v, AC_ERFCF_P9);
    p = AC_FMA(p, v, AC_ERFCF_P8);
    p = AC_FMA(p, v, AC_ERFCF_P7);
    p = AC_FMA(p, v, AC_ERFCF_P6);
    p = AC_FMA(p, v, AC_ERFCF_P5);
    p = AC_FMA(p, v, AC_ERFCF_P4);
    p = AC_FMA(p, v, AC_ERFCF_P3);
    p = AC_FMA(p, v, AC_ERFCF_P2);
    p = AC_FMA(p, v, AC_ERFCF_P1);
    p = AC_FMA(p, v, AC_ERFCF_P0);
    return u * p * ac_special_expf(-square);
}

/* 1 - erf(x) up to 0.4, exp(-x^2) times a polynomial beyond. Special where the result is nearly subnormal. */
AC_INLINE double ac_erfc_fast(double x)
{
    const double a = fabs(x), y = a > 26.5 ? 26.5 : a;
    const ac_dd square = ac_two_prod(y, y);
    const double small = 1.0 - AC_FMA(x, ac_erf_small(x * x), x), tail = ac_erfc_tail(y, 0.0, square.hi, square.lo);
    return a < 0.4 ? small : x < 0.0 ? 2.0 - tail : tail;
}

AC_INLINE float ac_erfcf_fast(float single)
{
    const double x = single, a = fabs(x), y = a > 15.0 ? 15.0 : a;
    const double small = 1.0 - AC_FMA(x, ac_erf_smallf(x * x), x), tail = ac_erfc_tailf(y, y * y);
    return (float)(a < 0.4 ? small : x < 0.0 ? 2.0 - tail : tail);
}

/* erfc(-x / sqrt(2)) / 2, the square taken of x itself. */
AC_INLINE double ac_ndtr_fast(double x)
{
    const double a = fabs(x), y = a > 37.5 ? 37.5 : a, u = x * x;
    const ac_dd square = ac_two_prod(y, 0.5 * y);
    const ac_dd scaled = ac_two_prod(AC_SQRT_HALF, y);
    const double low = AC_FMA(AC_SQRT_HALF_LO, y, scaled.lo);
    const double tail = 0.5 * ac_erfc_tail(scaled.hi, low, square.hi, square.lo);
    double p = AC_NDTR_P8;
    p = AC_FMA(p, u, AC_NDTR_P7);
    p = AC_FMA(p, u, AC_NDTR_P6);
    p = AC_FMA(p, u, AC_NDTR_P5);
    p = AC_FMA(p, u, AC_NDTR_P4);
    p = AC_FMA(p, u, AC_NDTR_P3);
    p = AC_FMA(p, u, AC_NDTR_P2);
    p = AC_FMA(p, u, AC_NDTR_P1);
    p = AC_FMA(p, u, AC_NDTR_P0);
    return a < 0.6 ? AC_FMA(x, p, 0.5) : x > 0.0 ? 1.0 - tail : tail;
}

AC_INLINE float ac_ndtrf_fast(float single)
{
    const double x = single, a = fabs(x), y = a > 20.0 ? 20.0 : a, u = x * x;
    const double tail = 0.5 * ac_erfc_tailf(AC_SQRT_HALF * y, 0.5 * y * y);
    double p = AC_NDTRF_P4;
    p = AC_FMA(p, u, AC_NDTRF_P3);
    p = AC_FMA(p, u, AC_NDTRF_P2);
    p = AC_FMA(p, u, AC_NDTRF_P1);
    p = AC_FMA(p, u, AC_NDTRF_P0);
    return (float)(a < 0.6 ? AC_FMA(x, p, 0.5) : x > 0.0 ? 1.0 - tail : tail);
}

AC_INLINE float ac_same_float(float x) { return x; }
AC_INLINE double ac_same(double x) { return x; }
AC_QUIET_1(ac_erfc_slow, double, erfc(x))

/* Below -37.5: exp(-200) is taken in at last, and rounds to a subnormal number. */
AC_NOINLINE double ac_ndtr_slow(double x)
{
    const ac_flags flags = ac_take_flags();
    const double y = x < -39.0 ? 39.0 : -x;
    const ac_dd square = ac_two_prod(y, 0.5 * y);
    const double tail = ac_erfc_tail(AC_SQRT_HALF * y, 0.0, square.hi - 200.0, square.lo);
    const volatile double r = (0.5 * AC_EXP_MINUS_200) * tail;
    ac_put_flags(flags);
    return AC_IS_NAN(x) ? x : r;
}

/* What is special but NaN is 0 or nearly so. */
#define AC_ERFC_SPECIAL(x) (!((x) <= 26.5))
#define AC_NDTR_SPECIAL(x) (!((x) >= -37.5))
AC_MATH_1(ac_erf_f64, double, uint64_t, ac_erf_fast, AC_IS_NAN, ac_same)
AC_MATH_1(ac_erf_f32, float, uint32_t, ac_erff_fast, AC_IS_NAN, ac_same_float)
AC_MATH_1(ac_erfc_f64, double, uint64_t, ac_erfc_fast, AC_ERFC_SPECIAL, ac_erfc_slow)
AC_MATH_1(ac_erfc_f32, float, uint32_t, ac_erfcf_fast, AC_IS_NAN, ac_same_float)
AC_MATH_1(ac_ndtr_f64, double, uint64_t, ac_ndtr_fast, AC_NDTR_SPECIAL, ac_ndtr_slow)
AC_MATH_1(ac_ndtr_f32, float, uint32_t, ac_ndtrf_fast, AC_IS_NAN, ac_same_float)

#define AC_LIST_MATH_ERF \
    AC_MATH_ENTRY_1(erf, f, ac_erf_f32, 1.0, 1) \
    AC_MATH_ENTRY_1(erf, d, ac_erf_f64, 2.0, 1) \
    AC_MATH_ENTRY_1(erfc, f, ac_erfc_f32, 1.5, 1) \
    AC_MATH_ENTRY_1(erfc, d, ac_erfc_f64, 3.0, 1) \
    AC_MATH_ENTRY_1(ndtr, f, ac_ndtr_f32, 1.5, 1) \
    AC_MATH_ENTRY_1(ndtr, d, ac_ndtr_f64, 3.0, 1)

#endif
