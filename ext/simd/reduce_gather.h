/* Copies of pieces of a row into a buffer, converted to the type that is summed: for sums with a dtype, and for rows
 * that NumPy itself makes from several. */
#ifndef ALLCORES_REDUCE_GATHER_H
#define ALLCORES_REDUCE_GATHER_H

#include "loop.h"
#include "reduce_complex.h"
#include "reduce_table.h"

#define AC_GATHER(NAME, IN, OUT, CONVERT) \
    static void NAME(char *dst, const char *a, ac_intp n, ac_intp sn, const char *mean) \
    { \
        OUT *o = (OUT *)dst; \
        ac_intp i; \
        (void)mean; \
        if (sn == (ac_intp)sizeof(IN)) { \
            const IN *p = (const IN *)a; \
            AC_INDEPENDENT \
            for (i = 0; i < n; i++) { \
                o[i] = CONVERT(p[i]); \
            } \
        } \
        else { \
            for (i = 0; i < n; i++) { \
                o[i] = CONVERT(*(const IN *)(a + i * sn)); \
            } \
        } \
    }

#define AC_GATHER_SQUARES(S, IN, OUT) \
    static void ac_gather_squares_##S(char *dst, const char *a, ac_intp n, ac_intp sn, const char *mean) \
    { \
        OUT *o = (OUT *)dst; \
        const OUT c = *(const OUT *)mean; \
        ac_intp i; \
        if (sn == (ac_intp)sizeof(IN)) { \
            const IN *p = (const IN *)a; \
            AC_INDEPENDENT \
            for (i = 0; i < n; i++) { \
                const OUT x = (OUT)p[i] - c; \
                o[i] = x * x; \
            } \
        } \
        else { \
            for (i = 0; i < n; i++) { \
                const OUT x = (OUT)*(const IN *)(a + i * sn) - c; \
                o[i] = x * x; \
            } \
        } \
    }

/* Half precision: exponent and fraction moved into place make a float 2^112 too small, subnormals included. */
AC_INLINE float ac_float_of_half(uint16_t h)
{
    const uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13, sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t special = magnitude | 0x7f800000u, bits;
    float x;
    memcpy(&x, &magnitude, sizeof(x));
    x *= 5.192296858534828e33f; /* 2^112 */
    memcpy(&bits, &x, sizeof(bits));
    bits = (magnitude >= 0x0f800000u ? special : bits) | sign;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

#define AC_AS_IS(x) (x)
#define AC_TO_F4(x) ((float)(x))
#define AC_TO_F8(x) ((double)(x))
#define AC_HALF_TO_F4(x) ac_float_of_half(x)
#define AC_HALF_TO_F8(x) ((double)ac_float_of_half(x))
#define AC_BOOL_TO_F4(x) ((float)((x) != 0))
#define AC_BOOL_TO_F8(x) ((double)((x) != 0))

#define AC_GATHER_REAL(S, IN) \
    AC_GATHER(ac_gather_f4_##S, IN, float, AC_TO_F4) \
    AC_GATHER(ac_gather_f8_##S, IN, double, AC_TO_F8)

AC_GATHER(ac_gather_f4_b1, uint8_t, float, AC_BOOL_TO_F4)
AC_GATHER(ac_gather_f8_b1, uint8_t, double, AC_BOOL_TO_F8)
AC_GATHER(ac_gather_f4_f2, uint16_t, float, AC_HALF_TO_F4)
AC_GATHER(ac_gather_f8_f2, uint16_t, double, AC_HALF_TO_F8)
AC_GATHER_REAL(i1, int8_t)
AC_GATHER_REAL(i2, int16_t)
AC_GATHER_REAL(i4, int32_t)
AC_GATHER_REAL(i8, int64_t)
AC_GATHER_REAL(u1, uint8_t)
AC_GATHER_REAL(u2, uint16_t)
AC_GATHER_REAL(u4, uint32_t)
AC_GATHER_REAL(u8, uint64_t)
AC_GATHER(ac_gather_f8_f4, float, double, AC_TO_F8)
AC_GATHER(ac_gather_same_f4, float, float, AC_AS_IS)
AC_GATHER(ac_gather_same_f8, double, double, AC_AS_IS)
AC_GATHER(ac_gather_same_c8, ac_complex_c8, ac_complex_c8, AC_AS_IS)
AC_GATHER(ac_gather_same_c16, ac_complex_c16, ac_complex_c16, AC_AS_IS)

AC_GATHER_SQUARES(f4, float, float)
AC_GATHER_SQUARES(f8, double, double)
AC_GATHER_SQUARES(i1, int8_t, double)
AC_GATHER_SQUARES(i2, int16_t, double)
AC_GATHER_SQUARES(i4, int32_t, double)
AC_GATHER_SQUARES(i8, int64_t, double)
AC_GATHER_SQUARES(u1, uint8_t, double)
AC_GATHER_SQUARES(u2, uint16_t, double)
AC_GATHER_SQUARES(u4, uint32_t, double)
AC_GATHER_SQUARES(u8, uint64_t, double)

#endif
