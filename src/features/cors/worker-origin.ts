/** Whether an Origin, as a browser sends it, is one of these. */
export function originTest(allowed: readonly string[]): (origin: string) => boolean {
  if (allowed.includes('*')) return () => true;
  const exact = new Set(allowed.filter((one) => !one.includes('*')));
  const below = allowed
    .filter((one) => one.includes('*'))
    .map((one) => {
      const [scheme = '', suffix = ''] = one.split('*');
      return { scheme, suffix };
    });
  return (origin) =>
    exact.has(origin) ||
    below.some(
      ({ scheme, suffix }) =>
        origin.length > scheme.length + suffix.length &&
        origin.length <= originMax &&
        origin.startsWith(scheme) &&
        origin.endsWith(suffix) &&
        labels.test(origin.slice(scheme.length, origin.length - suffix.length)),
    );
}

/** The longest name of a host has 253 characters. */
const originMax = 300;
const labels = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
