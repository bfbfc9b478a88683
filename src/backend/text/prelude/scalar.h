// The semantics of every operation on one element. Integers are computed in unsigned types of 32
// or 64 bits, whose overflow is defined.

enum { HL_BOOL, HL_INT, HL_FLOAT };

template <class T> struct hl_type;
template <> struct hl_type<bool> { static const int kind = HL_BOOL; };
template <class B, class W, bool S> struct hl_int {
  typedef B bits;
  typedef W wide;
  static const int kind = HL_INT;
  static const bool is_signed = S;
  static const int width = 8 * sizeof(B);
};
template <> struct hl_type<i8> : hl_int<u8, u32, true> {};
template <> struct hl_type<i16> : hl_int<u16, u32, true> {};
template <> struct hl_type<i32> : hl_int<u32, u32, true> {};
template <> struct hl_type<i64> : hl_int<u64, u64, true> {};
template <> struct hl_type<u8> : hl_int<u8, u32, false> {};
template <> struct hl_type<u16> : hl_int<u16, u32, false> {};
template <> struct hl_type<u32> : hl_int<u32, u32, false> {};
template <> struct hl_type<u64> : hl_int<u64, u64, false> {};
template <> struct hl_type<f32> {
  typedef u32 bits;
  static const int kind = HL_FLOAT, digits = 24, max_exponent = 128, min_exponent = -125;
};
template <> struct hl_type<f64> {
  typedef u64 bits;
  static const int kind = HL_FLOAT, digits = 53, max_exponent = 1024, min_exponent = -1021;
};

HL_FN u64 hl_least(u64 a, u64 b) { return a < b ? a : b; }

// The sign bit, infinity and the least positive normal number of a float.
template <class T> HL_FN typename hl_type<T>::bits hl_sign() {
  return (typename hl_type<T>::bits)1 << (8 * sizeof(T) - 1);
}
template <class T> HL_FN T hl_infinity() {
  typedef typename hl_type<T>::bits B;
  return hl_float((B)(2 * hl_type<T>::max_exponent - 1) << (hl_type<T>::digits - 1));
}
template <class T> HL_FN T hl_least_normal() {
  return hl_float((typename hl_type<T>::bits)1 << (hl_type<T>::digits - 1));
}

template <class T> HL_FN T hl_add(T a, T b) {
  typedef typename hl_type<T>::wide W;
  return (T)((W)a + (W)b);
}
template <class T> HL_FN T hl_sub(T a, T b) {
  typedef typename hl_type<T>::wide W;
  return (T)((W)a - (W)b);
}
template <class T> HL_FN T hl_mul(T a, T b) {
  typedef typename hl_type<T>::wide W;
  return (T)((W)a * (W)b);
}
template <class T> HL_FN T hl_neg(T a) {
  if constexpr (hl_type<T>::kind == HL_FLOAT) {
    return hl_float(hl_bits(a) ^ hl_sign<T>());
  } else {
    return hl_sub<T>((T)0, a);
  }
}
template <class T> HL_FN bool hl_negative(T a) {
  if constexpr (hl_type<T>::is_signed) {
    return a < 0;
  } else {
    return false;
  }
}
template <class T> HL_FN T hl_abs(T a) {
  if constexpr (hl_type<T>::kind == HL_FLOAT) {
    return hl_float(hl_bits(a) & ~hl_sign<T>());
  } else {
    return hl_negative(a) ? hl_neg(a) : a;
  }
}
// Of two zeros the negative one is less.
template <class T> HL_FN T hl_minimum(T a, T b) {
  if constexpr (hl_type<T>::kind == HL_FLOAT) {
    return a == b ? hl_float(hl_bits(a) | hl_bits(b)) : a < b || a != a ? a : b;
  } else {
    return a < b ? a : b;
  }
}
template <class T> HL_FN T hl_maximum(T a, T b) {
  if constexpr (hl_type<T>::kind == HL_FLOAT) {
    return a == b ? hl_float(hl_bits(a) & hl_bits(b)) : a > b || a != a ? a : b;
  } else {
    return a > b ? a : b;
  }
}
template <class T> HL_FN bool hl_lt(T a, T b) { return a < b; }
template <class T> HL_FN bool hl_le(T a, T b) { return a <= b; }
template <class T> HL_FN bool hl_eq(T a, T b) { return a == b; }
template <class T> HL_FN bool hl_ne(T a, T b) { return a != b; }
template <class T> HL_FN T hl_select(bool c, T a, T b) { return c ? a : b; }
template <class T> HL_FN T hl_bit_and(T a, T b) { return (T)(a & b); }
template <class T> HL_FN T hl_bit_or(T a, T b) { return (T)(a | b); }
template <class T> HL_FN T hl_bit_xor(T a, T b) { return (T)(a ^ b); }
template <class T> HL_FN T hl_bit_not(T a) {
  if constexpr (hl_type<T>::kind == HL_BOOL) {
    return !a;
  } else {
    return (T)~a;
  }
}

