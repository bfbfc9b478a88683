/* Programs that treat each row, or each column, by itself. Ranges are of rows; `m` is the length
   of one. */
#include "loop.h"

#define ROW(T)                                                                     \
    EXTENT(m, 2);                                                                  \
    const T *x = (const T *)p[1] + i * m;                                          \
    T *restrict o = (T *)p[0] + i * m
#define ALONG for (long j = 0; j < m; j++)

void softmax(void *const *p, long lo, long hi, int part) {
    for (long i = lo; i < hi; i++) {
        ROW(float);
        float most = x[0], total = 0;
#pragma omp simd reduction(max : most)
        ALONG most = x[j] > most ? x[j] : most;
#pragma omp simd reduction(+ : total)
        ALONG total += o[j] = expf(x[j] - most);
        ALONG o[j] /= total;
    }
}

void layer_norm(void *const *p, long lo, long hi, int part) {
    for (long i = lo; i < hi; i++) {
        ROW(float);
        float total = 0, squares = 0;
#pragma omp simd reduction(+ : total)
        ALONG total += x[j];
        const float mean = total / m;
#pragma omp simd reduction(+ : squares)
        ALONG squares += (x[j] - mean) * (x[j] - mean);
        const float deviation = sqrtf(squares / m + 1e-5f);
        ALONG o[j] = (x[j] - mean) / deviation;
    }
}

void unit_rows(void *const *p, long lo, long hi, int part) {
    for (long i = lo; i < hi; i++) {
        ROW(float);
        float squares = 0;
#pragma omp simd reduction(+ : squares)
        ALONG squares += x[j] * x[j];
        const float length = sqrtf(squares);
        ALONG o[j] = x[j] / length;
    }
}

/* Eight columns; in one part only. */
void standard_columns(void *const *p, long lo, long hi, int part) {
    enum { M = 8 };
    double *restrict o = p[0];
    const double *x = p[1];
    double mean[M] = {0}, squares[M] = {0};
    EACH for (int j = 0; j < M; j++) mean[j] += x[M * i + j];
    for (int j = 0; j < M; j++) mean[j] /= hi - lo;
    EACH for (int j = 0; j < M; j++) squares[j] += (x[M * i + j] - mean[j]) * (x[M * i + j] - mean[j]);
    for (int j = 0; j < M; j++) squares[j] = sqrt(squares[j] / (hi - lo));
    EACH for (int j = 0; j < M; j++) o[M * i + j] = (x[M * i + j] - mean[j]) / squares[j];
}
