import { fail, type Failure } from '#failures/failure.ts';
import { headerId } from '../core/header-names.ts';
import type { RequestHead, ResponseHead } from '../core/message.ts';
import { cdnLoopHops, viaHops } from '../wire/hops.ts';
import { tellsOurLoop } from '../wire/proxy-status.ts';
import type { Route } from './ports.ts';

const viaId = headerId('via');
const cdnLoopId = headerId('cdn-loop');
const proxyStatusId = headerId('proxy-status');

/**
 * Twice the longest path in use: two tiers of a CDN, a load balancer, an ingress, a gateway and sidecars make eight hops.
 * A request with more hops is in a loop of gateways that do not know each other's names.
 */
const hopsMax = 16;

/**
 * How often a request may pass the gateways of one name, which is also how many exchanges it costs at most. An application that
 * forwards a part of its requests to another one behind the same gateway makes two; three tiers that do so make three. A loop that
 * drops what tells routes ends here.
 */
const passagesMax = 4;

/**
 * Whether a request is in a loop (Via: RFC 9110 §7.6.3; CDN-Loop: RFC 8586 §2). It is where it takes a route of this gateway for the
 * second time, and where it has passed gateways too often: those of this name, or any. To pass again by another route is lawful.
 *
 * Whoever forges members can but have its own request refused: the gateway adds to what came, and takes nothing away.
 */
export function loopOf(
  { headers }: RequestHead,
  { id, hop }: Pick<Route, 'id' | 'hop'>,
  hopName: string,
): Failure | null {
  if (!headers.hasId(viaId) && !headers.hasId(cdnLoopId)) return null;
  const via = headers.get('via');
  const cdnLoop = headers.get('cdn-loop');
  const viaResult = viaHops(via, hopName);
  const cdnLoopResult = cdnLoopHops(cdnLoop, hopName, hop.token);
  // Not every hop passes on both: the longer list counts.
  const ours = Math.max(viaResult.ours, cdnLoopResult.ours);
  if (cdnLoopResult.sameRoute || ours >= passagesMax) {
    const isSeenInVia = !cdnLoopResult.sameRoute && viaResult.ours === ours;
    const name = isSeenInVia ? 'Via' : 'CDN-Loop';
    const value = (isSeenInVia ? via : cdnLoop) ?? '';
    return fail('loop_detected', 'route', { name, value, route: id, passage: ours + 1, limit: passagesMax });
  }
  const hops = Math.max(viaResult.count, cdnLoopResult.count);
  return hops > hopsMax ? fail('hops_exceeded', 'route', { hops, limit: hopsMax }) : null;
}

/** Whether a request has passed a gateway of this name before, which then decides on retries for all that is behind it. */
export function hasPassed({ headers }: RequestHead, hopName: string): boolean {
  if (!headers.hasId(viaId) && !headers.hasId(cdnLoopId)) return false;
  return viaHops(headers.get('via'), hopName).ours > 0 || cdnLoopHops(headers.get('cdn-loop'), hopName, '').ours > 0;
}

/** Whether a response is, or comes from, the gateway's own answer to a request in a loop: a retry would loop again. */
export function isLoopAnswer({ headers }: ResponseHead, deployment: string): boolean {
  return headers.hasId(proxyStatusId) && tellsOurLoop(headers.get('proxy-status'), deployment);
}
