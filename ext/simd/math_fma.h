/* fma. */
#ifndef ALLCORES_MATH_FMA_H
#define ALLCORES_MATH_FMA_H

#include "mathematics.h"

/* No argument is special: the instruction is right for all, with the right flags. Without it, fma and fmaf are the C
 * library's. Steps are constants where this is inlined, but for the last. */
#define AC_FUSED(NAME, T, FMA) \
    AC_INLINE void NAME##_at( \
        const char *x, const char *y, const char *w, char *z, ac_intp n, ac_intp xs, ac_intp ys, ac_intp ws, ac_intp zs) \
    { \
        const T a0 = *(const T *)x, b0 = *(const T *)y, c0 = *(const T *)w; \
        ac_intp i; \
        AC_INDEPENDENT \
        for (i = 0; i < n; i++) { \
            const T a = xs == 0 ? a0 : *(const T *)(x + i * xs); \
            const T b = ys == 0 ? b0 : *(const T *)(y + i * ys); \
            const T c = ws == 0 ? c0 : *(const T *)(w + i * ws); \
            *(T *)(z + i * zs) = FMA(a, b, c); \
        } \
    } \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_intp n = dims[0], one = (ac_intp)sizeof(T), xs = steps[0], ys = steps[1], ws = steps[2]; \
        char *x = args[0], *y = args[1], *w = args[2], *z = args[3]; \
        const int packed = steps[3] == one; \
        (void)data; \
        if (n < 1) { \
            return; \
        } \
        if (packed && xs == one && ys == one && ws == one) { \
            NAME##_at(x, y, w, z, n, sizeof(T), sizeof(T), sizeof(T), sizeof(T)); \
        } \
        else if (packed && xs == one && ys == 0 && ws == one) { \
            NAME##_at(x, y, w, z, n, sizeof(T), 0, sizeof(T), sizeof(T)); \
        } \
        else if (packed && xs == 0 && ys == one && ws == one) { \
            NAME##_at(x, y, w, z, n, 0, sizeof(T), sizeof(T), sizeof(T)); \
        } \
        else if (packed && xs == one && ys == one && ws == 0) { \
            NAME##_at(x, y, w, z, n, sizeof(T), sizeof(T), 0, sizeof(T)); \
        } \
        else if (packed && xs == one && ys == 0 && ws == 0) { \
            NAME##_at(x, y, w, z, n, sizeof(T), 0, 0, sizeof(T)); \
        } \
        else { \
            NAME##_at(x, y, w, z, n, xs, ys, ws, steps[3]); \
        } \
    }
AC_FUSED(ac_fma_f32, float, fmaf)
AC_FUSED(ac_fma_f64, double, fma)

#define AC_FMA_COST (AC_HAS_FMA ? 0.6 : 20.0)
#define AC_LIST_MATH_FMA \
    {"fma", "fff->f", ac_fma_f32, AC_FMA_COST, 1}, {"fma", "ddd->d", ac_fma_f64, AC_FMA_COST, 1},

#endif
