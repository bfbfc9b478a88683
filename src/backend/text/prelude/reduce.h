// Reductions by the tree of the kernels: an accumulator takes 16 elements one after another, and is a
// thread; a block takes 4,096 elements of one sequence, an aligned part of the tree.

// An accumulator counts its elements; one without elements is left out.
template <class T, class R> struct hl_sum {
  typedef T element;
  R x;
  u64 count;
  HL_FN hl_sum first(T x, u64) { return {(R)x, 1}; }
  HL_FN hl_sum step(hl_sum a, T x, u64) { return {hl_add(a.x, (R)x), a.count + 1}; }
  HL_FN hl_sum fold(hl_sum a, hl_sum b) { return {hl_add(a.x, b.x), a.count + b.count}; }
  HL_FN R result(hl_sum a) { return a.x; }
};
template <class T, class R> struct hl_prod {
  typedef T element;
  R x;
  u64 count;
  HL_FN hl_prod first(T x, u64) { return {x, 1}; }
  HL_FN hl_prod step(hl_prod a, T x, u64) { return {hl_mul(a.x, x), a.count + 1}; }
  HL_FN hl_prod fold(hl_prod a, hl_prod b) { return {hl_mul(a.x, b.x), a.count + b.count}; }
  HL_FN R result(hl_prod a) { return a.x; }
};
template <class T, class R> struct hl_min {
  typedef T element;
  R x;
  u64 count;
  HL_FN hl_min first(T x, u64) { return {x, 1}; }
  HL_FN hl_min step(hl_min a, T x, u64) { return {hl_minimum(a.x, x), a.count + 1}; }
  HL_FN hl_min fold(hl_min a, hl_min b) { return {hl_minimum(a.x, b.x), a.count + b.count}; }
  HL_FN R result(hl_min a) { return a.x; }
};
template <class T, class R> struct hl_max {
  typedef T element;
  R x;
  u64 count;
  HL_FN hl_max first(T x, u64) { return {x, 1}; }
  HL_FN hl_max step(hl_max a, T x, u64) { return {hl_maximum(a.x, x), a.count + 1}; }
  HL_FN hl_max fold(hl_max a, hl_max b) { return {hl_maximum(a.x, b.x), a.count + b.count}; }
  HL_FN R result(hl_max a) { return a.x; }
};
template <class T, class R> struct hl_any {
  typedef T element;
  R x;
  u64 count;
  HL_FN hl_any first(T x, u64) { return {x, 1}; }
  HL_FN hl_any step(hl_any a, T x, u64) { return {a.x || x, a.count + 1}; }
  HL_FN hl_any fold(hl_any a, hl_any b) { return {a.x || b.x, a.count + b.count}; }
  HL_FN R result(hl_any a) { return a.x; }
};
template <class T, class R> struct hl_all {
  typedef T element;
  R x;
  u64 count;
  HL_FN hl_all first(T x, u64) { return {x, 1}; }
  HL_FN hl_all step(hl_all a, T x, u64) { return {a.x && x, a.count + 1}; }
  HL_FN hl_all fold(hl_all a, hl_all b) { return {a.x && b.x, a.count + b.count}; }
  HL_FN R result(hl_all a) { return a.x; }
};

// The first element, the mean less the first, and the squared deviations (Welford; Chan, Golub and
// LeVeque).
template <class T, class R> struct hl_squared_deviations {
  typedef T element;
  T f, m, s;
  u64 count;
  HL_FN hl_squared_deviations first(T x, u64) {
    const T zero = hl_sub(x, x);
    return {x, zero, zero, 1};
  }
  HL_FN hl_squared_deviations step(hl_squared_deviations a, T x, u64) {
    const u64 count = a.count + 1;
    const T y = hl_sub(x, a.f), d = hl_sub(y, a.m);
    const T m = hl_add(a.m, hl_mul(d, hl_div((T)1, (T)count)));
    return {a.f, m, hl_add(a.s, hl_mul(d, hl_sub(y, m))), count};
  }
  HL_FN hl_squared_deviations fold(hl_squared_deviations a, hl_squared_deviations b) {
    const u64 count = a.count + b.count;
    const f64 share = hl_div((f64)b.count, (f64)count);
    const T w = (T)share, v = (T)hl_mul((f64)a.count, share);
    const T d = hl_add(hl_sub(b.f, a.f), hl_sub(b.m, a.m));
    const T s = hl_add(hl_add(a.s, b.s), hl_mul(d, hl_mul(d, v)));
    return {a.f, hl_add(a.m, hl_mul(d, w)), s, count};
  }
  HL_FN R result(hl_squared_deviations a) { return a.s; }
};

// The extreme element and its index, the first of equal ones. A NaN is more extreme than any number;
// zeros are equal.
template <class T, bool LEAST> struct hl_position {
  typedef T element;
  T x;
  u64 index;
  u64 count;
  HL_FN hl_position first(T x, u64 index) { return {x, index, 1}; }
  HL_FN hl_position step(hl_position a, T x, u64 index) { return fold(a, {x, index, 1}); }
  HL_FN hl_position fold(hl_position a, hl_position b) {
    const bool before = LEAST ? b.x < a.x : a.x < b.x;
    const bool wins = a.x == a.x && (before || b.x != b.x);
    const bool equal = a.x == b.x || (a.x != a.x && b.x != b.x);
    const bool takes = wins || (equal && b.index < a.index);
    return {takes ? b.x : a.x, takes ? b.index : a.index, a.count + b.count};
  }
  HL_FN i64 result(hl_position a) { return (i64)a.index; }
};
template <class T, class R> using hl_argmin = hl_position<T, true>;
template <class T, class R> using hl_argmax = hl_position<T, false>;

template <class C> HL_FN void hl_take(C &c, typename C::element x, u64 index) {
  c = c.count ? C::step(c, x, index) : C::first(x, index);
}
template <class C> HL_FN void hl_join(C &left, const C &right) {
  if (right.count) left = left.count ? C::fold(left, right) : right;
}

// The index in a part of the element that thread t takes in this row. In row order a block of the
// tree has A accumulators side by side; in column order one.
template <int A> HL_FN u32 hl_place(u64 by_rows, u32 t, u32 row) {
  return by_rows ? t / A * (16 * A) + row * A + t % A : t * 16 + row;
}
// How far apart the accumulators are that are folded at a level: those of the blocks of a leaf, then
// in halves those of the leaf; in column order those of leaves.
template <int A> HL_FN u32 hl_apart(u64 by_rows, u32 level) {
  const u32 blocks = A == 32 ? 3 : 2;
  if (!by_rows) return 1u << level;
  return level < blocks ? (u32)A << level : (u32)A / 2 >> (level - blocks);
}
// The partial results of a carry.
template <class C, int N> HL_FN C *hl_partials(const hl_launch<N> &p, int carry) {
  return (C *)(p.partials + 32 * carry * (p.sequences * p.parts));
}
