/* Loops that do nothing but move bytes or multiply, which say how fast anything could be. */
#include "loop.h"

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
