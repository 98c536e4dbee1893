/** The exponent of the bound for as many of `all` where each is one with the probability `usual` (Chernoff); 0: no more than usual. */
export function chanceExponent(count: number, all: number, usual: number): number {
  const share = Math.min(1, count / all);
  if (!(share > usual)) return 0;
  const others = share === 1 ? 0 : (1 - share) * Math.log((1 - share) / (1 - usual));
  return all * (share * Math.log(share / usual) + others);
}
