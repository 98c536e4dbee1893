import { fail, type Failure } from '../core/failure.ts';
import { fieldId } from '../core/field-names.ts';
import type { RequestHead } from '../core/message.ts';
import { cdnLoopHops, viaHops } from '../wire/hops.ts';

const viaId = fieldId('via');
const cdnLoopId = fieldId('cdn-loop');

/**
 * Twice the longest path in use: two tiers of a CDN, a load balancer, an ingress, a gateway and sidecars make eight hops.
 * A request with more hops is in a loop of gateways that do not know each other's names.
 */
const hopsMax = 16;

/**
 * A request with the gateway's own name in Via (RFC 9110 §7.6.3) or CDN-Loop (RFC 8586 §2) has passed it before; one with
 * too many names is in a loop of other gateways.
 */
export function loopOf({ fields }: RequestHead, hopName: string): Failure | null {
  if (!fields.hasId(viaId) && !fields.hasId(cdnLoopId)) return null;
  const via = fields.get('via');
  const cdnLoop = fields.get('cdn-loop');
  const viaResult = viaHops(via, hopName);
  if (viaResult.ours) return fail('loop_detected', 'request', { name: 'Via', value: via ?? '' });
  const cdnLoopResult = cdnLoopHops(cdnLoop, hopName);
  if (cdnLoopResult.ours) return fail('loop_detected', 'request', { name: 'CDN-Loop', value: cdnLoop ?? '' });
  // Not every hop writes both: the longer list counts.
  const hops = Math.max(viaResult.count, cdnLoopResult.count);
  return hops > hopsMax ? fail('hops_exceeded', 'request', { hops, limit: hopsMax }) : null;
}
