/* The loops of the first table. */
#include "loop.h"

void axpby(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, a, 1);
    IN(double, b, 2);
    EACH o[i] = 2 * a[i] + 3 * b[i];
}

void sincos_squares(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, a, 1);
    IN(double, b, 2);
    EACH {
        double s = sin(a[i]), c = cos(b[i]);
        o[i] = s * s + c * c;
    }
}

void cubic(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, x, 1);
    EACH o[i] = ((.25 * x[i] + .75) * x[i] - 1.5) * x[i] - 2;
}

#define BLACK_SCHOLES(name, T, sqrt, log, exp, erf)                                        \
    void name(void *const *p, long lo, long hi, int part) {                                \
        OUT(T, call, 0);                                                                   \
        OUT(T, put, 1);                                                                    \
        IN(T, S, 2);                                                                       \
        IN(T, K, 3);                                                                       \
        IN(T, t, 4);                                                                       \
        const T r = .03, v = .2, h = sqrt((T).5), drift = r + v * v / 2;                   \
        EACH {                                                                             \
            T root = v * sqrt(t[i]);                                                       \
            T d1 = (log(S[i] / K[i]) + drift * t[i]) / root, d2 = d1 - root;               \
            T ke = K[i] * exp(-r * t[i]);                                                  \
            T c = S[i] * (T).5 * (1 + erf(d1 * h)) - ke * (T).5 * (1 + erf(d2 * h));       \
            call[i] = c;                                                                   \
            put[i] = c - S[i] + ke;                                                        \
        }                                                                                  \
    }
BLACK_SCHOLES(black_scholes_f64, double, sqrt, log, exp, erf)
BLACK_SCHOLES(black_scholes_f32, float, sqrtf, logf, expf, erff)

void dot(void *const *p, long lo, long hi, int part) {
    IN(double, a, 1);
    IN(double, b, 2);
    double total = 0;
#pragma omp simd reduction(+ : total)
    EACH total += a[i] * b[i];
    leave(p, part, total);
}

void squared_distance(void *const *p, long lo, long hi, int part) {
    IN(double, a, 1);
    IN(double, b, 2);
    double total = 0;
#pragma omp simd reduction(+ : total)
    EACH total += (a[i] - b[i]) * (a[i] - b[i]);
    leave(p, part, total);
}

void choose(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, a, 1);
    IN(double, b, 2);
    EACH o[i] = (a[i] > .5) & (b[i] < .3) ? a[i] * 2 : b[i] + 1;
}

/* Every second element of the last array. */
void mixed(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(int32_t, n, 1);
    IN(float, f, 2);
    IN(double, a, 3);
    EACH o[i] = (double)n[i] * f[i] + a[2 * i];
}

void exponentials(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, a, 1);
    IN(double, b, 2);
    EACH o[i] = exp(-a[i] * b[i]) + log1p(a[i]) + pow(a[i], b[i]);
}

enum { BLOCK = 64 };
#define UP_TO(x, end) ((x) < (end) ? (x) : (end))

/* Ranges are of rows; c is in C order, f in Fortran order; p[3] is the side of both. Each is read
   along its lines, f by as many rows as the sums of which stay in the cache. */
void row_sums(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, c, 1);
    IN(double, f, 2);
    EXTENT(m, 3);
    for (long r = lo; r < hi; r += BLOCK) {
        long end = UP_TO(r + BLOCK, hi);
        for (long i = r; i < end; i++) {
            double total = 0;
#pragma omp simd reduction(+ : total)
            for (long j = 0; j < m; j++) total += c[i * m + j];
            o[i] = 2 * total;
        }
        for (long j = 0; j < m; j++)
            for (long i = r; i < end; i++) o[i] += f[j * m + i];
    }
}

/* Ranges and arrays as above; blocks keep the lines of f until all of their rows had their turn. */
void sincos_squares_blocked(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, c, 1);
    IN(double, f, 2);
    EXTENT(m, 3);
    for (long r = lo; r < hi; r += BLOCK) {
        long end = UP_TO(r + BLOCK, hi);
        for (long k = 0; k < m; k += BLOCK) {
            long last = UP_TO(k + BLOCK, m);
            for (long i = r; i < end; i++)
                for (long j = k; j < last; j++) {
                    double x = sin(c[i * m + j]), y = cos(f[j * m + i]);
                    o[i * m + j] = x * x + y * y;
                }
        }
    }
}

/* The mean of the last 20, as 16 + 4, from sums of 2, 4, 8 and 16 over a block that stays in the
   cache; the first 19 are NaN. */
void rolling_mean(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, x, 1);
    enum { FEW = 1000 };
    for (long i = lo; i < 19 && i < hi; i++) o[i] = __builtin_nan("");
    double two[FEW + 18], four[FEW + 16], eight[FEW + 8], sixteen[FEW];
    for (long at = lo < 19 ? 19 : lo; at < hi; at += FEW) {
        const double *first = x + at - 19; /* two[i] is of first[i] and the next, and so on */
        long n = UP_TO(FEW, hi - at);
        for (long i = 0; i < n + 18; i++) two[i] = first[i] + first[i + 1];
        for (long i = 0; i < n + 16; i++) four[i] = two[i] + two[i + 2];
        for (long i = 0; i < n + 8; i++) eight[i] = four[i] + four[i + 4];
        for (long i = 0; i < n; i++) sixteen[i] = eight[i] + eight[i + 8];
        for (long i = 0; i < n; i++) o[at + i] = (sixteen[i] + four[i + 16]) * (1 / 20.);
    }
}

/* An exponential moving average; in one part only, as each element needs the one before. */
void moving_average(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, x, 1);
    double s = x[0];
    o[0] = s;
    for (long i = 1; i < hi; i++) o[i] = s = fma(.9, s, .1 * x[i]);
}

/* 20 multiplications and 20 additions by Horner's rule, with coefficients 1/32, 2/32, ... */
void horner(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, x, 1);
    EACH {
        double r = 1;
#pragma GCC unroll 20
        for (int k = 1; k <= 20; k++) r = fma(r, x[i], k / 32.);
        o[i] = r;
    }
}

#ifdef __FMA__
/* The same on 128-bit vectors, four independent chains; n is a multiple of 8. */
void horner_128(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, x, 1);
    for (long i = lo; i < hi; i += 8) {
        __m128d v[4], r[4];
        for (int j = 0; j < 4; j++) {
            v[j] = _mm_loadu_pd(x + i + 2 * j);
            r[j] = _mm_set1_pd(1);
        }
#pragma GCC unroll 20
        for (int k = 1; k <= 20; k++) {
            __m128d c = _mm_set1_pd(k / 32.);
            for (int j = 0; j < 4; j++) r[j] = _mm_fmadd_pd(r[j], v[j], c);
        }
        for (int j = 0; j < 4; j++) _mm_storeu_pd(o + i + 2 * j, r[j]);
    }
}
#endif

#define RATIO(name, attribute)                                                  \
    attribute void name(void *const *p, long lo, long hi, int part) {           \
        OUT(double, o, 0);                                                      \
        IN(double, a, 1);                                                       \
        IN(double, b, 2);                                                       \
        IN(double, c, 3);                                                       \
        EACH o[i] = (a[i] - b[i]) / (a[i] + b[i]) * c[i];                       \
    }
RATIO(ratio, )
RATIO(ratio_128, __attribute__((target("prefer-vector-width=128"))))
