/** The upper 95 % bound of a share of which `failed` of `requests` have been seen (Wilson). */
export function upperShare(failed: number, requests: number): number {
  const z = 1.645;
  const share = failed / requests;
  const middle = share + (z * z) / (2 * requests);
  const spread = z * Math.sqrt((share * (1 - share)) / requests + (z * z) / (4 * requests * requests));
  return Math.min(1, (middle + spread) / (1 + (z * z) / requests));
}