// The sign of b, whatever it is.
template <class T> HL_FN T hl_with_sign(T a, T b) {
  return hl_float((hl_bits(a) & ~hl_sign<T>()) | (hl_bits(b) & hl_sign<T>()));
}
// A NaN counts as positive.
template <class T> HL_FN T hl_copysign(T a, T b) { return b != b ? hl_abs(a) : hl_with_sign(a, b); }
template <class T> HL_FN bool hl_signbit(T a) { return a == a && (hl_bits(a) & hl_sign<T>()) != 0; }

// Of a divisor that is not zero; the least integer by -1 would overflow.
template <class T> HL_FN T hl_quotient(T a, T b) {
  if constexpr (hl_type<T>::is_signed) {
    if (b == (T)-1) return hl_neg(a);
  }
  return (T)(a / b);
}
template <class T> HL_FN T hl_remainder(T a, T b) {
  if constexpr (hl_type<T>::is_signed) {
    if (b == (T)-1) return 0;
  }
  return (T)(a % b);
}

template <class T> HL_FN T hl_floor_div(T a, T b) {
  if constexpr (hl_type<T>::kind == HL_FLOAT) {
    if (b == 0) return hl_div(a, b);
    const T rest = hl_fmod(a, b);
    T quotient = hl_div(hl_sub(a, rest), b);
    if (rest != 0 && (b < 0) != (rest < 0)) quotient = hl_sub(quotient, (T)1);
    // An integer except for the rounding of the division.
    const T floor = hl_floor(quotient);
    const T nearest = hl_sub(quotient, floor) > (T)0.5 ? hl_add(floor, (T)1) : floor;
    return quotient == 0 ? hl_with_sign((T)0, hl_div(a, b)) : nearest;
  } else {
    if (b == 0) return 0;
    const T rest = hl_remainder(a, b);
    const bool down = rest != 0 && hl_negative(rest) != hl_negative(b);
    return hl_sub<T>(hl_quotient(a, b), (T)down);
  }
}
template <class T> HL_FN T hl_rem(T a, T b) {
  if constexpr (hl_type<T>::kind == HL_FLOAT) {
    const T rest = hl_fmod(a, b);
    if (b == 0) return rest;
    const T moved = (b < 0) != (rest < 0) ? hl_add(rest, b) : rest;
    return rest == 0 ? hl_with_sign((T)0, b) : moved;
  } else {
    if (b == 0) return 0;
    const T rest = hl_remainder(a, b);
    const bool down = rest != 0 && hl_negative(rest) != hl_negative(b);
    return down ? hl_add<T>(rest, b) : rest;
  }
}
template <class T> HL_FN T hl_fmod(T a, T b) { return b == 0 ? (T)0 : hl_remainder(a, b); }

