import { fail, type Failure } from '../core/failure.ts';
import { fieldId } from '../core/field-names.ts';
import type { RequestHead } from '../core/message.ts';
import { cdnLoopHops, viaHops } from '../wire/hops.ts';

const viaId = fieldId('via');
const cdnLoopId = fieldId('cdn-loop');

/**
 * Twice the longest way that is met: two tiers of a CDN, a load balancer, an ingress, a gateway and sidecars make eight.
 * A request that has been through more goes in a circle of gateways that do not know each other's names.
 */
const hopsMax = 16;

/**
 * A request that bears our own name in Via (RFC 9110 §7.6.3) or CDN-Loop (RFC 8586 §2) has been here before; one that
 * bears too many names has been somewhere before.
 */
export function loopOf({ fields }: RequestHead, hopName: string): Failure | null {
  if (!fields.hasId(viaId) && !fields.hasId(cdnLoopId)) return null;
  const via = fields.get('via');
  const cdnLoop = fields.get('cdn-loop');
  const viaResult = viaHops(via, hopName);
  if (viaResult.ours) return fail('loop_detected', 'request', { name: 'Via', value: via ?? '' });
  const cdnLoopResult = cdnLoopHops(cdnLoop, hopName);
  if (cdnLoopResult.ours) return fail('loop_detected', 'request', { name: 'CDN-Loop', value: cdnLoop ?? '' });
  // Not every hop writes both, so the longer list is nearer to the truth.
  const hops = Math.max(viaResult.count, cdnLoopResult.count);
  return hops > hopsMax ? fail('hops_exceeded', 'request', { hops, limit: hopsMax }) : null;
}
