/* Sums of floats in NumPy's order. A row of n is split at n / 2, rounded down to a multiple of 8, until it has at most
 * 128 elements; such a leaf is summed in eight strands, added pairwise, then what does not fill all strands, in order;
 * below 8 elements it is summed in order from -0. So the order never depends on who sums which part.
 *
 * One strand set of a leaf is one chain of dependent additions. Four neighbouring leaves are summed at once, so that
 * the processor has four. */
#ifndef ALLCORES_REDUCE_PAIRWISE_H
#define ALLCORES_REDUCE_PAIRWISE_H

#include "loop.h"
#include "reduce_fold.h"
#include "reduce_table.h"

enum { AC_LEAF = 128 };

#if defined(__GNUC__)
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi" /* how eight are returned; all that return them are inlined */
#endif
#define AC_EIGHT(T, BITS, S) \
    typedef T ac_eight_##S __attribute__((vector_size(8 * sizeof(T)), aligned(sizeof(T)), may_alias)); \
    typedef BITS ac_bits_##S __attribute__((vector_size(8 * sizeof(T)), aligned(sizeof(T)), may_alias));
#define AC_STRAND(r, k) (r)[k]
#define AC_EIGHT_LOAD(S, x, p) x = *(const ac_eight_##S *)(const void *)(p)
#define AC_EIGHT_ADD(x, y) x += y
#define AC_EIGHT_SQUARE(S, x, c) x -= c, x *= x
#define AC_EIGHT_ABSOLUTE(S, x, c) x = (ac_eight_##S)((ac_bits_##S)(x) & (AC_INFINITE_##S | (AC_INFINITE_##S - 1)))
/* NaN becomes 0. GCC compares element by element what is longer than a register; arithmetic on bits it divides. */
#if defined(__AVX512F__)
#define AC_EIGHT_IS_NUMBER(S, x) (ac_bits_##S)((x) == (x))
#else
#define AC_EIGHT_IS_NUMBER(S, x) \
    (((AC_INFINITE_##S - ((ac_bits_##S)(x) & (AC_INFINITE_##S | (AC_INFINITE_##S - 1)))) >> AC_SIGN_##S) - 1)
#endif
#define AC_EIGHT_NUMBER(S, x, c) x = (ac_eight_##S)((ac_bits_##S)(x) & AC_EIGHT_IS_NUMBER(S, x))
#define AC_EIGHT_NUMBER_SQUARE(S, x, c) \
    do { \
        const ac_bits_##S is_number_ = AC_EIGHT_IS_NUMBER(S, x); \
        x -= c; \
        x *= x; \
        x = (ac_eight_##S)((ac_bits_##S)(x) & is_number_); \
    } while (0)
#else
#define AC_EIGHT(T, BITS, S) typedef struct { T at[8]; } ac_eight_##S;
#define AC_STRAND(r, k) (r).at[k]
#define AC_EACH_STRAND(STATEMENT) do { int k_; for (k_ = 0; k_ < 8; k_++) { STATEMENT; } } while (0)
#define AC_EIGHT_LOAD(S, x, p) x = *(const ac_eight_##S *)(const void *)(p)
#define AC_EIGHT_ADD(x, y) AC_EACH_STRAND((x).at[k_] += (y).at[k_])
#define AC_EIGHT_SQUARE(S, x, c) AC_EACH_STRAND(AC_ONE_SQUARE((x).at[k_], c))
#define AC_EIGHT_ABSOLUTE(S, x, c) AC_EACH_STRAND(AC_ONE_ABSOLUTE((x).at[k_], c))
#define AC_EIGHT_NUMBER(S, x, c) AC_EACH_STRAND(AC_ONE_NUMBER((x).at[k_], c))
#define AC_EIGHT_NUMBER_SQUARE(S, x, c) AC_EACH_STRAND(AC_ONE_NUMBER_SQUARE((x).at[k_], c))
#endif

/* What is summed of an element x, in place: one, or eight. */
#define AC_ONE_AS_IS(x, c) (void)0
#define AC_ONE_SQUARE(x, c) (x) -= (c), (x) *= (x)
#define AC_ONE_ABSOLUTE(x, c) (x) = (x) < 0 ? -(x) : (x) + 0
#define AC_ONE_NUMBER(x, c) (x) = (x) == (x) ? (x) : 0
#define AC_ONE_NUMBER_SQUARE(x, c) (x) = (x) == (x) ? ((x) - (c)) * ((x) - (c)) : 0
#define AC_EIGHT_AS_IS(S, x, c) (void)0

AC_EIGHT(float, uint32_t, f4)
AC_EIGHT(double, uint64_t, f8)
#define AC_INFINITE_f4 0x7f800000u
#define AC_INFINITE_f8 0x7ff0000000000000u
#define AC_SIGN_f4 31
#define AC_SIGN_f8 63

/* The sums of eight rows' strands, each added as a leaf's are. */
#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12)
#define AC_EIGHT_SUMS(S) \
    AC_INLINE ac_eight_##S ac_eight_pairs_##S(ac_eight_##S x, ac_eight_##S y) \
    { \
        return __builtin_shufflevector(x, y, 0, 8, 2, 10, 4, 12, 6, 14) \
            + __builtin_shufflevector(x, y, 1, 9, 3, 11, 5, 13, 7, 15); \
    } \
    AC_INLINE ac_eight_##S ac_eight_fours_##S(ac_eight_##S x, ac_eight_##S y) \
    { \
        return __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13) \
            + __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15); \
    } \
    AC_INLINE ac_eight_##S ac_eight_sums_##S(const ac_eight_##S *r) \
    { \
        const ac_eight_##S x = ac_eight_fours_##S(ac_eight_pairs_##S(r[0], r[1]), ac_eight_pairs_##S(r[2], r[3])); \
        const ac_eight_##S y = ac_eight_fours_##S(ac_eight_pairs_##S(r[4], r[5]), ac_eight_pairs_##S(r[6], r[7])); \
        return __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11) \
            + __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15); \
    }
