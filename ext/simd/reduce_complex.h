/* Folds of complex numbers. Sums are pairwise as in reduce_pairwise.h, where NumPy counts real and imaginary parts
 * as elements: four numbers fill the eight strands. */
#ifndef ALLCORES_REDUCE_COMPLEX_H
#define ALLCORES_REDUCE_COMPLEX_H

#include "reduce_pairwise.h"

/* GCC 12 makes vfmaddsub of a vectorised complex product although told not to contract, and not of its scalar rest. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__FMA__)
#define AC_ROUNDED(x) __asm__("" : "+x"(x))
#else
#define AC_ROUNDED(x) (void)0
#endif

#define AC_COMPLEX(T, R, S) \
    typedef struct { \
        T re, im; \
    } ac_complex_##S; \
    AC_INLINE ac_complex_##S ac_plus_of_##S(ac_complex_##S a, ac_complex_##S b) \
    { \
        a.re += b.re; \
        a.im += b.im; \
        return a; \
    } \
    AC_INLINE ac_complex_##S ac_times_of_##S(ac_complex_##S a, ac_complex_##S b) \
    { \
        ac_complex_##S r; \
        T re_re = a.re * b.re, re_im = a.re * b.im, im_re = a.im * b.re, im_im = a.im * b.im; \
        AC_ROUNDED(re_re); \
        AC_ROUNDED(re_im); \
        AC_ROUNDED(im_re); \
        AC_ROUNDED(im_im); \
        r.re = re_re - im_im; \
        r.im = re_im + im_re; \
        return r; \
    } \
    AC_INLINE int ac_true_of_##S(ac_complex_##S a) { return (a.re != 0) | (a.im != 0); } \
    AC_INLINE ac_eight_##R ac_four_##S(const char *a, ac_intp sn) \
    { \
        ac_eight_##R x; \
        if (sn == (ac_intp)sizeof(ac_complex_##S)) { \
            AC_EIGHT_LOAD(R, x, a); \
        } \
        else { \
            int k; \
            for (k = 0; k < 4; k++) { \
                AC_STRAND(x, 2 * k) = ((const ac_complex_##S *)(a + k * sn))->re; \
                AC_STRAND(x, 2 * k + 1) = ((const ac_complex_##S *)(a + k * sn))->im; \
            } \
        } \
        return x; \
    } \
    static ac_complex_##S ac_add_row_##S(const char *a, ac_intp n, ac_intp sn) \
    { \
        ac_complex_##S sum = {(T)-0.0, (T)-0.0}; \
        ac_intp i = 0; \
        if (2 * n > AC_LEAF) { \
            const ac_intp half = ac_pairwise_half(2 * n) / 2; \
            sum = ac_add_row_##S(a, half, sn); \
            return ac_plus_of_##S(sum, ac_add_row_##S(a + half * sn, n - half, sn)); \
        } \
        if (n >= 4) { \
            ac_eight_##R r, x; \
            r = ac_four_##S(a, sn); \
            for (i = 4; i + 4 <= n; i += 4) { \
                x = ac_four_##S(a + i * sn, sn); \
                AC_EIGHT_ADD(r, x); \
            } \
            sum.re = (AC_STRAND(r, 0) + AC_STRAND(r, 2)) + (AC_STRAND(r, 4) + AC_STRAND(r, 6)); \
            sum.im = (AC_STRAND(r, 1) + AC_STRAND(r, 3)) + (AC_STRAND(r, 5) + AC_STRAND(r, 7)); \
        } \
        for (; i < n; i++) { \
            sum = ac_plus_of_##S(sum, *(const ac_complex_##S *)(a + i * sn)); \
        } \
        return sum; \
    } \
    static void ac_add_##S##_rows(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                                  const char *mean, ac_intp smean) \
    { \
        ac_intp j; \
        (void)mean, (void)smean; \
        for (j = 0; j < m; j++, a += sm, out += so) { \
            ac_complex_##S *o = (ac_complex_##S *)out; \
            *o = ac_plus_of_##S(*o, ac_add_row_##S(a, n, sn)); \
        } \
    } \
    AC_FOLD_COLS(ac_add_##S, ac_complex_##S, ac_complex_##S, AC_PLUS_##S) \
    AC_FOLD_PRODUCT(ac_mul_##S, ac_complex_##S, AC_ONE_##S, AC_TIMES_##S, ac_times_of_##S, AC_AS_IT_LIKES) \
    AC_FOLD_UNTIL(ac_any_##S, ac_complex_##S, 0, AC_ANY_##S, AC_JOIN_ANY, AC_STILL_NONE) \
    AC_FOLD_UNTIL(ac_all_##S, ac_complex_##S, 1, AC_ALL_##S, AC_JOIN_ALL, AC_STILL_ALL) \
    AC_FOLD(ac_count_##S, ac_complex_##S, int64_t, 0, AC_COUNT_##S, AC_JOIN_PLUS)

#define AC_PLUS_c8(r, v, c) ac_plus_of_c8(r, v)
#define AC_TIMES_c8(r, v, c) ac_times_of_c8(r, v)
#define AC_ONE_c8 ((ac_complex_c8){1, 0})
#define AC_ANY_c8(r, v, c) ((r) | (uint8_t)ac_true_of_c8(v))
#define AC_ALL_c8(r, v, c) ((r) & (uint8_t)ac_true_of_c8(v))
#define AC_COUNT_c8(r, v, c) ((r) + ac_true_of_c8(v))
#define AC_PLUS_c16(r, v, c) ac_plus_of_c16(r, v)
#define AC_TIMES_c16(r, v, c) ac_times_of_c16(r, v)
#define AC_ONE_c16 ((ac_complex_c16){1, 0})
#define AC_ANY_c16(r, v, c) ((r) | (uint8_t)ac_true_of_c16(v))
#define AC_ALL_c16(r, v, c) ((r) & (uint8_t)ac_true_of_c16(v))
#define AC_COUNT_c16(r, v, c) ((r) + ac_true_of_c16(v))

AC_COMPLEX(float, f4, c8)
AC_COMPLEX(double, f8, c16)

#endif
