/* Copies past the caches. A store to memory that is not cached first reads the line it will overwrite; a
 * non-temporal store does not, which saves a third of the traffic of a large output. */
#ifndef ALLCORES_STREAM_H
#define ALLCORES_STREAM_H

#include <string.h>

#include "table.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#define AC_STREAM_WIDTH 64
static inline void ac_stream_store(char *dst, const char *src)
{
    _mm512_stream_si512((__m512i *)(void *)dst, _mm512_loadu_si512(src));
}
#elif defined(__AVX__)
#include <immintrin.h>
#define AC_STREAM_WIDTH 32
static inline void ac_stream_store(char *dst, const char *src)
{
    _mm256_stream_si256((__m256i *)(void *)dst, _mm256_loadu_si256((const __m256i *)(const void *)src));
}
#elif defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#define AC_STREAM_WIDTH 16
static inline void ac_stream_store(char *dst, const char *src)
{
    _mm_stream_si128((__m128i *)(void *)dst, _mm_loadu_si128((const __m128i *)(const void *)src));
}
#endif

#if defined(AC_STREAM_WIDTH)
static void ac_stream_copy(char *dst, const char *src, size_t bytes)
{
    /* Ordinary stores up to the first whole cache line and after the last: a line that is streamed in part is
     * written to memory twice. */
    size_t head = (size_t)(-(uintptr_t)dst & 63);
    if (head > bytes) {
        head = bytes;
    }
    memcpy(dst, src, head);
    dst += head, src += head, bytes -= head;
    for (; bytes >= 64; dst += 64, src += 64, bytes -= 64) {
        int i;
        for (i = 0; i < 64; i += AC_STREAM_WIDTH) {
            ac_stream_store(dst + i, src + i);
        }
    }
    memcpy(dst, src, bytes);
    /* Streamed stores are not ordered with the store that will tell another thread that they are done. */
    _mm_sfence();
}
#else
static void ac_stream_copy(char *dst, const char *src, size_t bytes)
{
    memcpy(dst, src, bytes);
}
#endif

#endif
