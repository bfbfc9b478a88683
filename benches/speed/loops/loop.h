/* What the loops share.

   They are built with -O3 and the instruction set that hotloop is held to when the bench starts. A
   loop gets its arrays, outputs first and after the inputs a pointer to an extent, a range of
   elements (of rows, if it says so) and the number of its part. A sum leaves its part's total in a
   cache line of its own. */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>

typedef void Loop(void *const *p, long lo, long hi, int part);

#define OUT(T, name, i) T *restrict name = p[i]
#define IN(T, name, i) const T *name = p[i]
#define EXTENT(name, i) const long name = *(const long *)p[i]
#define EACH for (long i = lo; i < hi; i++)

/* A loop over elements, with its arrays and the statement for each. */
#define LOOP(name, arrays, ...)                                  \
    void name(void *const *p, long lo, long hi, int part) {      \
        arrays;                                                  \
        EACH { __VA_ARGS__; }                                    \
    }

static inline void leave(void *const *p, int part, double total) {
    ((double *)p[0])[8 * part] = total;
}
