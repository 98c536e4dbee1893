import type { Happening } from './simulated-days-happenings.ts';

/** True faults of a day, at different upstreams or hours, each for twenty minutes: how soon are they found beside all that is usual? */
export const faultsOfDay: readonly Extract<Happening, { readonly kind: 'fault' }>[] = [
  fault(10, '/v1/orders', '3 % of a route of 2 requests/s answered with 500', { failShare: 0.03 }),
  fault(11.5, '/v1/webhooks', 'a route of 0.2 requests/s that only answers 500', { failShare: 1 }),
  fault(13, '/cart', 'a route of 4 requests/s from 35 ms to 4 s', { failShare: 0, medianMs: 4000 }),
];

function fault(
  hour: number,
  route: string,
  text: string,
  how: { readonly failShare: number; readonly medianMs?: number },
): Extract<Happening, { readonly kind: 'fault' }> {
  return { kind: 'fault', from: hour * 3600, to: hour * 3600 + 1200, route, text, ...how };
}
