// CUDA: operations that the compiler neither contracts nor approximates, whatever its options.

#define HL_FN static __device__ __forceinline__
#define HL_MATH static __device__
#define HL_TABLE static __device__ const

HL_FN f32 hl_add(f32 a, f32 b) { return __fadd_rn(a, b); }
HL_FN f64 hl_add(f64 a, f64 b) { return __dadd_rn(a, b); }
HL_FN f32 hl_sub(f32 a, f32 b) { return __fsub_rn(a, b); }
HL_FN f64 hl_sub(f64 a, f64 b) { return __dsub_rn(a, b); }
HL_FN f32 hl_mul(f32 a, f32 b) { return __fmul_rn(a, b); }
HL_FN f64 hl_mul(f64 a, f64 b) { return __dmul_rn(a, b); }
HL_FN f32 hl_div(f32 a, f32 b) { return __fdiv_rn(a, b); }
HL_FN f64 hl_div(f64 a, f64 b) { return __ddiv_rn(a, b); }
HL_FN f32 hl_fma(f32 a, f32 b, f32 c) { return __fmaf_rn(a, b, c); }
HL_FN f64 hl_fma(f64 a, f64 b, f64 c) { return __fma_rn(a, b, c); }
HL_FN f32 hl_sqrt(f32 a) { return __fsqrt_rn(a); }
HL_FN f64 hl_sqrt(f64 a) { return __dsqrt_rn(a); }
HL_FN f32 hl_fmod(f32 a, f32 b) { return fmodf(a, b); }
HL_FN f64 hl_fmod(f64 a, f64 b) { return fmod(a, b); }
HL_FN f32 hl_floor(f32 a) { return floorf(a); }
HL_FN f64 hl_floor(f64 a) { return floor(a); }
HL_FN f32 hl_ceil(f32 a) { return ceilf(a); }
HL_FN f64 hl_ceil(f64 a) { return ceil(a); }
HL_FN f32 hl_trunc(f32 a) { return truncf(a); }
HL_FN f64 hl_trunc(f64 a) { return trunc(a); }
HL_FN f32 hl_rint(f32 a) { return rintf(a); }
HL_FN f64 hl_rint(f64 a) { return rint(a); }

HL_FN u32 hl_bits(f32 a) { return __float_as_uint(a); }
HL_FN u64 hl_bits(f64 a) { return (u64)__double_as_longlong(a); }
HL_FN f32 hl_float(u32 a) { return __uint_as_float(a); }
HL_FN f64 hl_float(u64 a) { return __longlong_as_double((i64)a); }

// Zeros above and below the ones of a number that has some, and how many ones it has.
HL_FN int hl_leading(u64 a) { return __clzll((i64)a); }
HL_FN int hl_trailing(u64 a) { return __ffsll((i64)a) - 1; }
HL_FN int hl_ones(u64 a) { return __popcll(a); }

template <class T> HL_FN T hl_read(const u8 *a) { return *(const T *)a; }
template <class T> HL_FN void hl_write(u8 *a, T x) { *(T *)a = x; }

HL_FN void hl_raise(u32 *flags, u32 raised) {
  if (raised) atomicOr(flags, raised);
}

// Parameters stay in constant memory, also where an index into them is not known.
#define HL_KERNEL(name, count) \
  extern "C" __global__ void __launch_bounds__(HL_THREADS) name(const __grid_constant__ hl_launch<count> p)
#define HL_BLOCK (u64)blockIdx.x
#define HL_EACH(i, n)                                                                          \
  for (u64 i = (u64)blockIdx.x * HL_TILE + threadIdx.x,                                        \
           hl_end = hl_least(n, (u64)blockIdx.x * HL_TILE + HL_TILE);                          \
       i < hl_end; i += HL_THREADS)

// A phase: all threads of the block, which wait for each other at its end.
#define HL_SHARED(type, name) __shared__ type name[HL_THREADS]
#define HL_PHASE(t) \
  for (u32 t = threadIdx.x, hl_turn = 0; hl_turn < 1; hl_turn++, __syncthreads())
