// x = k pi/16 + hi + lo for x > 2^21, k modulo 32 in the bits of a float; NaN if x is not finite. The
// product of x and the bits of 2/pi that matter (Payne and Hanek), as `huge` of the kernels has it.

typedef unsigned __int128 u128;

HL_FN u128 hl_wide(u64 high, u64 low) { return (u128)high << 64 | low; }
HL_FN int hl_leading_of(u128 a) {
  const u64 high = (u64)(a >> 64), low = (u64)a;
  return high ? hl_leading(high) : low ? 64 + hl_leading(low) : 128;
}
// Rounded once: what is beyond 64 bits only makes the last of them odd.
HL_FN f64 hl_rounded(u128 a) {
  if (a == 0) return 0;
  const int zeros = hl_leading_of(a);
  const u128 top = a << zeros;
  const u64 sticky = (u64)top != 0;
  return hl_mul((f64)((u64)(top >> 64) | sticky), hl_power<f64>(64 - zeros));
}

// 2/pi * 2^1216, after 64 zeros.
HL_TABLE u64 hl_two_over_pi[20] = {
  0,
  0xa2f9836e4e441529ull, 0xfc2757d1f534ddc0ull, 0xdb6295993c439041ull, 0xfe5163abdebbc561ull,
  0xb7246e3a424dd2e0ull, 0x06492eea09d1921cull, 0xfe1deb1cb129a73eull, 0xe88235f52ebb4484ull,
  0xe99c7026b45f7e41ull, 0x3991d639835339f4ull, 0x9c845f8bbdf9283bull, 0x1ff897ffde05980full,
  0xef2f118b5a0a6d1full, 0x6d367ecf27cb09b7ull, 0x4f463f669e5fea2dull, 0x7527bac7ebe5f17bull,
  0x3d0739f78a5292eaull, 0x6bfb5fb11f8d5d08ull, 0x56033046fc7b6babull,
};

HL_MATH void hl_huge(f64 x, f64 &k, f64 &hi, f64 &lo) {
  const u64 bits = hl_bits(x);
  const int e = (int)(bits >> 52) - 1075;
  if (e > 971) {
    k = 0;
    hi = hl_float((u64)0x7ff8000000000000ull);
    lo = 0;
    return;
  }
  const u128 m = (bits & (((u64)1 << 52) - 1)) | (u64)1 << 52;
  const int at = 64 + e - 2, word = at / 64, shift = at % 64;
  u64 w[3];
  for (int i = 0; i < 3; i++) {
    w[i] = (u64)(hl_wide(hl_two_over_pi[word + i], hl_two_over_pi[word + i + 1]) << shift >> 64);
  }
  const u128 p0 = m * w[2], p1 = m * w[1] + (p0 >> 64);
  const u64 top = (u64)((u128)w[0] * m + (p1 >> 64));
  const u128 low = p1 << 64 | (u64)p0;
  // Steps of pi/16, and 187 bits of a fraction of one, moved up to 192.
  u64 step = top >> 59;
  u128 h = hl_wide(top, (u64)(low >> 64)) << 5 | (low >> 59 & 31);
  u64 l = (u64)low << 5;
  // To the nearest step: above one half the fraction becomes negative.
  const bool negative = h >> 127 == 1;
  if (negative) {
    step += 1;
    h = ~h;
    l = (u64)0 - l;
  }
  // 128 leading bits of it, times pi/16: the upper half of the product.
  const int leading = hl_leading_of(h), zeros = leading < 127 ? leading : 127;
  const u128 f = h << zeros | (u128)l << zeros >> 64;
  const u64 f1 = (u64)(f >> 64), f0 = (u64)f;
  const u64 c1 = 0xc90fdaa22168c234ull, c0 = 0xc4c6628b80dc1cd1ull;
  const u128 mid = ((u128)f1 * c0 >> 1) + ((u128)f0 * c1 >> 1);
  const u128 r = (u128)f1 * c1 + (mid >> 63);
  // Its leading 53 bits and the others.
  const int drop = 75 - hl_leading_of(r);
  const u128 rest = r & (((u128)1 << drop) - 1);
  const f64 size = hl_float((u64)(1023 - 130 - zeros) << 52), unit = negative ? -size : size;
  k = hl_float(step);
  hi = hl_mul(hl_rounded(r - rest), unit);
  lo = hl_mul(hl_rounded(rest), unit);
}
