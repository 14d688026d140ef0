/* Loops of functions that are computed, not merely rounded: what every family of mathematics (math_*.h) is written in.
 *
 * A function is three pieces of plain C that the compiler vectorises:
 *
 *   FAST(x)     branch-free, right for all ordinary arguments; what it gives for the others does not matter, nor which
 *               floating-point flags it raises on the way: they are dropped
 *   SPECIAL(x)  1 where FAST is not right, else 0: NaN, infinities, overflow, underflow, poles, huge arguments
 *   SLOW(x)     one special argument, scalar, with the right flags: by the C library's function as a rule
 *
 * Whether an element is special depends on it alone, and FAST is made of IEEE operations and explicit AC_FMA, which are
 * the same in vector and scalar code. So a result depends neither on where in an array the element is, nor on the
 * array's length, strides or alignment. The flags that SPECIAL raises are dropped too.
 *
 * What makes a compiler vectorise FAST: selections (c ? a : b) of values computed before, no branch, no call but
 * AC_FMA, sqrt and fabs; integers as wide as the floats; no arithmetic right shift and no product of 64-bit integers;
 * rounding by adding and subtracting 0x1.8p52 (AC_ROUND) rather than by conversion. */
#ifndef ALLCORES_MATH_H
#define ALLCORES_MATH_H

#include <float.h>
#include <math.h>

#include "loop.h"

/* a * b + c: one rounding where the level has the instruction. Code that relies on that asks AC_HAS_FMA. */
#if defined(__FMA__) || defined(__aarch64__) || defined(_M_ARM64) || (defined(_MSC_VER) && defined(__AVX2__))
#define AC_HAS_FMA 1
#define AC_FMA(a, b, c) fma(a, b, c)
#define AC_FMAF(a, b, c) fmaf(a, b, c)
#else
#define AC_HAS_FMA 0
#define AC_FMA(a, b, c) ((a) * (b) + (c))
#define AC_FMAF(a, b, c) ((a) * (b) + (c))
#endif

#if defined(_MSC_VER)
#define AC_NOINLINE static __declspec(noinline)
#define AC_RESTRICT __restrict
#else
#define AC_NOINLINE static __attribute__((noinline))
#define AC_RESTRICT restrict
#endif

/* Floating-point flags are taken before FAST and put back after it; inexact is left raised: nobody looks at it, and an
 * instruction that raises it anew takes a processor as long as 50 elements. */
#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#define AC_INEXACT 0x20u
typedef unsigned ac_flags;
AC_INLINE ac_flags ac_take_flags(void) { return _mm_getcsr(); }
AC_INLINE void ac_put_flags(ac_flags flags) { _mm_setcsr(flags | AC_INEXACT); }
#else
#include <fenv.h>
typedef fexcept_t ac_flags;
#define AC_LOOKED_AT (FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID)
AC_INLINE ac_flags ac_take_flags(void) { fexcept_t f; fegetexceptflag(&f, AC_LOOKED_AT); return f; }
AC_INLINE void ac_put_flags(ac_flags flags) { fesetexceptflag(&flags, AC_LOOKED_AT); }
#endif

/* --- bits and rounding --- */

AC_INLINE uint64_t ac_bits(double x) { uint64_t r; memcpy(&r, &x, sizeof(r)); return r; }
AC_INLINE double ac_from_bits(uint64_t x) { double r; memcpy(&r, &x, sizeof(r)); return r; }
AC_INLINE uint32_t ac_bitsf(float x) { uint32_t r; memcpy(&r, &x, sizeof(r)); return r; }
AC_INLINE float ac_from_bitsf(uint32_t x) { float r; memcpy(&r, &x, sizeof(r)); return r; }

/* x + AC_ROUND - AC_ROUND is x rounded to an integer, for |x| < 2^51; the low bits of x + AC_ROUND are that integer. */
#define AC_ROUND 0x1.8p52
#define AC_ROUNDF 0x1.8p23f

/* --- unevaluated sums of two doubles --- */

typedef struct {
    double hi, lo;
} ac_dd;

/* a + b exactly, |a| >= |b|. */
AC_INLINE ac_dd ac_fast_two_sum(double a, double b)
{
    ac_dd r;
    r.hi = a + b;
    r.lo = b - (r.hi - a);
    return r;
}

/* a + b exactly. */
AC_INLINE ac_dd ac_two_sum(double a, double b)
{
    ac_dd r;
    double t;
    r.hi = a + b;
    t = r.hi - a;
    r.lo = (a - (r.hi - t)) + (b - t);
    return r;
}

