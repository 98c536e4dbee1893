import { parseBlocks, innerIpv4, isWithin, parseIp } from './ip-address.ts';

/** This machine (RFC 1122), private networks (RFC 1918, RFC 4193), shared ones (RFC 6598) and link-local ones. */
const privateBlocks = parseBlocks(
  ...['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'],
  ...['::1/128', 'fc00::/7', 'fe80::/10'],
);

/** Whether no other party on the internet can have this address, so that a proxy of the operator may. */
export function isPrivateAddress(address: string): boolean {
  const bytes = parseIp(address);
  if (bytes === null) return false;
  const isIn = (form: Uint8Array): boolean => privateBlocks.some((block) => isWithin(form, block));
  const inner = innerIpv4(bytes);
  return isIn(bytes) || (inner !== null && isIn(inner));
}
