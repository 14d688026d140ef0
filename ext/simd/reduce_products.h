/* Sums of products: inner products of many pairs of vectors, and blocks of matrix products for types that BLAS does not
 * take. Integers wrap around, so that signed and unsigned ones share a loop. */
#ifndef ALLCORES_REDUCE_PRODUCTS_H
#define ALLCORES_REDUCE_PRODUCTS_H

#include "reduce_complex.h"
#include "reduce_fold.h"
#include "reduce_gather.h"
#include "reduce_table.h"

enum {
    AC_DOT_LEAF = 1024,   /* products that strands sum; longer vectors are halved */
    AC_DOT_STRANDS = 32,  /* less where registers are few: 1, 8 or 32 */
    AC_DOT_COLUMNS = 128, /* vectors side by side that are summed together, */
    AC_DOT_ROWS = 256     /* and for how many products, before they are halved */
};

#define AC_AS_LOADED(x) (x)
#define AC_AS_TRUTH(x) ((uint8_t)((x) != 0))
#define AC_DOT_F(T, a, b) ((a) * (b))
#define AC_DOT_B(T, a, b) ((T)((a) & (b)))
#define AC_DOT_I(T, a, b) ((T)((uint64_t)(a) * (uint64_t)(b)))
#define AC_DOT_W(T, a, b) ((T)((unsigned)(a) * (unsigned)(b)))
#define AC_SUM_F(T, a, b) ((a) + (b))
#define AC_SUM_B(T, a, b) ((T)((a) | (b)))
#define AC_SUM_W(T, a, b) ((T)((a) + (b)))
#define AC_NEVER(r) 0
#define AC_IF_TRUE(r) ((r) != 0)

/* ac_dot_S: out[j] = sum of a[j, i] * b[j, i], i < n, for j < m. ACC: the type of a partial sum. DECIDED(sum): whether no
 * later product matters. The order depends on n alone, but for vectors side by side. */
