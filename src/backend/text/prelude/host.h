// The host: plain operators, which the compiler must not contract (-ffp-contract=off). A block of a
// launch is a call, its threads are a loop.

#define HL_FN static inline
#define HL_MATH static __attribute__((noinline))
#define HL_TABLE static const

HL_FN f32 hl_add(f32 a, f32 b) { return a + b; }
HL_FN f64 hl_add(f64 a, f64 b) { return a + b; }
HL_FN f32 hl_sub(f32 a, f32 b) { return a - b; }
HL_FN f64 hl_sub(f64 a, f64 b) { return a - b; }
HL_FN f32 hl_mul(f32 a, f32 b) { return a * b; }
HL_FN f64 hl_mul(f64 a, f64 b) { return a * b; }
HL_FN f32 hl_div(f32 a, f32 b) { return a / b; }
HL_FN f64 hl_div(f64 a, f64 b) { return a / b; }
HL_FN f32 hl_fma(f32 a, f32 b, f32 c) { return __builtin_fmaf(a, b, c); }
HL_FN f64 hl_fma(f64 a, f64 b, f64 c) { return __builtin_fma(a, b, c); }
HL_FN f32 hl_sqrt(f32 a) { return __builtin_sqrtf(a); }
HL_FN f64 hl_sqrt(f64 a) { return __builtin_sqrt(a); }
HL_FN f32 hl_fmod(f32 a, f32 b) { return __builtin_fmodf(a, b); }
HL_FN f64 hl_fmod(f64 a, f64 b) { return __builtin_fmod(a, b); }
HL_FN f32 hl_floor(f32 a) { return __builtin_floorf(a); }
HL_FN f64 hl_floor(f64 a) { return __builtin_floor(a); }
HL_FN f32 hl_ceil(f32 a) { return __builtin_ceilf(a); }
HL_FN f64 hl_ceil(f64 a) { return __builtin_ceil(a); }
HL_FN f32 hl_trunc(f32 a) { return __builtin_truncf(a); }
HL_FN f64 hl_trunc(f64 a) { return __builtin_trunc(a); }
HL_FN f32 hl_rint(f32 a) { return __builtin_rintf(a); }
HL_FN f64 hl_rint(f64 a) { return __builtin_rint(a); }

HL_FN u32 hl_bits(f32 a) { u32 b; __builtin_memcpy(&b, &a, 4); return b; }
HL_FN u64 hl_bits(f64 a) { u64 b; __builtin_memcpy(&b, &a, 8); return b; }
HL_FN f32 hl_float(u32 a) { f32 b; __builtin_memcpy(&b, &a, 4); return b; }
HL_FN f64 hl_float(u64 a) { f64 b; __builtin_memcpy(&b, &a, 8); return b; }

// Zeros above and below the ones of a number that has some, and how many ones it has.
HL_FN int hl_leading(u64 a) { return __builtin_clzll(a); }
HL_FN int hl_trailing(u64 a) { return __builtin_ctzll(a); }
HL_FN int hl_ones(u64 a) { return __builtin_popcountll(a); }

// Arrays of the host need not be aligned.
template <class T> HL_FN T hl_read(const u8 *a) { T x; __builtin_memcpy(&x, a, sizeof x); return x; }
template <class T> HL_FN void hl_write(u8 *a, T x) { __builtin_memcpy(a, &x, sizeof x); }

HL_FN void hl_raise(u32 *flags, u32 raised) {
  if (raised) __atomic_fetch_or(flags, raised, __ATOMIC_RELAXED);
}

#define HL_KERNEL(name, count) extern "C" void name(const hl_launch<count> &p, u64 hl_block)
#define HL_BLOCK hl_block
#define HL_EACH(i, n)                                                    \
  for (u64 i = hl_block * HL_TILE, hl_end = hl_least(n, i + HL_TILE); i < hl_end; i++)

// A phase: its threads one after another, in an order that differs from block to block. What is
// shared is complete only in the next phase.
#define HL_SHARED(type, name) type name[HL_THREADS]
#define HL_PHASE(t)                                                                            \
  for (u32 hl_turn = 0, hl_seed = (u32)(hl_block * 2654435761u >> 7), t;                       \
       hl_turn < HL_THREADS && (t = (hl_turn * (2 * hl_seed + 1) + (hl_seed >> 8)) % HL_THREADS, true); \
       hl_turn++)
