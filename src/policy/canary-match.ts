import type { HeaderMatch } from '../core/route-spec.ts';
import type { BalancerContext } from './balancer.ts';
import { cookieValue } from './cookie-value.ts';
import { isWithin, parseBlocks, parseIp } from './ip-address.ts';

/** Requests that a canary gets: those that one of these matches. */
export interface CanarySpec {
  readonly headers: readonly HeaderMatch[];
  readonly cookies: readonly HeaderMatch[];
  /** Networks of clients, in CIDR notation. */
  readonly clients: readonly string[];
}

export type CanaryMatch = (
  request: Pick<BalancerContext<unknown>, 'header' | 'eachHeader' | 'clientAddress'>,
) => boolean;

export function canaryMatch({ headers, cookies, clients }: CanarySpec): CanaryMatch {
  const blocks = parseBlocks(...clients);
  return (request) => {
    if (headers.some(({ name, value }) => isMatch(request.header(name), value))) return true;
    if (cookies.some(({ name, value }) => isMatch(cookieValue(request, name), value))) return true;
    const address = blocks.length === 0 ? null : parseIp(request.clientAddress);
    return address !== null && blocks.some((block) => isWithin(address, block));
  };
}

const isMatch = (sent: string | null, wanted: string | null): boolean =>
  wanted === null ? sent !== null : sent === wanted;