#define AC_DOTS(S, T, ACC, LOAD, TIMES, PLUS, DECIDED, STRANDS) \
    AC_INLINE ACC ac_dot_##S##_strands(const char *a, ac_intp sa, const char *b, ac_intp sb, ac_intp n, ac_intp strands) \
    { \
        ACC r[AC_DOT_STRANDS], sum; \
        ac_intp i = 0, k; \
        for (k = 0; k < strands; k++) { \
            r[k] = 0; \
        } \
        for (; i + strands <= n; i += strands, a += strands * sa, b += strands * sb) { \
            for (k = 0; k < strands; k++) { \
                const ACC x = LOAD(*(const T *)(a + k * sa)), y = LOAD(*(const T *)(b + k * sb)); \
                r[k] = PLUS(ACC, r[k], TIMES(ACC, x, y)); \
            } \
        } \
        if (strands == 32) { \
            for (k = 0; k < 16; k++) { \
                r[k] = PLUS(ACC, r[k], r[k + 16]); \
            } \
            for (k = 0; k < 8; k++) { \
                r[k] = PLUS(ACC, r[k], r[k + 8]); \
            } \
        } \
        if (strands > 1) { \
            for (k = 0; k < 4; k++) { \
                r[k] = PLUS(ACC, r[k], r[k + 4]); \
            } \
            r[0] = PLUS(ACC, r[0], r[2]); \
            r[1] = PLUS(ACC, r[1], r[3]); \
            r[0] = PLUS(ACC, r[0], r[1]); \
        } \
        sum = r[0]; \
        for (; i < n; i++, a += sa, b += sb) { \
            const ACC x = LOAD(*(const T *)a), y = LOAD(*(const T *)b); \
            sum = PLUS(ACC, sum, TIMES(ACC, x, y)); \
        } \
        return sum; \
    } \
    static ACC ac_dot_##S##_row(const char *a, ac_intp sa, const char *b, ac_intp sb, ac_intp n) \
    { \
        const ac_intp one = (ac_intp)sizeof(T); \
        if (n > AC_DOT_LEAF) { \
            const ac_intp half = n / 2 - n / 2 % AC_DOT_STRANDS; \
            const ACC first = ac_dot_##S##_row(a, sa, b, sb, half); \
            return DECIDED(first) \
                ? first : PLUS(ACC, first, ac_dot_##S##_row(a + half * sa, sa, b + half * sb, sb, n - half)); \
        } \
        if (sa == one && sb == one) { \
            return n < 4 * (STRANDS) ? ac_dot_##S##_strands(a, one, b, one, n, (STRANDS) < 8 ? (STRANDS) : 8) \
                                     : ac_dot_##S##_strands(a, one, b, one, n, STRANDS); \
        } \
        return n < 4 * (STRANDS) ? ac_dot_##S##_strands(a, sa, b, sb, n, (STRANDS) < 8 ? (STRANDS) : 8) \
                                 : ac_dot_##S##_strands(a, sa, b, sb, n, STRANDS); \
    } \
    AC_INLINE void ac_dot_##S##_short(ACC *out, const char *a, ac_intp sma, ac_intp sa, const char *b, ac_intp smb, \
                                      ac_intp sb, ac_intp m, ac_intp n) \
    { \
        ac_intp i, j; \
        for (j = 0; j < m; j++) { \
            ACC sum = 0; \
            for (i = 0; i < n; i++) { \
                const ACC x = LOAD(*(const T *)(a + j * sma + i * sa)), y = LOAD(*(const T *)(b + j * smb + i * sb)); \
                sum = PLUS(ACC, sum, TIMES(ACC, x, y)); \
            } \
            out[j] = sum; \
        } \
    } \
    AC_INLINE void ac_dot_##S##_beside(ACC *out, const char *a, ac_intp sma, ac_intp sa, const char *b, ac_intp smb, \
                                       ac_intp sb, ac_intp m, ac_intp n) \
    { \
        ac_intp i = 0, j; \
        for (j = 0; j < m; j++) { \
            out[j] = 0; \
        } \
        for (; i < n; i++, a += sa, b += sb) { \
            AC_INDEPENDENT \
            for (j = 0; j < m; j++) { \
                const ACC x = LOAD(*(const T *)(a + j * sma)), y = LOAD(*(const T *)(b + j * smb)); \
                out[j] = PLUS(ACC, out[j], TIMES(ACC, x, y)); \
            } \
        } \
    } \
    static void ac_dot_##S##_columns(ACC *out, const char *a, ac_intp sma, ac_intp sa, const char *b, ac_intp smb, \
                                     ac_intp sb, ac_intp m, ac_intp n) \
    { \
        const ac_intp one = (ac_intp)sizeof(T); \
        if (n > AC_DOT_ROWS) { \
            const ac_intp half = n / 2; \
            ACC second[AC_DOT_COLUMNS]; \
            ac_intp j; \
            ac_dot_##S##_columns(out, a, sma, sa, b, smb, sb, m, half); \
            ac_dot_##S##_columns(second, a + half * sa, sma, sa, b + half * sb, smb, sb, m, n - half); \
            for (j = 0; j < m; j++) { \
                out[j] = PLUS(ACC, out[j], second[j]); \
            } \
        } \
        else if (sma == one && smb == one) { \
            ac_dot_##S##_beside(out, a, one, sa, b, one, sb, m, n); \
        } \
        else if (sma == one && smb == 0) { \
            ac_dot_##S##_beside(out, a, one, sa, b, 0, sb, m, n); \
        } \
        else { \
            ac_dot_##S##_beside(out, a, sma, sa, b, smb, sb, m, n); \
        } \
    } \
    static void ac_dot_##S(char *to, const char *a, ac_intp sma, ac_intp sa, const char *b, ac_intp smb, ac_intp sb, \
                           ac_intp m, ac_intp n) \
    { \
        const ac_intp one = (ac_intp)sizeof(T); \
        ACC *out = (ACC *)to; \
        ac_intp j; \
        if (n >= 2 && n <= 4 && sa == one && sb == one && sma == n * one && smb == n * one) { /* narrow matrices */ \
            switch (n) { \
            case 2: ac_dot_##S##_short(out, a, 2 * one, one, b, 2 * one, one, m, 2); break; \
            case 3: ac_dot_##S##_short(out, a, 3 * one, one, b, 3 * one, one, m, 3); break; \
            default: ac_dot_##S##_short(out, a, 4 * one, one, b, 4 * one, one, m, 4); break; \
            } \
        } \
        else if (n < 8) { \
            ac_dot_##S##_short(out, a, sma, sa, b, smb, sb, m, n); \
        } \
        else if (m > 1 && ac_size_of_step(sa) + ac_size_of_step(sb) > ac_size_of_step(sma) + ac_size_of_step(smb)) { \
            for (j = 0; j < m; j += AC_DOT_COLUMNS) { \
                ac_dot_##S##_columns(out + j, a + j * sma, sma, sa, b + j * smb, smb, sb, \
                                     m - j < AC_DOT_COLUMNS ? m - j : AC_DOT_COLUMNS, n); \
            } \
        } \
        else { \
            for (j = 0; j < m; j++) { \
                out[j] = ac_dot_##S##_row(a + j * sma, sa, b + j * smb, sb, n); \
            } \
        } \
    } \
    static void ac_dot_##S##_plus(char *to, const char *from, ac_intp n) \
    { \
        ACC *out = (ACC *)to; \
        const ACC *a = (const ACC *)from; \
        ac_intp i; \
        for (i = 0; i < n; i++) { \
            out[i] = PLUS(ACC, out[i], a[i]); \
        } \
    }