/* a * b exactly, away from over- and underflow. */
AC_INLINE ac_dd ac_two_prod(double a, double b)
{
    ac_dd r;
    r.hi = a * b;
#if AC_HAS_FMA
    r.lo = AC_FMA(a, b, -r.hi);
#else
    { /* Dekker: halves of 26 bits */
        const double ca = a * 134217729.0, cb = b * 134217729.0;
        const double ah = ca - (ca - a), al = a - ah, bh = cb - (cb - b), bl = b - bh;
        r.lo = ((ah * bh - r.hi) + ah * bl + al * bh) + al * bl;
    }
#endif
    return r;
}

/* a - b * c, where b * c is near a: exact. */
AC_INLINE double ac_left(double a, double b, double c)
{
#if AC_HAS_FMA
    return AC_FMA(-b, c, a);
#else
    const ac_dd product = ac_two_prod(b, c);
    return (a - product.hi) - product.lo;
#endif
}

/* --- loops --- */

#define AC_MATH_BLOCK 512

/* The elements of the widest vector register: blocks are multiples of it, but for a last one that is filled up, or is
 * one element. */
#define AC_MATH_FILL(T) ((ac_intp)(64 / sizeof(T)))

/* Out of line, as compilers inline a copy of at most a block as `rep movs`, which costs as much as a function of one
 * element. */
AC_NOINLINE void ac_copy_block(void *to, const void *from, ac_intp bytes) { memcpy(to, from, (size_t)bytes); }

/* Elements of the next block, of `left`. */
#define AC_MATH_SIZE(T, left) \
    ((left) >= AC_MATH_BLOCK ? AC_MATH_BLOCK \
     : (left) > AC_MATH_FILL(T) ? (left) & ~(AC_MATH_FILL(T) - 1) : (left))
#define AC_MATH_FILLED(T, m) ((m) == 1 ? 1 : ((m) + AC_MATH_FILL(T) - 1) & ~(AC_MATH_FILL(T) - 1))

/* A block's operands: the array itself where it is contiguous, whole and apart from the outputs, else a copy, filled up
 * with its last element. */
#define AC_MATH_INPUT(T, X, COPY, PTR, STEP, OUTSIDE) \
    if ((STEP) == (ac_intp)sizeof(T) && m == filled && (OUTSIDE)) { \
        X = (const T *)(PTR); \
    } \
    else { \
        if ((STEP) == (ac_intp)sizeof(T) && m == filled) { \
            ac_copy_block(COPY, PTR, m * (ac_intp)sizeof(T)); \
        } \
        else { \
            for (i = 0; i < m; i++) { \
                COPY[i] = *(const T *)((PTR) + i * (STEP)); \
            } \
        } \
        for (i = m; i < filled; i++) { \
            COPY[i] = COPY[m - 1]; \
        } \
        X = COPY; \
    }

#define AC_MATH_OUTPUT(T, Z, COPY, PTR, STEP) \
    Z = (STEP) == (ac_intp)sizeof(T) && m == filled ? (T *)(PTR) : COPY;

#define AC_MATH_STORE(T, Z, COPY, PTR, STEP) \
    if (Z == COPY) { \
        for (i = 0; i < m; i++) { \
            *(T *)((PTR) + i * (STEP)) = COPY[i]; \
        } \
    }

/* Whether m elements from a and m from b, both contiguous, have no byte in common. */
#define AC_MATH_APART(A, B, T) ((A) + m * (ac_intp)sizeof(T) <= (B) || (B) + m * (ac_intp)sizeof(T) <= (A))

/* NAME: out[i] = f(in[i]). MASK is the unsigned integer as wide as T. */
#define AC_MATH_1(NAME, T, MASK, FAST, SPECIAL, SLOW) \
    AC_NOINLINE MASK NAME##_block(const T *AC_RESTRICT x, T *AC_RESTRICT z, ac_intp n) \
    { \
        MASK special = 0; \
        ac_intp i; \
        for (i = 0; i < n; i++) { \
            const T v = x[i]; \
            z[i] = FAST(v); \
            special |= (MASK)(SPECIAL(v)); \
        } \
        return special; \
    } \
    AC_MATH_1_FIND(NAME, T, SPECIAL) \
    AC_MATH_1_CALLS(NAME, T, MASK, SLOW)

/* The same, where x is special if KEY(x) > LAST, both MASK and less than 2^63: the largest key of a block takes fewer
 * instructions than comparing each. Where there is none for the greater of two, their sum with what makes the sign's
 * place overflow serves as well. */
