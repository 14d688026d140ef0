/* Integer floor_divide and remainder. No x86 has a vector instruction for integer division, and its scalar one takes
 * some ten cycles; a floating-point division whose result is exact after one correction is several times faster.
 *
 * The quotient of integers a and b is off its nearest integer by at least 1/|b|, which is 1/|a| of the quotient. A
 * rounded division is off by 2^-24 (float) or 2^-53 (double) of the quotient, so that truncating it is exact for
 * |a| < 2^23 in float and |a| < 2^52 in double: 8 and 16 bits go through float, 32 bits through double, and 64 bits
 * too, a block at a time, where all values of the block are below 2^51 (most are).
 *
 * As in NumPy: x // 0 == x % 0 == 0 with the divide-by-zero flag, and MIN // -1 == MIN with the overflow flag. */
#ifndef ALLCORES_LOOPS_DIVISION_H
#define ALLCORES_LOOPS_DIVISION_H

#include "loop.h"

#if AC_LEVEL >= 1

/* feraiseexcept without libm. Inexact comes along; NumPy does not look at it. */
static void ac_raise_divide(void)
{
    volatile double zero = 0.0, one = 1.0, sink;
    sink = one / zero;
    (void)sink;
}

static void ac_raise_overflow(void)
{
    volatile double huge = 1e308, sink;
    sink = huge * huge;
    (void)sink;
}

/* Exact for |x| < 2^51, and unlike a cast vectorised without AVX-512: the low bits of 1.5 * 2^52 + x are x. */
#define AC_MAGIC_BITS 0x4338000000000000
#define AC_MAGIC 6755399441055744.0

AC_INLINE double ac_double_of(int64_t x)
{
    double r;
    x += AC_MAGIC_BITS;
    memcpy(&r, &x, sizeof(r));
    return r - AC_MAGIC;
}

/* To the nearest. */
AC_INLINE int64_t ac_int_of(double x)
{
    int64_t r;
    x += AC_MAGIC;
    memcpy(&r, &x, sizeof(r));
    return r - AC_MAGIC_BITS;
}

/* The quotient rounded in any direction; b is not 0, and MIN / -1 is kept away. */
AC_INLINE int32_t ac_quotient_16(int32_t a, int32_t b) { return (int32_t)((float)a / (float)b); }
AC_INLINE int32_t ac_quotient_i32(int32_t a, int32_t b) { return (int32_t)((double)a / (double)b); }
AC_INLINE int64_t ac_quotient_51(int64_t a, int64_t b) { return ac_int_of(ac_double_of(a) / ac_double_of(b)); }
AC_INLINE int64_t ac_quotient_i64(int64_t a, int64_t b) { return a / b; }
AC_INLINE uint64_t ac_quotient_u64(uint64_t a, uint64_t b) { return a / b; }

enum { AC_DIVIDED_BY_ZERO = 1, AC_DIVISION_OVERFLOW = 2 };

/* BLOCK: z[i] = x[i * xs] // y[i * ys], or % if `modulo`; xs and ys are 0 or 1, and like `modulo` known where this is
 * inlined. W is the type to calculate in. Returns what happened. */
#define AC_DIVISION_BLOCK(BLOCK, T, W, MIN, QUOTIENT) \
    AC_INLINE int BLOCK(T *z, const T *x, const T *y, ac_intp n, ac_intp xs, ac_intp ys, int modulo, void *data) \
    { \
        T zeros = 0, overflows = 0; \
        ac_intp i; \
        (void)data; \
        AC_INDEPENDENT \
        for (i = 0; i < n; i++) { \
            const T a = x[i * xs], b = y[i * ys]; \
            const T zero = b == 0, overflow = MIN != 0 && (a == (T)MIN) & (b == (T)-1); \
            /* Masks, as a choice would become a branch around the division, which may trap for all the compiler \
             * knows. Special pairs are divided by one: MIN // 1 is what MIN // -1 must be, and a remainder is 0. */ \
            const W special = (W)(0 - (W)(zero | overflow)); \
            const W d = (W)(((W)b & ~special) | (1 & special)); \
            const W q = QUOTIENT((W)a, d); \
            const W r = (W)((W)a - q * d); \
            /* Rounded down, the remainder has the sign of the divisor. */ \
            const W too_high = (W)((r != 0) & ((r ^ d) < 0)); \
            const W quotient = (W)((q - too_high) & ((W)zero - 1)); \
            const W remainder = (W)(r + (d & (W)(0 - too_high))); \
            zeros |= zero; \
            overflows |= overflow; \
            z[i] = (T)(modulo ? remainder : quotient); \
        } \
        return (zeros ? AC_DIVIDED_BY_ZERO : 0) | (overflows ? AC_DIVISION_OVERFLOW : 0); \
    }