#else
#define AC_EIGHT_SUMS(S) \
    AC_INLINE ac_eight_##S ac_eight_sums_##S(const ac_eight_##S *r) \
    { \
        ac_eight_##S sum = r[0]; \
        int k; \
        for (k = 0; k < 8; k++) { \
            AC_STRAND(sum, k) = ((AC_STRAND(r[k], 0) + AC_STRAND(r[k], 1)) + (AC_STRAND(r[k], 2) + AC_STRAND(r[k], 3))) \
                + ((AC_STRAND(r[k], 4) + AC_STRAND(r[k], 5)) + (AC_STRAND(r[k], 6) + AC_STRAND(r[k], 7))); \
        } \
        return sum; \
    }
#endif
AC_EIGHT_SUMS(f4)
AC_EIGHT_SUMS(f8)

AC_INLINE ac_intp ac_pairwise_half(ac_intp n) { return n / 2 - n / 2 % 8; }

/* NAME_packed and NAME_strided sum a row of type T (suffix S), each element made what VALUE says. `sn` is literal where
 * it is inlined. */
#define AC_PAIRWISE_SUM(NAME, T, S, VALUE) \
    AC_INLINE T NAME##_one(const char *a, T c) \
    { \
        T x = *(const T *)a; \
        (void)c; \
        AC_ONE_##VALUE(x, c); \
        return x; \
    } \
    AC_INLINE ac_eight_##S NAME##_eight(const char *a, ac_intp sn, T c) \
    { \
        ac_eight_##S x; \
        (void)c; \
        if (sn == (ac_intp)sizeof(T)) { \
            AC_EIGHT_LOAD(S, x, a); \
        } \
        else { \
            int k; \
            for (k = 0; k < 8; k++) { \
                AC_STRAND(x, k) = *(const T *)(a + k * sn); \
            } \
        } \
        AC_EIGHT_##VALUE(S, x, c); \
        return x; \
    } \
    /* The end of a leaf of n whose first `done` elements are in r. */ \
    AC_INLINE T NAME##_finish(ac_eight_##S r, const char *a, ac_intp done, ac_intp n, ac_intp sn, T c) \
    { \
        T sum; \
        for (; done + 8 <= n; done += 8) { \
            const ac_eight_##S x = NAME##_eight(a + done * sn, sn, c); \
            AC_EIGHT_ADD(r, x); \
        } \
        sum = ((AC_STRAND(r, 0) + AC_STRAND(r, 1)) + (AC_STRAND(r, 2) + AC_STRAND(r, 3))) \
            + ((AC_STRAND(r, 4) + AC_STRAND(r, 5)) + (AC_STRAND(r, 6) + AC_STRAND(r, 7))); \
        for (; done < n; done++) { \
            sum += NAME##_one(a + done * sn, c); \
        } \
        return sum; \
    } \
    AC_INLINE T NAME##_leaf(const char *a, ac_intp n, ac_intp sn, T c) \
    { \
        return NAME##_finish(NAME##_eight(a, sn, c), a, 8, n, sn, c); \
    } \
    AC_INLINE T NAME##_four(const char *a, ac_intp n1, ac_intp n2, ac_intp n3, ac_intp n4, ac_intp sn, T c) \
    { \
        const char *b = a + n1 * sn, *d = b + n2 * sn, *e = d + n3 * sn; \
        ac_intp i, common = n1 < n2 ? n1 : n2; \
        ac_eight_##S r1 = NAME##_eight(a, sn, c), r2 = NAME##_eight(b, sn, c), r3 = NAME##_eight(d, sn, c), \
                     r4 = NAME##_eight(e, sn, c); \
        T s1, s2; \
        common = n3 < common ? n3 : common; \
        common = n4 < common ? n4 : common; \
        for (i = 8; i + 8 <= common; i += 8) { \
            const char *const ahead = e + (n4 + i) * sn; \
            AC_PREFETCH(ahead); /* of the next four leaves, which the processor takes for so many new places */ \
            AC_PREFETCH(ahead + n1 * sn); \
            AC_PREFETCH(ahead + (n1 + n2) * sn); \
            AC_PREFETCH(ahead + (n1 + n2 + n3) * sn); \
            const ac_eight_##S x1 = NAME##_eight(a + i * sn, sn, c), x2 = NAME##_eight(b + i * sn, sn, c); \
            const ac_eight_##S x3 = NAME##_eight(d + i * sn, sn, c), x4 = NAME##_eight(e + i * sn, sn, c); \
            AC_EIGHT_ADD(r1, x1); \
            AC_EIGHT_ADD(r2, x2); \
            AC_EIGHT_ADD(r3, x3); \
            AC_EIGHT_ADD(r4, x4); \
        } \
        s1 = NAME##_finish(r1, a, i, n1, sn, c) + NAME##_finish(r2, b, i, n2, sn, c); \
        s2 = NAME##_finish(r3, d, i, n3, sn, c) + NAME##_finish(r4, e, i, n4, sn, c); \
        return s1 + s2; \
    } \
    /* Two copies of the recursion, so that the contiguous one has its stride as a constant. */ \
    AC_PAIRWISE_TREE(NAME, _packed, T, (ac_intp)sizeof(T), 1) \
    AC_PAIRWISE_TREE(NAME, _strided, T, sn, 0)

