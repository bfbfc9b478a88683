/* The loops that hotloop is measured against, as a C programmer writes them.
   Built with -O3 -march=native at run time; the widths are what their names say. */
#include <immintrin.h>
#include <math.h>

void triad(double *o, const double *a, const double *b, long n) {
    for (long i = 0; i < n; i++) o[i] = 2 * a[i] + 3 * b[i];
}

/* Four independent chains of 128-bit vectors; n is a multiple of 8. */
void horner_128(double *o, const double *x, long n) {
    for (long i = 0; i < n; i += 8) {
        __m128d v[4], r[4];
        for (int j = 0; j < 4; j++) {
            v[j] = _mm_loadu_pd(x + i + 2 * j);
            r[j] = _mm_set1_pd(1.0);
        }
#pragma GCC unroll 20
        for (int k = 1; k <= 20; k++) {
            __m128d c = _mm_set1_pd(k / 32.0);
            for (int j = 0; j < 4; j++) r[j] = _mm_fmadd_pd(r[j], v[j], c);
        }
        for (int j = 0; j < 4; j++) _mm_storeu_pd(o + i + 2 * j, r[j]);
    }
}

void horner_native(double *restrict o, const double *restrict x, long n) {
    for (long i = 0; i < n; i++) {
        double r = 1.0;
#pragma GCC unroll 20
        for (int k = 1; k <= 20; k++) r = fma(r, x[i], k / 32.0);
        o[i] = r;
    }
}

/* What the 128-bit code of a small call costs by itself. */
__attribute__((target("prefer-vector-width=128")))
void ratio_128(double *restrict o, const double *restrict a, const double *restrict b,
               const double *restrict c, long n) {
    for (long i = 0; i < n; i++) o[i] = (a[i] - b[i]) / (a[i] + b[i]) * c[i];
}