AC_DIVISION_BLOCK(ac_divide_i8, int8_t, int32_t, INT8_MIN, ac_quotient_16)
AC_DIVISION_BLOCK(ac_divide_u8, uint8_t, int32_t, 0, ac_quotient_16)
AC_DIVISION_BLOCK(ac_divide_i16, int16_t, int32_t, INT16_MIN, ac_quotient_16)
AC_DIVISION_BLOCK(ac_divide_u16, uint16_t, int32_t, 0, ac_quotient_16)
AC_DIVISION_BLOCK(ac_divide_i32, int32_t, int32_t, INT32_MIN, ac_quotient_i32)
AC_DIVISION_BLOCK(ac_divide_u32, uint32_t, int64_t, 0, ac_quotient_51)
AC_DIVISION_BLOCK(ac_divide_i51, int64_t, int64_t, 0, ac_quotient_51)
AC_DIVISION_BLOCK(ac_divide_u51, uint64_t, int64_t, 0, ac_quotient_51)
AC_DIVISION_BLOCK(ac_divide_any_i64, int64_t, int64_t, INT64_MIN, ac_quotient_i64)
AC_DIVISION_BLOCK(ac_divide_any_u64, uint64_t, uint64_t, 0, ac_quotient_u64)

/* Whether a float division will do. */
AC_INLINE int ac_all_below_51_i64(const int64_t *x, ac_intp n)
{
    const uint64_t offset = (uint64_t)1 << 51;
    uint64_t seen = 0;
    ac_intp i;
    for (i = 0; i < n; i++) {
        seen |= (uint64_t)x[i] + offset;
    }
    return seen >> 52 == 0;
}

AC_INLINE int ac_all_below_51_u64(const uint64_t *x, ac_intp n)
{
    uint64_t seen = 0;
    ac_intp i;
    for (i = 0; i < n; i++) {
        seen |= x[i];
    }
    return seen >> 51 == 0;
}

/* BLOCK for 64 bits: in steps that stay in the first-level cache between the look and the division. What float
 * division cannot do NumPy's loop does, if there is one. */
enum { AC_DIVISION_STEP = 512 };
#define AC_DIVISION_64(BLOCK, T, FITS, NARROW, ANY) \
    AC_INLINE int BLOCK(T *z, const T *x, const T *y, ac_intp n, ac_intp xs, ac_intp ys, int modulo, void *data) \
    { \
        const ac_intp one = (ac_intp)sizeof(T), steps[3] = {xs * one, ys * one, one}; \
        int happened = 0; \
        while (n > 0) { \
            const ac_intp m = n < AC_DIVISION_STEP ? n : AC_DIVISION_STEP; \
            /* Copies whose address goes nowhere, which the compiler need not read again at each element. */ \
            const T x0 = *x, y0 = *y; \
            if (FITS(x, xs ? m : 1) && FITS(y, ys ? m : 1)) { \
                happened |= NARROW(z, xs ? x : &x0, ys ? y : &y0, m, xs, ys, modulo, data); \
            } \
            else if (data != NULL) { \
                char *args[3]; \
                args[0] = (char *)x, args[1] = (char *)y, args[2] = (char *)z; \
                ac_call_numpy(args, &m, steps, data); \
            } \
            else { \
                happened |= ANY(z, x, y, m, xs, ys, modulo, data); \
            } \
            x += m * xs, y += m * ys, z += m, n -= m; \
        } \
        return happened; \
    }
