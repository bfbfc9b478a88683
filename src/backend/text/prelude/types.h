typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;

// The elements of a block, and its threads.
#define HL_TILE 1024ull
#define HL_THREADS 256

// The parameters of a launch over n elements, which have up to 8 axes, the outermost first.
// Strides are in bytes. Of a reduction the last axes are those of its sequences, of so many elements
// and parts each, accumulated by rows or not.
template <int N> struct hl_launch {
  u64 n;
  const u8 *cells;
  u32 *flags;
  u64 rank;
  u64 extent[8];
  u64 length;
  u64 parts;
  u64 sequences;
  u64 by_rows;
  u8 *partials;
  struct {
    u8 *first;
    i64 stride[8];
  } a[N];
};
