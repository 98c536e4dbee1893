import { createHmac } from 'node:crypto';
import type { RouteHop } from '../exchange/ports.ts';
import { cdnLoopMember } from '../wire/hops.ts';

/** 48 bits: among 10,000 routes two have the same token once in five million configurations. */
const tokenLength = 8;

/** What CDN-Loop says of a route of the gateway with this name in Via. Without a `key` nothing stands for the route. */
export function routeHop(name: string, key: string, route: string): RouteHop {
  const token =
    key === ''
      ? ''
      : createHmac('sha256', key).update('route\0').update(route).digest('base64url').slice(0, tokenLength);
  const member = cdnLoopMember(name, token);
  return { token, key, member, line: Buffer.from(`CDN-Loop: ${member}\r\n`, 'latin1') };
}
