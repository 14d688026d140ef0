/* float and double: maximum, minimum, copysign, and with AVX-512 subtract and classification.
 *
 * Not here although faster: add and multiply, as compilers exchange their operands, and which of two NaNs comes out
 * with them; fmax and fmin, as NumPy hands scalar operands to the C library's, and what that gives for signalling NaNs
 * is its own affair. */
#ifndef ALLCORES_LOOPS_FLOAT_H
#define ALLCORES_LOOPS_FLOAT_H

#include "loop.h"

#if AC_LEVEL >= 1

#include <xmmintrin.h>

/* Comparing with a NaN raises invalid. NumPy's maximum clears all flags when it is done, and so do these. */
AC_INLINE void ac_clear_flags(void)
{
    _mm_setcsr(_mm_getcsr() & ~0x3fu);
}

/* Where the operands are equal (zeros of either sign) or neither is greater, NumPy's vector code on x86 takes the
 * second, and a NaN first: the payload that comes out is the first operand's. */
#define AC_FLOAT_EXTREMES(T, S) \
    AC_INLINE T ac_maximum_of_##S(T a, T b) { const T m = a > b ? a : b; return a != a ? a : m; } \
    AC_INLINE T ac_minimum_of_##S(T a, T b) { const T m = a < b ? a : b; return a != a ? a : m; } \
    AC_BINARY(ac_maximum_##S, AC_SCALARS, T, T, ac_maximum_of_##S, ac_clear_flags()) \
    AC_BINARY(ac_minimum_##S, AC_SCALARS, T, T, ac_minimum_of_##S, ac_clear_flags())
AC_FLOAT_EXTREMES(float, f32)
AC_FLOAT_EXTREMES(double, f64)

/* On the bits: no flag can rise, not even for a signalling NaN. */
#define AC_FLOAT_BITS(T, S, BITS, SIGN) \
    AC_INLINE BITS ac_bits_of_##S(T a) { BITS r; memcpy(&r, &a, sizeof(r)); return r; } \
    AC_INLINE T ac_of_bits_##S(BITS a) { T r; memcpy(&r, &a, sizeof(r)); return r; } \
    AC_INLINE T ac_copysign_of_##S(T a, T b) \
    { \
        return ac_of_bits_##S((ac_bits_of_##S(a) & ~SIGN) | (ac_bits_of_##S(b) & SIGN)); \
    } \
    AC_BINARY(ac_copysign_##S, AC_ALL_LAYOUTS, T, T, ac_copysign_of_##S, AC_NOTHING)
AC_FLOAT_BITS(float, f32, uint32_t, 0x80000000u)
AC_FLOAT_BITS(double, f64, uint64_t, 0x8000000000000000u)

#define AC_FLOAT_EVERYWHERE(c, S) \
    AC_ENTRY_2(maximum, c, c, ac_maximum_##S) AC_ENTRY_2(minimum, c, c, ac_minimum_##S) \
    AC_ENTRY_2(copysign, c, c, ac_copysign_##S)
#define AC_LIST_FLOAT_EVERYWHERE AC_FLOAT_EVERYWHERE(f, f32) AC_FLOAT_EVERYWHERE(d, f64)
#else
#define AC_LIST_FLOAT_EVERYWHERE
#endif

#if AC_LEVEL >= 4
#define AC_FLOAT_ARITHMETIC(T, S) \
    AC_INLINE T ac_subtract_of_##S(T a, T b) { return a - b; } \
    AC_BINARY(ac_subtract_##S, AC_ARRAYS, T, T, ac_subtract_of_##S, AC_NOTHING)
AC_FLOAT_ARITHMETIC(float, f32)
AC_FLOAT_ARITHMETIC(double, f64)

#define AC_MAGNITUDE_F64(a) (ac_bits_of_f64(a) & 0x7fffffffffffffffu)
AC_INLINE uint8_t ac_isnan_of_f64(double a) { return AC_MAGNITUDE_F64(a) > 0x7ff0000000000000u; }
AC_INLINE uint8_t ac_isinf_of_f64(double a) { return AC_MAGNITUDE_F64(a) == 0x7ff0000000000000u; }
AC_INLINE uint8_t ac_isfinite_of_f64(double a) { return AC_MAGNITUDE_F64(a) < 0x7ff0000000000000u; }
AC_INLINE uint8_t ac_signbit_of_f64(double a) { return (uint8_t)(ac_bits_of_f64(a) >> 63); }
AC_UNARY(ac_isnan_f64, double, uint8_t, ac_isnan_of_f64)
AC_UNARY(ac_isinf_f64, double, uint8_t, ac_isinf_of_f64)
AC_UNARY(ac_isfinite_f64, double, uint8_t, ac_isfinite_of_f64)
AC_UNARY(ac_signbit_f64, double, uint8_t, ac_signbit_of_f64)

#define AC_LIST_FLOAT_V4 \
    AC_ENTRY_2(subtract, f, f, ac_subtract_f32) AC_ENTRY_2(subtract, d, d, ac_subtract_f64) \
    AC_ENTRY_1(isnan, d, ?, ac_isnan_f64) AC_ENTRY_1(isinf, d, ?, ac_isinf_f64) \
    AC_ENTRY_1(isfinite, d, ?, ac_isfinite_f64) AC_ENTRY_1(signbit, d, ?, ac_signbit_f64)
#else
#define AC_LIST_FLOAT_V4
#endif

#endif