/* What a matrix product needs of a type: a panel of the second matrix packed by rows, and that panel times rows of the
 * first one, each sum in order. */
#define AC_PANELS(S, T, ACC, LOAD, TIMES, PLUS, DECIDED) \
    static void ac_pack_##S(char *to, const char *b, ac_intp sk, ac_intp sj, ac_intp k, ac_intp n) \
    { \
        ACC *out = (ACC *)to; \
        ac_intp i, j; \
        for (i = 0; i < k; i++, b += sk, out += n) { \
            if (sj == (ac_intp)sizeof(T)) { \
                for (j = 0; j < n; j++) { \
                    out[j] = LOAD(((const T *)b)[j]); \
                } \
            } \
            else { \
                for (j = 0; j < n; j++) { \
                    out[j] = LOAD(*(const T *)(b + j * sj)); \
                } \
            } \
        } \
    } \
    static void ac_panel_##S(char *to, const char *a, ac_intp sm, ac_intp sk, const char *panel, ac_intp m, ac_intp k, \
                             ac_intp n) \
    { \
        ACC *out = (ACC *)to; \
        ac_intp r, i, j; \
        for (r = 0; r < m; r++, a += sm, out += n) { \
            const ACC *p = (const ACC *)panel; \
            for (i = 0; i + 4 <= k; i += 4, p += 4 * n) { \
                if (DECIDED(1) && i % 16 == 0) { \
                    int open = 0; \
                    for (j = 0; j < n; j++) { \
                        open |= !DECIDED(out[j]); \
                    } \
                    if (!open) { \
                        i = k; \
                        break; \
                    } \
                } \
                const ACC a1 = LOAD(*(const T *)(a + i * sk)), a2 = LOAD(*(const T *)(a + (i + 1) * sk)); \
                const ACC a3 = LOAD(*(const T *)(a + (i + 2) * sk)), a4 = LOAD(*(const T *)(a + (i + 3) * sk)); \
                AC_INDEPENDENT \
                for (j = 0; j < n; j++) { \
                    ACC x = PLUS(ACC, out[j], TIMES(ACC, a1, p[j])); \
                    x = PLUS(ACC, x, TIMES(ACC, a2, p[n + j])); \
                    x = PLUS(ACC, x, TIMES(ACC, a3, p[2 * n + j])); \
                    out[j] = PLUS(ACC, x, TIMES(ACC, a4, p[3 * n + j])); \
                } \
            } \
            for (; i < k; i++, p += n) { \
                const ACC x = LOAD(*(const T *)(a + i * sk)); \
                AC_INDEPENDENT \
                for (j = 0; j < n; j++) { \
                    out[j] = PLUS(ACC, out[j], TIMES(ACC, x, p[j])); \
                } \
            } \
        } \
    }