#define AC_MATH_1_KEYED(NAME, T, MASK, FAST, KEY, LAST, SLOW) \
    AC_NOINLINE MASK NAME##_block(const T *AC_RESTRICT x, T *AC_RESTRICT z, ac_intp n) \
    { \
        MASK largest = 0; \
        ac_intp i; \
        for (i = 0; i < n; i++) { \
            const T v = x[i]; \
            const MASK key = KEY(v); \
            z[i] = FAST(v); \
            largest = AC_LARGEST_##MASK(largest, key, LAST); \
        } \
        return AC_EXCEEDS_##MASK(largest, LAST); \
    } \
    AC_INLINE int NAME##_special(T x) { return KEY(x) > LAST; } \
    AC_MATH_1_FIND(NAME, T, NAME##_special) \
    AC_MATH_1_CALLS(NAME, T, MASK, SLOW)

#define AC_LARGEST_uint32_t(so_far, key, last) ((key) > (so_far) ? (key) : (so_far))
#define AC_EXCEEDS_uint32_t(largest, last) ((largest) > (last))
#if AC_LEVEL == 4
#define AC_LARGEST_uint64_t(so_far, key, last) ((key) > (so_far) ? (key) : (so_far))
#define AC_EXCEEDS_uint64_t(largest, last) ((largest) > (last))
#else
#define AC_LARGEST_uint64_t(so_far, key, last) ((so_far) | ((key) + (0x7fffffffffffffffu - (last))))
#define AC_EXCEEDS_uint64_t(largest, last) ((largest) >> 63)
#endif

/* The same where all is special but |x| <= LIMIT: bits without the sign are in the order of the numbers, NaN last. */
#define AC_MATH_1_WITHIN(NAME, T, MASK, FAST, LIMIT, SLOW) \
    AC_MATH_1_KEYED(NAME, T, MASK, FAST, AC_MAGNITUDE_##MASK, AC_MAGNITUDE_##MASK(LIMIT), SLOW)
#define AC_MAGNITUDE_uint32_t(x) (ac_bitsf(x) & 0x7fffffffu)
#define AC_MAGNITUDE_uint64_t(x) (ac_bits(x) & 0x7fffffffffffffffu)

#define AC_MATH_1_FIND(NAME, T, SPECIAL) \
    AC_NOINLINE ac_intp NAME##_find(const T *x, ac_intp n, uint16_t *places) \
    { \
        ac_intp count = 0, i; \
        for (i = 0; i < n; i++) { \
            if (SPECIAL(x[i])) { \
                places[count++] = (uint16_t)i; \
            } \
        } \
        return count; \
    }

#define AC_MATH_1_CALLS(NAME, T, MASK, SLOW) \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_intp n = dims[0], x_step = steps[0], z_step = steps[1]; \
        T x_copy[AC_MATH_BLOCK], z_copy[AC_MATH_BLOCK]; \
        uint16_t places[AC_MATH_BLOCK]; \
        ac_intp start, count, i; \
        (void)data; \
        for (start = 0; start < n; start += AC_MATH_SIZE(T, n - start)) { \
            const ac_intp m = AC_MATH_SIZE(T, n - start), filled = AC_MATH_FILLED(T, m); \
            const char *x_ptr = args[0] + start * x_step; \
            char *z_ptr = args[1] + start * z_step; \
            const T *x; \
            T *z; \
            ac_flags flags; \
            MASK special; \
            AC_MATH_OUTPUT(T, z, z_copy, z_ptr, z_step) \
            AC_MATH_INPUT(T, x, x_copy, x_ptr, x_step, z == z_copy || AC_MATH_APART(x_ptr, z_ptr, T)) \
            flags = ac_take_flags(); \
            special = NAME##_block(x, z, filled); \
            count = special ? NAME##_find(x, m, places) : 0; \
            ac_put_flags(flags); \
            for (i = 0; i < count; i++) { \
                z[places[i]] = SLOW(x[places[i]]); \
            } \
            AC_MATH_STORE(T, z, z_copy, z_ptr, z_step) \
        } \
    }

/* NAME: first[i], second[i] = f(in[i]). FAST and SLOW take pointers to both results too. */
#define AC_MATH_1_2(NAME, T, MASK, FAST, SPECIAL, SLOW) \
    AC_NOINLINE MASK NAME##_block( \
        const T *AC_RESTRICT x, T *AC_RESTRICT z, T *AC_RESTRICT w, ac_intp n) \
    { \
        MASK special = 0; \
        ac_intp i; \
        for (i = 0; i < n; i++) { \
            const T v = x[i]; \
            T first, second; \
            FAST(v, &first, &second); \
            z[i] = first; \
            w[i] = second; \
            special |= (MASK)(SPECIAL(v)); \
        } \
        return special; \
    } \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_intp n = dims[0], x_step = steps[0], z_step = steps[1], w_step = steps[2]; \
        T x_copy[AC_MATH_BLOCK], z_copy[AC_MATH_BLOCK], w_copy[AC_MATH_BLOCK]; \
        ac_intp start, i; \
        (void)data; \
        for (start = 0; start < n; start += AC_MATH_SIZE(T, n - start)) { \
            const ac_intp m = AC_MATH_SIZE(T, n - start), filled = AC_MATH_FILLED(T, m); \
            const char *x_ptr = args[0] + start * x_step; \
            char *z_ptr = args[1] + start * z_step, *w_ptr = args[2] + start * w_step; \
            const T *x; \
            T *z, *w; \
            ac_flags flags; \
            MASK special; \
            AC_MATH_OUTPUT(T, z, z_copy, z_ptr, z_step) \
            AC_MATH_OUTPUT(T, w, w_copy, w_ptr, w_step) \
            AC_MATH_INPUT( \
                T, x, x_copy, x_ptr, x_step, \
                (z == z_copy || AC_MATH_APART(x_ptr, z_ptr, T)) && (w == w_copy || AC_MATH_APART(x_ptr, w_ptr, T))) \
            flags = ac_take_flags(); \
            special = NAME##_block(x, z, w, filled); \
            ac_put_flags(flags); \
            if (special) { \
                for (i = 0; i < m; i++) { \
                    if (SPECIAL(x[i])) { \
                        SLOW(x[i], &z[i], &w[i]); \
                    } \
                } \
            } \
            AC_MATH_STORE(T, z, z_copy, z_ptr, z_step) \
            AC_MATH_STORE(T, w, w_copy, w_ptr, w_step) \
        } \
    }

