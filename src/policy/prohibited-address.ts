import type { DnsSpec } from '../core/configuration.ts';
import type { Prohibition } from '#failures/failure.ts';
import type { NameSource } from '../core/name-resolver.ts';
import { parseBlocks, innerIpv4, type IpBlock, isWithin, parseIp } from './ip-address.ts';

/**
 * Whether Candor may connect to an address that a name resolved to: null when it may.
 *
 * The operator wrote the name, but a name server decides where it leads, and may change it. Candor therefore does not
 * connect to addresses that no application has: link-local addresses, where clouds keep a machine's credentials, and
 * multicast, reserved and unspecified ones. It believes that a name leads to loopback only if this machine says so: the hosts
 * file and `localhost`. Private networks are allowed, since applications live there. `allow` permits any address, `deny`
 * forbids any other.
 */
export class DestinationPolicy {
  readonly #allow: readonly IpBlock[];
  readonly #deny: readonly IpBlock[];

  constructor({ allow, deny }: Pick<DnsSpec, 'allow' | 'deny'>) {
    this.#allow = parseBlocks(...allow);
    this.#deny = parseBlocks(...deny);
  }

  prohibitionOf(address: string, source: NameSource): Prohibition | null {
    const bytes = parseIp(address);
    if (bytes === null) return 'reserved'; // An address that cannot be parsed cannot be checked.
    const inner = innerIpv4(bytes);
    const forms = inner === null ? [bytes] : [bytes, inner];
    const isIn = (list: readonly IpBlock[]): boolean =>
      list.some((block) => forms.some((form) => isWithin(form, block)));
    if (isIn(this.#allow)) return null;
    if (isIn(this.#deny)) return 'denied';
    const kind = prohibitedBlocks.find(([, list]) => isIn(list))?.[0] ?? null;
    return kind === 'loopback' && source === 'machine' ? null : kind;
  }
}

/** The blocks of RFC 6890 and its registries that no application can use; the narrower block stands first. */
const prohibitedBlocks: readonly (readonly [Prohibition, readonly IpBlock[]])[] = [
  // Metadata services with a machine's credentials: of most clouds; of AWS containers; of Alibaba, Azure, Oracle and Google.
  [
    'metadata',
    parseBlocks(
      ...['169.254.169.254', 'fd00:ec2::254', '169.254.170.2', '169.254.170.23', 'fd00:ec2::23'],
      ...['100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd20:ce::254'],
    ),
  ],
  ['loopback', parseBlocks('127.0.0.0/8', '::1/128')],
  ['link_local', parseBlocks('169.254.0.0/16', 'fe80::/10')],
  ['multicast', parseBlocks('224.0.0.0/4', 'ff00::/8')],
  ['unspecified', parseBlocks('0.0.0.0/8', '::/128')],
  ['reserved', parseBlocks('240.0.0.0/4', '192.0.0.0/24')],
];
