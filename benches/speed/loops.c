/* The loops that hotloop is measured against, as a C programmer writes them, and the loops that
   do nothing but move bytes or multiply, which say how fast anything could be.

   Built with -O3 -march=native when the bench starts. A loop gets its arrays, outputs first, a
   range of elements (of rows, if it says so) and the number of its part; a sum leaves its part's
   total in a cache line of its own. */
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

typedef void Loop(void *const *p, long lo, long hi, int part);

/* ---- threads that outlive a call, so that starting them is not counted ---- */

enum { SPINS = 2000 }; /* looks at a counter before sleeping: about as long as it takes to wake */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_long round;
    atomic_int left;
    Loop *loop;
    void *const *arrays;
    long n, grain;
    int threads;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void share(int part) {
    long grains = (pool.n + pool.grain - 1) / pool.grain;
    long lo = grains * part / pool.threads * pool.grain;
    long hi = grains * (part + 1) / pool.threads * pool.grain;
    pool.loop(pool.arrays, lo, hi < pool.n ? hi : pool.n, part);
}

static void *work(void *part) {
    for (long seen = 0;;) {
        for (int i = 0; i < SPINS && atomic_load(&pool.round) == seen; i++) _mm_pause();
        if (atomic_load(&pool.round) == seen) {
            pthread_mutex_lock(&pool.lock);
            while (atomic_load(&pool.round) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
            pthread_mutex_unlock(&pool.lock);
        }
        seen++;
        share((int)(intptr_t)part);
        atomic_fetch_sub(&pool.left, 1);
    }
    return 0;
}

/* Starts the pool, once. */
int start(int threads) {
    for (int part = 1; part < threads; part++) {
        pthread_t thread;
        if (pthread_create(&thread, 0, work, (void *)(intptr_t)part)) return 0;
        pthread_detach(thread);
    }
    pool.threads = threads;
    return 1;
}

/* Runs a loop on one thread or on all of the pool; parts begin at multiples of a grain. */
void run(Loop *loop, void *const *arrays, long n, long grain, int alone) {
    if (alone || pool.threads == 1) {
        loop(arrays, 0, n, 0);
        return;
    }
    pool.loop = loop, pool.arrays = arrays, pool.n = n, pool.grain = grain;
    atomic_store(&pool.left, pool.threads - 1);
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.round, 1);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    share(0);
    for (int i = 0; atomic_load(&pool.left); i++) {
        if (i < SPINS) _mm_pause();
        else sched_yield();
    }
}

/* ---- the workloads ---- */

#define OUT(T, name, i) T *restrict name = p[i]
#define IN(T, name, i) const T *name = p[i]
#define EACH for (long i = lo; i < hi; i++)

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

static void leave(void *const *p, int part, double total) { ((double *)p[0])[8 * part] = total; }

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
    const long m = *(const long *)p[3];
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
    const long m = *(const long *)p[3];
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
   cache; the first 19 elements are left alone. */
void rolling_mean(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, x, 1);
    enum { FEW = 1000 };
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

/* ---- the floor ---- */

#if defined __AVX512F__
typedef __m512d Vector;
enum { LANES = 8 };
#define LOAD _mm512_load_pd
#define STORE _mm512_store_pd
#define STREAM _mm512_stream_pd
#define ADD _mm512_add_pd
#define MULADD _mm512_fmadd_pd
#define SPLAT _mm512_set1_pd
#elif defined __FMA__
typedef __m256d Vector;
enum { LANES = 4 };
#define LOAD _mm256_load_pd
#define STORE _mm256_store_pd
#define STREAM _mm256_stream_pd
#define ADD _mm256_add_pd
#define MULADD _mm256_fmadd_pd
#define SPLAT _mm256_set1_pd
#else
typedef __m128d Vector;
enum { LANES = 2 };
#define LOAD _mm_load_pd
#define STORE _mm_store_pd
#define STREAM _mm_stream_pd
#define ADD _mm_add_pd
#define MULADD(x, y, z) _mm_add_pd(_mm_mul_pd(x, y), z)
#define SPLAT _mm_set1_pd
#endif

/* Two arrays in, one out; one in, one out; past the cache and through it. Arrays are aligned to
   64 bytes and n is a multiple of 64. */
#define MOVE(name, store, value)                                                  \
    void name(void *const *p, long lo, long hi, int part) {                       \
        OUT(double, o, 0);                                                        \
        IN(double, a, 1);                                                         \
        IN(double, b, 2);                                                         \
        (void)b;                                                                  \
        for (long i = lo; i < hi; i += LANES) store(o + i, value);                \
        _mm_sfence();                                                             \
    }
MOVE(triad_streamed, STREAM, MULADD(SPLAT(3), LOAD(b + i), LOAD(a + i)))
MOVE(triad_cached, STORE, MULADD(SPLAT(3), LOAD(b + i), LOAD(a + i)))
MOVE(copy_streamed, STREAM, ADD(SPLAT(3), LOAD(a + i)))
MOVE(copy_cached, STORE, ADD(SPLAT(3), LOAD(a + i)))

#define READ(name, more)                                                          \
    void name(void *const *p, long lo, long hi, int part) {                       \
        IN(double, a, 1);                                                         \
        IN(double, b, 2);                                                         \
        (void)b;                                                                  \
        Vector s = SPLAT(0), t = s, u = s, v = s;                                 \
        for (long i = lo; i < hi; i += 4 * LANES) {                               \
            s = more(i, s);                                                       \
            t = more(i + LANES, t);                                               \
            u = more(i + 2 * LANES, u);                                           \
            v = more(i + 3 * LANES, v);                                           \
        }                                                                         \
        double total[LANES] __attribute__((aligned(64)));                         \
        STORE(total, ADD(ADD(s, t), ADD(u, v)));                                  \
        leave(p, part, total[0]);                                                 \
    }
#define ONE(i, s) ADD(LOAD(a + (i)), s)
#define TWO(i, s) MULADD(LOAD(a + (i)), LOAD(b + (i)), s)
READ(read_one, ONE)
READ(read_two, TWO)

/* As many fused multiply-adds as there are elements, in twelve chains that wait for nobody. */
void multiply_add(void *const *p, long lo, long hi, int part) {
    IN(double, start, 1);
    const Vector m = LOAD(start);
#define TWELVE(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11)
#define BEGIN(k) Vector s##k = SPLAT(k);
#define STEP(k) s##k = MULADD(m, m, s##k);
#define GATHER(k) total = ADD(total, s##k);
    TWELVE(BEGIN)
    for (long i = lo; i < hi; i += 12 * LANES) { TWELVE(STEP) }
    Vector total = SPLAT(0);
    TWELVE(GATHER)
    double sum[LANES] __attribute__((aligned(64)));
    STORE(sum, total);
    leave(p, part, sum[0]);
}
