/* Stencils and pair distances. Ranges of two axes are of rows of the output; `m` is the extent of
   an axis of the inputs. */
#include "loop.h"

#define ROWS(T, name, width, ...)                                                  \
    void name(void *const *p, long lo, long hi, int part) {                        \
        IN(T, x, 1);                                                               \
        EXTENT(m, 2);                                                              \
        for (long i = lo; i < hi; i++) {                                           \
            T *restrict o = (T *)p[0] + i * (width);                               \
            const T *above = x + i * m + 1, *at = above + m, *below = at + m;      \
            for (long j = 0; j < (width); j++) { __VA_ARGS__; }                    \
        }                                                                          \
    }
ROWS(double, laplacian_f64, m - 2, o[j] = above[j] + below[j] + at[j - 1] + at[j + 1] - 4 * at[j])
ROWS(float, laplacian_f32, m - 2, o[j] = above[j] + below[j] + at[j - 1] + at[j + 1] - 4 * at[j])
ROWS(float, gradient_length, m - 2,
     float dx = at[j + 1] - at[j - 1], dy = below[j] - above[j];
     o[j] = sqrtf(dx * dx + dy * dy))

LOOP(heat_f64, OUT(double, o, 0); IN(double, x, 1),
     o[i] = x[i + 1] + .1 * (x[i + 2] - 2 * x[i + 1] + x[i]))
LOOP(heat_f32, OUT(float, o, 0); IN(float, x, 1),
     o[i] = x[i + 1] + .1f * (x[i + 2] - 2 * x[i + 1] + x[i]))

#define SQUARE(x) ((x[i] - x[j]) * (x[i] - x[j]))

void pair_distances(void *const *p, long lo, long hi, int part) {
    IN(float, x, 1);
    IN(float, y, 2);
    IN(float, z, 3);
    EXTENT(m, 4);
    for (long i = lo; i < hi; i++) {
        float *restrict o = (float *)p[0] + i * m;
        for (long j = 0; j < m; j++) o[j] = sqrtf(SQUARE(x) + SQUARE(y) + SQUARE(z));
    }
}

void pair_kernel(void *const *p, long lo, long hi, int part) {
    IN(float, x, 1);
    IN(float, y, 2);
    EXTENT(m, 3);
    for (long i = lo; i < hi; i++) {
        float *restrict o = (float *)p[0] + i * m;
        for (long j = 0; j < m; j++) o[j] = expf(-.5f * (SQUARE(x) + SQUARE(y)));
    }
}

void nearest(void *const *p, long lo, long hi, int part) {
    OUT(float, o, 0);
    IN(float, x, 1);
    IN(float, y, 2);
    IN(float, z, 3);
    EXTENT(m, 4);
    for (long i = lo; i < hi; i++) {
        float least = INFINITY;
#pragma omp simd reduction(min : least)
        for (long j = 0; j < m; j++) {
            float d = SQUARE(x) + SQUARE(y) + SQUARE(z);
            least = d < least ? d : least;
        }
        o[i] = least;
    }
}
