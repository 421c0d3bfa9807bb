/** plugins/helper DefaultNormalizeScore: the highest becomes 100, the others their share, cut off. Counts are 0 or more. */
export function byHighest(counts: readonly number[]): number[] {
  const highest = Math.max(0, ...counts);
  return counts.map((count) => (highest === 0 ? 0 : Math.floor((100 * count) / highest)));
}
