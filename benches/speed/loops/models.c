/* Losses, distances on a sphere, polynomials and iterated maps. */
#include "loop.h"

#define LOGISTIC_LOSS(name, T, fabs, exp, log1p)                                   \
    void name(void *const *p, long lo, long hi, int part) {                        \
        IN(T, z, 1);                                                               \
        IN(T, y, 2);                                                               \
        EXTENT(n, 3);                                                              \
        T total = 0;                                                               \
        _Pragma("omp simd reduction(+ : total)")                                   \
        EACH total += (z[i] > 0 ? z[i] : 0) - z[i] * y[i] + log1p(exp(-fabs(z[i]))); \
        ((T *)p[0])[64 / sizeof(T) * part] = total / n;                            \
    }
LOGISTIC_LOSS(logistic_loss_f64, double, fabs, exp, log1p)
LOGISTIC_LOSS(logistic_loss_f32, float, fabsf, expf, log1pf)

LOOP(logistic_gradient_f64, OUT(double, o, 0); IN(double, z, 1); IN(double, y, 2),
     o[i] = 1 / (1 + exp(-z[i])) - y[i])
LOOP(logistic_gradient_f32, OUT(float, o, 0); IN(float, z, 1); IN(float, y, 2),
     o[i] = 1 / (1 + expf(-z[i])) - y[i])

#define HAVERSINE(name, T, sqrt, sin, cos, asin)                                   \
    LOOP(name, OUT(T, o, 0); IN(T, a, 1); IN(T, b, 2); IN(T, l, 3); IN(T, m, 4),    \
         T u = sin((b[i] - a[i]) / 2), v = sin((m[i] - l[i]) / 2);                 \
         o[i] = 12742 * asin(sqrt(u * u + cos(a[i]) * cos(b[i]) * (v * v))))
HAVERSINE(haversine_f64, double, sqrt, sin, cos, asin)
HAVERSINE(haversine_f32, float, sqrtf, sinf, cosf, asinf)

LOOP(degree_5, OUT(float, o, 0); IN(float, v, 1),
     float x = v[i];
     o[i] = ((((.2f * x + .3f) * x - .7f) * x + 1.1f) * x - .4f) * x + .9f)
LOOP(quotient_of_cubics, OUT(float, o, 0); IN(float, v, 1),
     float x = v[i];
     o[i] = (1 + x * (.5f + x * (.1f + x * .008f))) / (1 - x * (.5f - x * (.1f - x * .008f))))

void degree_20(void *const *p, long lo, long hi, int part) {
    OUT(float, o, 0);
    IN(float, x, 1);
    EACH {
        float r = 1;
#pragma GCC unroll 20
        for (int k = 1; k <= 20; k++) r = r * x[i] + k / 32.f;
        o[i] = r;
    }
}

/* |z|^2 after ten steps of z*z + c from zero. */
#define TEN_STEPS(name, T)                                                         \
    void name(void *const *p, long lo, long hi, int part) {                        \
        OUT(T, o, 0);                                                              \
        IN(T, x, 1);                                                               \
        IN(T, y, 2);                                                               \
        EACH {                                                                     \
            T a = x[i], b = y[i];                                                  \
            _Pragma("GCC unroll 9")                                                \
            for (int k = 0; k < 9; k++) {                                          \
                T next = a * a - b * b + x[i];                                     \
                b = 2 * a * b + y[i];                                              \
                a = next;                                                          \
            }                                                                      \
            o[i] = a * a + b * b;                                                  \
        }                                                                          \
    }
TEN_STEPS(ten_steps_f64, double)
TEN_STEPS(ten_steps_f32, float)

void logistic_map(void *const *p, long lo, long hi, int part) {
    OUT(double, o, 0);
    IN(double, x, 1);
    EACH {
        double t = x[i];
#pragma GCC unroll 10
        for (int k = 0; k < 10; k++) t = 3.7 * t * (1 - t);
        o[i] = t;
    }
}

LOOP(sine_plus, OUT(double, o, 0); IN(double, a, 1); IN(double, b, 2), o[i] = sin(a[i]) + b[i])