/* MEAN: whether VALUE asks for it. */
#define AC_PAIRWISE(NAME, T, S, MEAN, VALUE) \
    AC_PAIRWISE_SUM(NAME, T, S, VALUE) \
    AC_INLINE void NAME##_short(ac_intp n, char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp sn, \
                                const char *mean, ac_intp smean) \
    { \
        ac_intp i, j; \
        for (j = 0; j < m; j++, a += sm, out += so, mean += smean) { \
            const T c = MEAN ? *(const T *)mean : 0; \
            T sum = (T)-0.0; \
            for (i = 0; i < n; i++) { \
                sum += NAME##_one(a + i * sn, c); \
            } \
            *(T *)out += sum; \
        } \
    } \
    /* Eight rows of one leaf each, whose strands are added lane by lane. */ \
    AC_INLINE void NAME##_beside(char *out, ac_intp so, const char *a, ac_intp sm, ac_intp n, ac_intp sn) \
    { \
        ac_eight_##S r[8], rest; \
        ac_intp i; \
        int k; \
        for (k = 0; k < 8; k++) { \
            r[k] = NAME##_eight(a + k * sm, sn, 0); \
        } \
        for (i = 8; i + 8 <= n; i += 8) { \
            for (k = 0; k < 8; k++) { \
                const ac_eight_##S x = NAME##_eight(a + k * sm + i * sn, sn, 0); \
                AC_EIGHT_ADD(r[k], x); \
            } \
        } \
        r[0] = ac_eight_sums_##S(r); \
        for (; i < n; i++) { \
            rest = NAME##_eight(a + i * sn, sm, 0); \
            AC_EIGHT_ADD(r[0], rest); \
        } \
        for (k = 0; k < 8; k++) { \
            *(T *)(out + k * so) += AC_STRAND(r[0], k); \
        } \
    } \
    static void NAME##_rows(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                            const char *mean, ac_intp smean) \
    { \
        const ac_intp one = (ac_intp)sizeof(T), acc = (ac_intp)sizeof(T); \
        ac_intp j; \
        if (!(MEAN) && n >= 8 && n <= AC_LEAF && sn == one && sm != one) { \
            for (; m >= 8; m -= 8, out += 8 * so, a += 8 * sm) { \
                NAME##_beside(out, so, a, sm, n, one); \
            } \
        } \
        if (n <= 4 && sn == one && sm == n * one && so == acc) { /* narrow matrices */ \
            switch (n) { \
            case 2: NAME##_short(2, out, acc, a, m, 2 * one, one, mean, smean); break; \
            case 3: NAME##_short(3, out, acc, a, m, 3 * one, one, mean, smean); break; \
            case 4: NAME##_short(4, out, acc, a, m, 4 * one, one, mean, smean); break; \
            default: NAME##_short(n, out, acc, a, m, n * one, one, mean, smean); break; \
            } \
        } \
        else if (n < 8) { \
            NAME##_short(n, out, so, a, m, sm, sn, mean, smean); \
        } \
        else { \
            for (j = 0; j < m; j++, a += sm, out += so, mean += smean) { \
                const T c = MEAN ? *(const T *)mean : 0; \
                *(T *)out += sn == one ? NAME##_packed(a, n, sn, c) : NAME##_strided(a, n, sn, c); \
            } \
        } \
    }