#define AC_PRODUCT_STORE(S, T, ACC, CONVERT) \
    static void ac_product_store_##S(char *out, ac_intp so, const char *from, ac_intp n) \
    { \
        const ACC *a = (const ACC *)from; \
        ac_intp i; \
        for (i = 0; i < n; i++) { \
            *(T *)(out + i * so) = CONVERT(a[i]); \
        } \
    }

AC_INLINE ac_intp ac_size_of_step(ac_intp step) { return step < 0 ? -step : step; }

/* To the nearest half, ties to even, with the flags of overflow and underflow. */
static uint16_t ac_half_of_float(float x)
{
    uint32_t bits, size;
    uint16_t sign;
    memcpy(&bits, &x, sizeof(bits));
    size = bits & 0x7fffffffu;
    sign = (uint16_t)((bits >> 16) & 0x8000u);
    if (size > 0x7f800000u) { /* NaN, quiet as all results of arithmetic are */
        return (uint16_t)(sign | 0x7e00u | (size >> 13 & 0x3ffu));
    }
    if (size >= 0x477ff000u) { /* 65520 rounds up to infinity */
        if (size != 0x7f800000u) {
            volatile float large = 3e38f;
            large *= large;
        }
        return (uint16_t)(sign | 0x7c00u);
    }
    if (size < 0x38800000u) { /* subnormal: 2^-24 is the last place of 0.5 */
        float magnitude;
        uint32_t half = 0x3f000000u, rounded;
        memcpy(&magnitude, &size, sizeof(magnitude));
        magnitude += 0.5f;
        memcpy(&rounded, &magnitude, sizeof(rounded));
        magnitude -= 0.5f;
        memcpy(&bits, &magnitude, sizeof(bits));
        if (bits != size) {
            volatile float small = 1e-30f;
            small *= small;
        }
        return (uint16_t)(sign | (rounded - half));
    }
    size += 0xfffu + (size >> 13 & 1u);
    return (uint16_t)(sign | ((size - 0x38000000u) >> 13));
}

#define AC_LOW_BYTE(x) ((uint8_t)(x))
#define AC_PRODUCT(S, T, ACC, LOAD, TIMES, PLUS, DECIDED, STRANDS, CONVERT) \
    AC_DOTS(S, T, ACC, LOAD, TIMES, PLUS, DECIDED, STRANDS) \
    AC_PANELS(S, T, ACC, LOAD, TIMES, PLUS, DECIDED) \
    AC_PRODUCT_STORE(S, T, ACC, CONVERT)

AC_PRODUCT(b1, uint8_t, uint8_t, AC_AS_TRUTH, AC_DOT_B, AC_SUM_B, AC_IF_TRUE, AC_DOT_STRANDS, AC_AS_LOADED)
AC_PRODUCT(w1, uint8_t, uint16_t, AC_AS_LOADED, AC_DOT_W, AC_SUM_W, AC_NEVER, AC_DOT_STRANDS, AC_LOW_BYTE)
AC_PRODUCT(w2, uint16_t, uint16_t, AC_AS_LOADED, AC_DOT_W, AC_SUM_W, AC_NEVER, AC_DOT_STRANDS, AC_AS_LOADED)
AC_PRODUCT(w4, uint32_t, uint32_t, AC_AS_LOADED, AC_DOT_W, AC_SUM_W, AC_NEVER, AC_DOT_STRANDS, AC_AS_LOADED)
AC_PRODUCT(w8, uint64_t, uint64_t, AC_AS_LOADED, AC_DOT_I, AC_SUM_W, AC_NEVER, AC_DOT_STRANDS, AC_AS_LOADED)
AC_PRODUCT(f2, uint16_t, float, ac_float_of_half, AC_DOT_F, AC_SUM_F, AC_NEVER, AC_DOT_STRANDS, ac_half_of_float)
AC_PRODUCT(g, long double, long double, AC_AS_LOADED, AC_DOT_F, AC_SUM_F, AC_NEVER, 1, AC_AS_LOADED)
AC_DOTS(f4, float, float, AC_AS_LOADED, AC_DOT_F, AC_SUM_F, AC_NEVER, AC_DOT_STRANDS)
AC_PRODUCT_STORE(f4, float, float, AC_AS_LOADED)
AC_DOTS(f8, double, double, AC_AS_LOADED, AC_DOT_F, AC_SUM_F, AC_NEVER, AC_DOT_STRANDS)
AC_PRODUCT_STORE(f8, double, double, AC_AS_LOADED)

