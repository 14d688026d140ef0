/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_HYPERBOLIC_COEFFICIENTS_H
#define ALLCORES_MATH_HYPERBOLIC_COEFFICIENTS_H

/* sinh(r) = r + r^3 p(r^2), |r| <= log(2) / 2 */
/* largest error 5.2e-19 */
#define AC_SINH_P0 0x1.5555555555559p-3
#define AC_SINH_P1 0x1.111111110f6adp-7
#define AC_SINH_P2 0x1.a01a01afe58ffp-13
#define AC_SINH_P3 0x1.71ddf852a2c36p-19
#define AC_SINH_P4 0x1.af5ec0aa08f7ap-26
/* cosh(r) = 1 + r^2 / 2 + r^4 p(r^2) */
/* largest error 4.3e-21 */
#define AC_COSH_P0 0x1.5555555555558p-5
#define AC_COSH_P1 0x1.6c16c16c1504bp-10
#define AC_COSH_P2 0x1.a01a01ad6409ep-16
#define AC_COSH_P3 0x1.27e4cc4dbe56fp-22
#define AC_COSH_P4 0x1.1f8b7bea99013p-29
/* the same for float32 results */
/* largest error 5.3e-12 */
#define AC_SINHF_P0 0x1.555555738861fp-3
#define AC_SINHF_P1 0x1.1110b1c280d2ap-7
#define AC_SINHF_P2 0x1.a16ff3333a7d7p-13
/* largest error 9.8e-11 */
#define AC_COSHF_P0 0x1.5554e61787cb6p-5
#define AC_COSHF_P1 0x1.6d4eed81c046cp-10
/* the same in float32 arithmetic */
/* largest error 1.9e-08 */
#define AC_SINH_SINGLE_P0 0x1.55548a0000000p-3f
#define AC_SINH_SINGLE_P1 0x1.123dbc0000000p-7f
/* largest error 9.8e-11 */
#define AC_COSH_SINGLE_P0 0x1.0000000000000p-1f
#define AC_COSH_SINGLE_P1 0x1.5554e60000000p-5f
#define AC_COSH_SINGLE_P2 0x1.6d4f080000000p-10f
/* tanh(x) = x + x^3 p(x^2), |x| <= 1; then in float32 arithmetic */
/* largest error 1.6e-17 */
#define AC_TANH_P0 -0x1.555555555554fp-2
#define AC_TANH_P1 0x1.1111111110aedp-3
#define AC_TANH_P2 -0x1.ba1ba1b9dc107p-5
#define AC_TANH_P3 0x1.664f4878471aep-6
#define AC_TANH_P4 -0x1.226e345575ec9p-7
#define AC_TANH_P5 0x1.d6d3ae7fd6d43p-9
#define AC_TANH_P6 -0x1.7da1d74ca8b8ep-10
#define AC_TANH_P7 0x1.354b36b4a34fcp-11
#define AC_TANH_P8 -0x1.f4dde2cdab418p-13
#define AC_TANH_P9 0x1.9398f4e946f67p-14
#define AC_TANH_P10 -0x1.3f454614ce238p-15
#define AC_TANH_P11 0x1.df0621ac11199p-17
#define AC_TANH_P12 -0x1.3f2102b54251ep-18
#define AC_TANH_P13 0x1.54f514c5c3586p-20
#define AC_TANH_P14 -0x1.f3be69c52c2c6p-23
#define AC_TANH_P15 0x1.6d6a1a7f608a4p-26
/* largest error 4.7e-09 */
#define AC_TANH_SINGLE_P0 -0x1.55553c0000000p-2f
#define AC_TANH_SINGLE_P1 0x1.110be60000000p-3f
#define AC_TANH_SINGLE_P2 -0x1.b962880000000p-5f
#define AC_TANH_SINGLE_P3 0x1.600bd40000000p-6f
#define AC_TANH_SINGLE_P4 -0x1.04674a0000000p-7f
#define AC_TANH_SINGLE_P5 0x1.2db7ba0000000p-9f
#define AC_TANH_SINGLE_P6 -0x1.7808080000000p-12f

#endif
