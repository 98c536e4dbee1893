import type { SloSpec } from '../core/objective.ts';
import type { SloRead } from './slo-schema.ts';

/** Nothing where the route has no objective. */
export function buildSlo(read: SloRead | undefined): { readonly slo?: SloSpec } {
  const { availability, latency } = read ?? {};
  if (availability === undefined && latency === undefined) return {};
  return {
    slo: {
      availability: availability ?? null,
      latency: latency === undefined ? null : { underMs: latency.under, share: latency.share },
    },
  };
}
