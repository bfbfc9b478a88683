/* Images of bytes, bands of 16-bit integers, hashes and remainders. */
#include "loop.h"

typedef uint8_t u8;
typedef int16_t i16;

#define PAIR(T, U, a, b) OUT(T, o, 0); IN(U, a, 1); IN(U, b, 2)
#define CLAMP(x, low, high) ((x) < (low) ? (low) : (x) > (high) ? (high) : (x))

LOOP(blend, PAIR(u8, u8, a, b), o[i] = (uint16_t)(a[i] * 77 + b[i] * 179) >> 8)
LOOP(difference, PAIR(u8, u8, a, b), o[i] = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i])
LOOP(threshold, OUT(u8, o, 0); IN(u8, a, 1), o[i] = a[i] > 127 ? 255 : 0)
LOOP(contrast, OUT(u8, o, 0); IN(u8, a, 1),
     float x = (a[i] - 128.f) * 1.4f + 128;
     o[i] = (u8)CLAMP(x, 0.f, 255.f))
LOOP(contrast_integer, OUT(u8, o, 0); IN(u8, a, 1),
     i16 x = (a[i] - 128) * 7; /* rounded down, also below zero */
     i16 y = (x - (x < 0 ? 4 : 0)) / 5 + 128;
     o[i] = CLAMP(y, 0, 255))
LOOP(grey, PAIR(u8, u8, r, g); IN(u8, b, 3),
     o[i] = (uint16_t)(r[i] * 77 + g[i] * 150 + b[i] * 29) >> 8)

LOOP(ndvi, PAIR(float, i16, n, r), o[i] = (float)(i16)(n[i] - r[i]) / (i16)(n[i] + r[i]))
LOOP(ndvi_f64, PAIR(double, i16, n, r), o[i] = (double)(i16)(n[i] - r[i]) / (i16)(n[i] + r[i]))
LOOP(evi, PAIR(float, i16, n, r); IN(i16, b, 3),
     o[i] = 2.5f * ((float)n[i] - r[i]) / (n[i] + 6 * (float)r[i] - 7.5f * b[i] + 10000))
LOOP(scaled_index, PAIR(i16, i16, n, r),
     float x = 10000 * (float)(i16)(n[i] - r[i]) / (i16)(n[i] + r[i]);
     o[i] = (i16)CLAMP(x, -10000.f, 10000.f))

LOOP(murmur, OUT(uint32_t, o, 0); IN(uint32_t, x, 1),
     uint32_t y = (x[i] ^ x[i] >> 16) * 0x85ebca6b;
     uint32_t z = (y ^ y >> 13) * 0xc2b2ae35;
     o[i] = z ^ z >> 16)
LOOP(xorshift, OUT(uint64_t, o, 0); IN(uint64_t, x, 1),
     uint64_t y = x[i] ^ x[i] << 13;
     uint64_t z = y ^ y >> 7;
     o[i] = z ^ z << 17)

/* The remainder has the sign of the divisor, as in Python; here that is positive. */
#define BUCKET(name, T)                                                            \
    LOOP(name, OUT(T, o, 0); IN(T, x, 1), T m = x[i] % 1000; o[i] = m < 0 ? m + 1000 : m)
BUCKET(bucket_i32, int32_t)
BUCKET(bucket_i64, int64_t)
BUCKET(bucket_u32, uint32_t)
LOOP(modulus, PAIR(int32_t, int32_t, x, m),
     int32_t r = x[i] % m[i];
     o[i] = r < 0 ? r + m[i] : r)
LOOP(quotient, PAIR(int32_t, int32_t, x, m), o[i] = x[i] / m[i] - (x[i] % m[i] < 0))
