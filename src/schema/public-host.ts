import { BlockList, isIP } from 'node:net';

/** Names that no registry has (RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN's `internal`), and those of services in Kubernetes. */
const privateEndings = /(?:^|\.)(?:localhost|local|test|invalid|example|internal|home\.arpa|alt|onion|lan|svc)$/;

/** Whether a name may be one of the internet. Those of one word, such as of containers, never are. */
export function isPublicName(name: string): boolean {
  return name.includes('.') && !privateEndings.test(name);
}

/** Loopback, the link, and private networks (RFC 1918, RFC 4193, RFC 6598). */
const privateNetworks: readonly (readonly [network: string, bits: number])[] = [
  ...([
    ['127.0.0.0', 8],
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
  ] as const),
  ...([
    ['100.64.0.0', 10],
    ['169.254.0.0', 16],
    ['0.0.0.0', 8],
    ['::', 127],
    ['fc00::', 7],
    ['fe80::', 10],
  ] as const),
];

/** Whether what is sent to the host may cross the internet. */
export function isPublicHost(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (isIP(address) === 0) return isPublicName(host.toLowerCase().replace(/\.$/, ''));
  const list = new BlockList();
  for (const [network, bits] of privateNetworks) list.addSubnet(network, bits, familyOf(network));
  return !list.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
