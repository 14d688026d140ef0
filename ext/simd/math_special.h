/* What the special functions share: exp and log in parts, and a C function called in silence. */
#ifndef ALLCORES_MATH_SPECIAL_H
#define ALLCORES_MATH_SPECIAL_H

#include "math_exp.h"
#include "math_log.h"

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
    const ac_exp_parts e = ac_exp_reduce(x);
    const double r = e.r + tail;
    ac_scaled found;
    found.rest = r + ac_exp_rest(r, e.q + (tail - (r - e.r)));
    found.scale = ac_exp_power(e.shifted);
    return found;
}

/* exp(x) for float32 results, |x| <= 708. */
AC_INLINE double ac_special_expf(double x) { return ac_exp_join(ac_expf_split(x)); }

/* k log(2) + log(1 + f) in two parts, f from sqrt(1/2) - 1 to sqrt(2) - 1; f = 0 with k = 0 gives 0. */
AC_INLINE ac_dd ac_special_log_parts(double k, double f)
{
    const ac_dd r = ac_log_of(f, 0.0);
    ac_dd sum = ac_fast_two_sum(k * AC_LN2_HI, r.hi);
    sum.lo += AC_FMA(k, AC_LN2_LO, r.lo);
    return sum;
}

/* log(x) in two parts, x normal and positive. */
AC_INLINE ac_dd ac_special_log(double x)
{
    const ac_log_parts p = ac_log_split(x);
    return ac_special_log_parts(p.k, p.m - 1.0);
}

/* k log(2) + log(1 + f) for float32 results. */
AC_INLINE double ac_special_log_partsf(double k, double f)
{
    return AC_FMA(k, AC_LN2, ac_logf_series(f, AC_FMA(f, 0.5, 1.0)));
}

#endif
