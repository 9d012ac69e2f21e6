export type PortRange = { readonly from: number; readonly to: number };

/**
 * Even splits of a port range, so that workers never try each other's ports: `count` of them, fewer
 * when there are not as many pairs of ports (RTP and RTCP).
 */
export function portShares(range: PortRange, count: number): readonly PortRange[] {
  const pairs = Math.floor((range.to - range.from + 1) / 2);
  const shares = Math.max(1, Math.min(count, pairs));
  const portsEach = Math.floor(pairs / shares) * 2;
  return Array.from({ length: shares }, (_, index) => {
    const from = range.from + index * portsEach;
    return { from, to: index === shares - 1 ? range.to : from + portsEach - 1 };
  });
}
