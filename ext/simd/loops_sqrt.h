/* double: sqrt with AVX-512, by multiplications instead of the divider, which takes three times as long.
 *
 * From the hardware's 14 bits of 1 / sqrt(x), two coupled Newton steps give g near sqrt(x) and h near 1 / (2 sqrt(x)) to
 * the last place or so. x - g g is then exact in one fused operation, and g + h (x - g g), rounded once, is the
 * correctly rounded root (P. Markstein, Computation of elementary functions on the IBM RISC System/6000 processor, 1990).
 * tests/test_square_root.py tries the arguments whose roots lie nearest to the middle of two numbers, where alone it could fail.
 * Arguments near over- and underflow, negative ones and NaN take the instruction, which raises what they raise. */
#ifndef ALLCORES_LOOPS_SQRT_H
#define ALLCORES_LOOPS_SQRT_H

#include "loop.h"

#if AC_LEVEL >= 4
#include <immintrin.h>

AC_INLINE __m512d ac_sqrt_8(__m512d x)
{
    /* 2^-900 <= x < 2^900, in one unsigned comparison of the bits */
    const __m512i low = _mm512_set1_epi64((1023ll - 900) << 52), width = _mm512_set1_epi64(1800ll << 52);
    const __m512d half = _mm512_set1_pd(0.5);
    __m512d y, g, h, r;
    if (_mm512_cmpge_epu64_mask(_mm512_sub_epi64(_mm512_castpd_si512(x), low), width)) {
        return _mm512_sqrt_pd(x);
    }
    y = _mm512_rsqrt14_pd(x);
    g = _mm512_mul_pd(x, y);
    h = _mm512_mul_pd(half, y);
    r = _mm512_fnmadd_pd(g, h, half);
    g = _mm512_fmadd_pd(g, r, g);
    h = _mm512_fmadd_pd(h, r, h);
    r = _mm512_fnmadd_pd(g, h, half);
    g = _mm512_fmadd_pd(g, r, g);
    h = _mm512_fmadd_pd(h, r, h);
    return _mm512_fmadd_pd(_mm512_fnmadd_pd(g, g, x), h, g);
}

static void ac_sqrt_f64(char **args, const ac_intp *dims, const ac_intp *steps, void *data)
{
    const ac_intp n = dims[0];
    const double *x = (const double *)args[0];
    double *z = (double *)args[1];
    ac_intp i;
    if (steps[0] != (ac_intp)sizeof(double) || steps[1] != (ac_intp)sizeof(double)) {
        ac_call_numpy(args, dims, steps, data);
        return;
    }
    for (i = 0; i + 16 <= n; i += 16) { /* two at a time: each is one long chain */
        const __m512d first = _mm512_loadu_pd(x + i), second = _mm512_loadu_pd(x + i + 8);
        const __m512d one = ac_sqrt_8(first), other = ac_sqrt_8(second);
        _mm512_storeu_pd(z + i, one);
        _mm512_storeu_pd(z + i + 8, other);
    }
    for (; i < n; i += 8) {
        const __mmask8 here = (__mmask8)(n - i < 8 ? (1 << (n - i)) - 1 : 0xff);
        _mm512_mask_storeu_pd(z + i, here, ac_sqrt_8(_mm512_mask_loadu_pd(_mm512_set1_pd(1.0), here, x + i)));
    }
}

#define AC_LIST_SQRT AC_ENTRY_1(sqrt, d, d, ac_sqrt_f64)
#else
#define AC_LIST_SQRT
#endif

#endif