/* NAME: out[i] = f(first[i], second[i]). FAST, SPECIAL and SLOW take both. */
#define AC_MATH_2(NAME, T, MASK, FAST, SPECIAL, SLOW) \
    AC_NOINLINE MASK NAME##_block( \
        const T *AC_RESTRICT x, const T *AC_RESTRICT y, T *AC_RESTRICT z, ac_intp n) \
    { \
        MASK special = 0; \
        ac_intp i; \
        for (i = 0; i < n; i++) { \
            const T v = x[i], w = y[i]; \
            z[i] = FAST(v, w); \
            special |= (MASK)(SPECIAL(v, w)); \
        } \
        return special; \
    } \
    AC_NOINLINE ac_intp NAME##_find(const T *x, const T *y, ac_intp n, uint16_t *places) \
    { \
        ac_intp count = 0, i; \
        for (i = 0; i < n; i++) { \
            if (SPECIAL(x[i], y[i])) { \
                places[count++] = (uint16_t)i; \
            } \
        } \
        return count; \
    } \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_intp n = dims[0], x_step = steps[0], y_step = steps[1], z_step = steps[2]; \
        T x_copy[AC_MATH_BLOCK], y_copy[AC_MATH_BLOCK], z_copy[AC_MATH_BLOCK]; \
        uint16_t places[AC_MATH_BLOCK]; \
        ac_intp start, count, i; \
        (void)data; \
        for (start = 0; start < n; start += AC_MATH_SIZE(T, n - start)) { \
            const ac_intp m = AC_MATH_SIZE(T, n - start), filled = AC_MATH_FILLED(T, m); \
            const char *x_ptr = args[0] + start * x_step, *y_ptr = args[1] + start * y_step; \
            char *z_ptr = args[2] + start * z_step; \
            const T *x, *y; \
            T *z; \
            ac_flags flags; \
            MASK special; \
            AC_MATH_OUTPUT(T, z, z_copy, z_ptr, z_step) \
            AC_MATH_INPUT(T, x, x_copy, x_ptr, x_step, z == z_copy || AC_MATH_APART(x_ptr, z_ptr, T)) \
            AC_MATH_INPUT(T, y, y_copy, y_ptr, y_step, z == z_copy || AC_MATH_APART(y_ptr, z_ptr, T)) \
            flags = ac_take_flags(); \
            special = NAME##_block(x, y, z, filled); \
            count = special ? NAME##_find(x, y, m, places) : 0; \
            ac_put_flags(flags); \
            for (i = 0; i < count; i++) { \
                z[places[i]] = SLOW(x[places[i]], y[places[i]]); \
            } \
            AC_MATH_STORE(T, z, z_copy, z_ptr, z_step) \
        } \
    }

/* Lines of a family's list: ufunc, type character, loop, serial nanoseconds an element at this level, and whether calls
 * use it at this level (1) or NumPy's loop, as that is as fast (0). */
#define AC_MATH_ENTRY_1(UFUNC, c, LOOP, COST, USED) {#UFUNC, #c "->" #c, LOOP, COST, USED},
#define AC_MATH_ENTRY_1_2(UFUNC, c, LOOP, COST, USED) {#UFUNC, #c "->" #c #c, LOOP, COST, USED},
#define AC_MATH_ENTRY_2(UFUNC, c, LOOP, COST, USED) {#UFUNC, #c #c "->" #c, LOOP, COST, USED},

#endif