template <class T> HL_FN T hl_pow(T a, T b) {
  if (hl_negative(b)) {
    // 1 and -1 are their own inverses; every other power is less than 1.
    const bool own_inverse = a == 1 || a == (T)-1;
    return !own_inverse ? (T)0 : (b & 1) == 0 ? (T)1 : a;
  }
  T power = 1;
  for (; b != 0; b >>= 1) {
    if (b & 1) power = hl_mul<T>(a, power);
    a = hl_mul<T>(a, a);
  }
  return power;
}
template <class T> HL_FN T hl_gcd(T x, T y) {
  typedef typename hl_type<T>::bits B;
  B a = (B)hl_abs(x), b = (B)hl_abs(y);
  if (a == 0 || b == 0) return (T)(a | b);
  // Stein's algorithm: the difference of odd numbers is even, and is halved.
  const int twos = hl_trailing(a | b);
  a = (B)(a >> hl_trailing(a));
  for (;;) {
    b = (B)(b >> hl_trailing(b));
    const B less = a < b ? a : b;
    b = (B)(a < b ? b - a : a - b);
    a = less;
    if (b == 0) return (T)(B)(a << twos);
  }
}
template <class T> HL_FN T hl_lcm(T x, T y) {
  typedef typename hl_type<T>::bits B;
  const B divisor = (B)hl_gcd(x, y);
  if (divisor == 0) return 0;
  return (T)hl_mul<B>((B)((B)hl_abs(x) / divisor), (B)hl_abs(y));
}
template <class T> HL_FN T hl_set_bits(T a) {
  return (T)hl_ones((typename hl_type<T>::bits)hl_abs(a));
}
template <class T> HL_FN T hl_shl(T a, T b) {
  typedef typename hl_type<T>::bits B;
  typedef typename hl_type<T>::wide W;
  // As an unsigned number, a negative count exceeds any width.
  return (B)b < hl_type<T>::width ? (T)((W)a << (B)b) : (T)0;
}
template <class T> HL_FN T hl_shr(T a, T b) {
  typedef typename hl_type<T>::bits B;
  const bool inside = (B)b < hl_type<T>::width;
  const T shifted = (T)(a >> (inside ? (int)(B)b : hl_type<T>::width - 1));
  return hl_negative(a) || inside ? shifted : (T)0;
}

// Float to integer: toward zero, saturating, 0 of a NaN. Nothing else needs care.
template <class To, class From> HL_FN To hl_to(From x) {
  if constexpr (hl_type<To>::kind == HL_BOOL) {
    return x != 0;
  } else if constexpr (hl_type<From>::kind == HL_FLOAT && hl_type<To>::kind == HL_INT) {
    typedef typename hl_type<To>::bits B;
    const bool is_signed = hl_type<To>::is_signed;
    const B half = (B)((B)1 << (hl_type<To>::width - 1));
    const From over = is_signed ? (From)half : (From)half * (From)2;
    if (x != x) return 0;
    if (x >= over) return (To)(is_signed ? (B)(half - 1) : (B)~(B)0);
    if (x <= (is_signed ? -(From)half : (From)0)) return (To)(is_signed ? half : (B)0);
    return (To)x;
  } else {
    return (To)x;
  }
}

