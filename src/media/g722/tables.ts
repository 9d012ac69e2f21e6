/**
 * Tables of ITU-T G.722. Quantized differences are in units of the scale factor, which stands 10 bits
 * higher; the index is the code as it is sent.
 */

/** Lower band, 6 bits: the value that a code stands for (table 7/G.722, QM6). */
export const LOW_VALUES_6: Int16Array = Int16Array.of(
  ...[-17, -17, -17, -17, -3101, -2738, -2376, -2088, -1873, -1689, -1535, -1399, -1279, -1170],
  ...[-1072, -982, -899, -822, -750, -682, -618, -558, -501, -447, -396, -347, -300, -254, -211],
  ...[-170, -130, -91, 3101, 2738, 2376, 2088, 1873, 1689, 1535, 1399, 1279, 1170, 1072, 982, 899],
  ...[822, 750, 682, 618, 558, 501, 447, 396, 347, 300, 254, 211, 170, 130, 91, 54, 17, -54, -17],
);

/** Lower band, the upper 4 of the bits: what the predictor sees, however many bits were sent (QM4). */
export const LOW_VALUES_4: Int16Array = Int16Array.of(
  ...[0, -2557, -1612, -1121, -786, -530, -323, -150, 2557, 1612, 1121, 786, 530, 323, 150, 0],
);

/** Higher band, 2 bits (QM2). */
export const HIGH_VALUES: Int16Array = Int16Array.of(-926, -202, 926, 202);

/** How the logarithm of the lower band's scale factor moves, by the upper 4 bits of the code. */
export const LOW_STEPS: Int16Array = Int16Array.of(
  ...[-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60],
);

/** The same for the higher band, by its lower bit. */
export const HIGH_STEPS: Int16Array = Int16Array.of(798, -214);

/** 2^(1 + n/32) × 1024: from a logarithm to a scale factor (table 17/G.722, ILB). */
export const EXPONENTIALS: Int16Array = Int16Array.of(
  ...[2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774],
  ...[2834, 2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838],
  ...[3922, 4008],
);

/** Lower band: above the n-th of these, a difference belongs to the next code (table 5/G.722, Q6). */
export const LOW_DECISIONS: Int16Array = Int16Array.of(
  ...[35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023],
  ...[1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919],
);

/** Higher band: where its two magnitudes part, in 1/256 of the scale factor (Q2, 564/4). */
export const HIGH_DECISION = 141;

/** Half of the 24 taps of the quadrature mirror filters, in units of 1/8192 (table 11/G.722). */
export const MIRROR_TAPS: readonly number[] = [
  3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11,
];