AC_DIVISION_64(ac_divide_i64, int64_t, ac_all_below_51_i64, ac_divide_i51, ac_divide_any_i64)
AC_DIVISION_64(ac_divide_u64, uint64_t, ac_all_below_51_u64, ac_divide_u51, ac_divide_any_u64)

/* NAME: the loop around a BLOCK. */
#define AC_DIVISION_LOOP(NAME, T, BLOCK, MODULO) \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_intp n = dims[0], one = (ac_intp)sizeof(T); \
        const T *x = (const T *)args[0], *y = (const T *)args[1]; \
        T *z = (T *)args[2]; \
        int happened = 0; \
        if (n > 0 && steps[2] == one && steps[0] == one && steps[1] == one) { \
            happened = BLOCK(z, x, y, n, 1, 1, MODULO, data); \
        } \
        else if (n > 0 && steps[2] == one && steps[0] == one && steps[1] == 0 && (MODULO)) { \
            const T scalar = *y; \
            happened = BLOCK(z, x, &scalar, n, 1, 0, MODULO, data); \
        } \
        else if (n > 0 && steps[2] == one && steps[0] == 0 && steps[1] == one) { \
            const T scalar = *x; \
            happened = BLOCK(z, &scalar, y, n, 0, 1, MODULO, data); \
        } \
        else if (data != NULL) { \
            /* Also array // scalar, where NumPy multiplies by a reciprocal. */ \
            ac_call_numpy(args, dims, steps, data); \
        } \
        else { \
            ac_intp i; \
            for (i = 0; i < n; i++) { \
                happened |= BLOCK((T *)(args[2] + i * steps[2]), (const T *)(args[0] + i * steps[0]), \
                                  (const T *)(args[1] + i * steps[1]), 1, 1, 1, MODULO, NULL); \
            } \
        } \
        if (happened & AC_DIVIDED_BY_ZERO) { \
            ac_raise_divide(); \
        } \
        if (happened & AC_DIVISION_OVERFLOW && !(MODULO)) { \
            ac_raise_overflow(); \
        } \
    }

#define AC_DIVISION_LOOPS(T, S) \
    AC_DIVISION_LOOP(ac_floor_divide_##S, T, ac_divide_##S, 0) \
    AC_DIVISION_LOOP(ac_remainder_##S, T, ac_divide_##S, 1)
AC_DIVISION_LOOPS(int8_t, i8)
AC_DIVISION_LOOPS(uint8_t, u8)
AC_DIVISION_LOOPS(int16_t, i16)
AC_DIVISION_LOOPS(uint16_t, u16)
AC_DIVISION_LOOPS(int32_t, i32)
AC_DIVISION_LOOPS(int64_t, i64)
#if AC_LEVEL >= 3
AC_DIVISION_LOOPS(uint32_t, u32)
AC_DIVISION_LOOPS(uint64_t, u64)
#endif

#define AC_DIVISION_ENTRIES(c, S) \
    AC_ENTRY_2(floor_divide, c, c, ac_floor_divide_##S) AC_ENTRY_2(remainder, c, c, ac_remainder_##S)
#if AC_LEVEL >= 3
#define AC_LIST_DIVISION AC_TYPES_INTEGER(AC_DIVISION_ENTRIES)
#else
/* Two doubles a vector are no faster than the processor's unsigned division. */
#define AC_LIST_DIVISION \
    AC_TYPES_8(AC_DIVISION_ENTRIES) AC_TYPES_16(AC_DIVISION_ENTRIES) AC_DIVISION_ENTRIES(i, i32) \
    AC_LONG_SIGNED(AC_DIVISION_ENTRIES) AC_DIVISION_ENTRIES(q, i64)
#endif
#else
#define AC_LIST_DIVISION
#endif

#endif