#define AC_PAIRWISE_TREE(NAME, KIND, T, SN, FOUR) \
    static T NAME##KIND(const char *a, ac_intp n, ac_intp sn, T c) \
    { \
        ac_intp n1, n2; \
        (void)sn; \
        if (n < 8) { \
            T sum = (T)-0.0; \
            ac_intp i; \
            for (i = 0; i < n; i++) { \
                sum += NAME##_one(a + i * (SN), c); \
            } \
            return sum; \
        } \
        if (n <= AC_LEAF) { \
            return NAME##_leaf(a, n, SN, c); \
        } \
        n1 = ac_pairwise_half(n), n2 = n - n1; \
        if (FOUR && n1 > AC_LEAF && n2 > AC_LEAF && n <= 4 * AC_LEAF) { \
            const ac_intp n11 = ac_pairwise_half(n1), n21 = ac_pairwise_half(n2); \
            if (n1 - n11 <= AC_LEAF && n2 - n21 <= AC_LEAF) { \
                return NAME##_four(a, n11, n1 - n11, n21, n2 - n21, SN, c); \
            } \
        } \
        return NAME##KIND(a, n1, SN, c) + NAME##KIND(a + n1 * (SN), n2, SN, c); \
    }

#define AC_PLUS_F(r, v, c) ((r) + (v))
#define AC_PLUS_SQUARE_F4(r, v, c) ((r) + ((float)(v) - (c)) * ((float)(v) - (c)))
#define AC_PLUS_SQUARE_F8(r, v, c) ((r) + ((double)(v) - (c)) * ((double)(v) - (c)))

AC_PAIRWISE(ac_add_f4, float, f4, 0, AS_IS)
AC_PAIRWISE(ac_add_f8, double, f8, 0, AS_IS)
AC_FOLD_COLS(ac_add_f4, float, float, AC_PLUS_F)
AC_FOLD_COLS(ac_add_f8, double, double, AC_PLUS_F)

AC_PAIRWISE(ac_squares_f4, float, f4, 1, SQUARE)
AC_FOLD_COLS(ac_squares_f4, float, float, AC_PLUS_SQUARE_F4)
AC_PAIRWISE(ac_squares_f8, double, f8, 1, SQUARE)
AC_FOLD_COLS(ac_squares_f8, double, double, AC_PLUS_SQUARE_F8)
/* Rows of integers are gathered as squares and then added. */
AC_FOLD_COLS(ac_squares_i1, int8_t, double, AC_PLUS_SQUARE_F8)
AC_FOLD_COLS(ac_squares_i2, int16_t, double, AC_PLUS_SQUARE_F8)
AC_FOLD_COLS(ac_squares_i4, int32_t, double, AC_PLUS_SQUARE_F8)
AC_FOLD_COLS(ac_squares_i8, int64_t, double, AC_PLUS_SQUARE_F8)
AC_FOLD_COLS(ac_squares_u1, uint8_t, double, AC_PLUS_SQUARE_F8)
AC_FOLD_COLS(ac_squares_u2, uint16_t, double, AC_PLUS_SQUARE_F8)
AC_FOLD_COLS(ac_squares_u4, uint32_t, double, AC_PLUS_SQUARE_F8)
AC_FOLD_COLS(ac_squares_u8, uint64_t, double, AC_PLUS_SQUARE_F8)

#endif