/* The first factor conjugated. */
#define AC_DOT_COMPLEX(S, T) \
    AC_INLINE ac_complex_##S ac_dot_##S##_leaf(const char *a, ac_intp sa, const char *b, ac_intp sb, ac_intp n) \
    { \
        T re[8] = {0}, im[8] = {0}; \
        ac_complex_##S sum; \
        ac_intp i; \
        int k; \
        for (i = 0; i + 8 <= n; i += 8, a += 8 * sa, b += 8 * sb) { \
            for (k = 0; k < 8; k++) { \
                const ac_complex_##S *x = (const ac_complex_##S *)(a + k * sa); \
                const ac_complex_##S *y = (const ac_complex_##S *)(b + k * sb); \
                re[k] += x->re * y->re + x->im * y->im; \
                im[k] += x->re * y->im - x->im * y->re; \
            } \
        } \
        sum.re = ((re[0] + re[4]) + (re[2] + re[6])) + ((re[1] + re[5]) + (re[3] + re[7])); \
        sum.im = ((im[0] + im[4]) + (im[2] + im[6])) + ((im[1] + im[5]) + (im[3] + im[7])); \
        for (; i < n; i++, a += sa, b += sb) { \
            const ac_complex_##S *x = (const ac_complex_##S *)a, *y = (const ac_complex_##S *)b; \
            sum.re += x->re * y->re + x->im * y->im; \
            sum.im += x->re * y->im - x->im * y->re; \
        } \
        return sum; \
    } \
    static ac_complex_##S ac_dot_##S##_row(const char *a, ac_intp sa, const char *b, ac_intp sb, ac_intp n) \
    { \
        const ac_intp one = (ac_intp)sizeof(ac_complex_##S); \
        if (n > AC_DOT_LEAF / 4) { \
            const ac_intp half = n / 2 - n / 2 % 8; \
            const ac_complex_##S first = ac_dot_##S##_row(a, sa, b, sb, half); \
            return ac_plus_of_##S(first, ac_dot_##S##_row(a + half * sa, sa, b + half * sb, sb, n - half)); \
        } \
        return sa == one && sb == one ? ac_dot_##S##_leaf(a, one, b, one, n) : ac_dot_##S##_leaf(a, sa, b, sb, n); \
    } \
    static void ac_dot_##S(char *out, const char *a, ac_intp sma, ac_intp sa, const char *b, ac_intp smb, ac_intp sb, \
                           ac_intp m, ac_intp n) \
    { \
        ac_intp j; \
        for (j = 0; j < m; j++) { \
            ((ac_complex_##S *)out)[j] = ac_dot_##S##_row(a + j * sma, sa, b + j * smb, sb, n); \
        } \
    } \
    static void ac_dot_##S##_plus(char *out, const char *a, ac_intp n) \
    { \
        ac_intp i; \
        for (i = 0; i < n; i++) { \
            ((ac_complex_##S *)out)[i] = ac_plus_of_##S(((ac_complex_##S *)out)[i], ((const ac_complex_##S *)a)[i]); \
        } \
    } \
    AC_PRODUCT_STORE(S, ac_complex_##S, ac_complex_##S, AC_AS_LOADED)

AC_DOT_COMPLEX(c8, float)
AC_DOT_COMPLEX(c16, double)

#endif