template <class T> HL_FN T hl_nextafter(T a, T b) {
  typedef typename hl_type<T>::bits B;
  if (a != a || b != b) return hl_add(a, b);
  if (a == b) return b;
  if (a == 0) return hl_with_sign(hl_float((B)1), b);
  const bool away = (a < b) == (a > 0);
  return hl_float((B)(away ? hl_bits(a) + 1 : hl_bits(a) - 1));
}
// A power of two, a normal number.
template <class T> HL_FN T hl_power(int k) {
  typedef typename hl_type<T>::bits B;
  return hl_float((B)(hl_type<T>::max_exponent - 1 + k) << (hl_type<T>::digits - 1));
}
HL_FN int hl_clamp(int x, int least, int most) { return x < least ? least : x > most ? most : x; }
template <class T> HL_FN T hl_ldexp(T a, T exponent) {
  const int most = hl_type<T>::max_exponent - 1, least = hl_type<T>::min_exponent - 1;
  // When scaling down, the first steps stay above the subnormal range, so that only the last one
  // rounds.
  const int narrow = least + hl_type<T>::digits;
  const int left = hl_clamp(hl_to<i32>(exponent), 3 * least, 3 * most);
  const int first = left < least ? narrow : hl_clamp(left, least, most);
  const int rest = left - first;
  const int second = rest < least ? narrow : hl_clamp(rest, least, most);
  const int third = hl_clamp(rest - second, least, most);
  return hl_mul(hl_mul(hl_mul(a, hl_power<T>(first)), hl_power<T>(second)), hl_power<T>(third));
}
template <class T> HL_FN T hl_fraction(T a) {
  const T rest = hl_sub(a, hl_trunc(a));
  return hl_with_sign(hl_abs(a) == hl_infinity<T>() ? (T)0 : rest, a);
}
// A normal number, and by which power of two it is too large.
template <class T> HL_FN T hl_normal(T a, int &by) {
  by = hl_abs(a) < hl_least_normal<T>() ? hl_type<T>::digits : 0;
  return by ? hl_mul(a, hl_power<T>(by)) : a;
}
template <class T> HL_FN bool hl_scalable(T a) { return a != 0 && hl_abs(a) < hl_infinity<T>(); }
template <class T> HL_FN T hl_mantissa(T a) {
  int by;
  const typename hl_type<T>::bits bits = hl_bits(hl_normal(a, by));
  const T m = hl_float((bits & ~hl_bits(hl_infinity<T>())) | hl_bits((T)0.5));
  return hl_scalable(a) ? m : a;
}
template <class T> HL_FN T hl_exponent(T a) {
  int by;
  const typename hl_type<T>::bits bits = hl_bits(hl_normal(a, by)) & hl_bits(hl_infinity<T>());
  const int field = (int)(bits >> (hl_type<T>::digits - 1));
  return hl_scalable(a) ? (T)(field - (hl_type<T>::max_exponent - 2) - by) : (T)0;
}

// Whether a float is anything but a positive normal number.
template <class T> HL_FN bool hl_unusual(T a) {
  return !(a >= hl_least_normal<T>() && a < hl_infinity<T>());
}

// The highest bit.
template <class T> HL_FN bool hl_top(T a) { return a >> (8 * sizeof(T) - 1) != 0; }

// A bool in memory is a byte; any but 0 is true.
template <class T> HL_FN T hl_load(const u8 *a) {
  if constexpr (hl_type<T>::kind == HL_BOOL) {
    return hl_read<u8>(a) != 0;
  } else {
    return hl_read<T>(a);
  }
}
template <class T> HL_FN void hl_store(u8 *a, T x) {
  if constexpr (hl_type<T>::kind == HL_BOOL) {
    hl_write<u8>(a, x ? 1 : 0);
  } else {
    hl_write<T>(a, x);
  }
}

// Uniforms are cells of 16 bytes.
template <class T> HL_FN T hl_uniform(const u8 *cells, u64 number) {
  return hl_load<T>(cells + 16 * number);
}
// The element of operand k at index i, along one axis.
template <int N> HL_FN u8 *hl_along(const hl_launch<N> &p, int k, u64 i) {
  return p.a[k].first + (i64)i * p.a[k].stride[0];
}
// The offsets of the operands' elements at index i of all axes.
template <int N> HL_FN void hl_offsets(const hl_launch<N> &p, u64 i, i64 (&offset)[N]) {
  for (int k = 0; k < N; k++) offset[k] = 0;
  for (u64 axis = p.rank; axis-- > 0;) {
    const u64 outer = i / p.extent[axis];
    const i64 at = (i64)(i - outer * p.extent[axis]);
    for (int k = 0; k < N; k++) offset[k] += at * p.a[k].stride[axis];
    i = outer;
  }
}
