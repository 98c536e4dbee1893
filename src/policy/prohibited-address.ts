import type { DnsSpec } from '../core/configuration.ts';
import type { Prohibition } from '../core/failure.ts';
import type { NameSource } from '../core/name-resolver.ts';
import { blocks, innerIpv4, type IpBlock, isWithin, parseIp } from './ip-address.ts';

/**
 * Whether an address that a name led to may be connected to: null when it may.
 *
 * The operator wrote the name, but somebody else says where it leads, and may change their mind. What is never an
 * application's address is therefore not connected to: link-local addresses, where clouds keep a machine's
 * credentials; multicast, reserved and unspecified ones. Loopback is this machine only in the word of this machine:
 * the hosts file and `localhost`. Private networks are where applications live, so they are open. What `allow` has is
 * always open, what `deny` has else never.
 */
export class DestinationGuard {
  readonly #allow: readonly IpBlock[];
  readonly #deny: readonly IpBlock[];

  constructor({ allow, deny }: Pick<DnsSpec, 'allow' | 'deny'>) {
    this.#allow = blocks(...allow);
    this.#deny = blocks(...deny);
  }

  judge(address: string, source: NameSource): Prohibition | null {
    const octets = parseIp(address);
    if (octets === null) return 'reserved'; // what cannot be read cannot be judged
    const inner = innerIpv4(octets);
    const forms = inner === null ? [octets] : [octets, inner];
    const isIn = (list: readonly IpBlock[]): boolean =>
      list.some((block) => forms.some((form) => isWithin(form, block)));
    if (isIn(this.#allow)) return null;
    if (isIn(this.#deny)) return 'denied';
    const kind = closed.find(([, list]) => isIn(list))?.[0] ?? null;
    return kind === 'loopback' && source === 'machine' ? null : kind;
  }
}

/** RFC 6890 and its registries, as far as no application can live there; the narrower block stands first. */
const closed: readonly (readonly [Prohibition, readonly IpBlock[]])[] = [
  // Where a machine's credentials are: of most clouds; of AWS containers; of Alibaba, Azure, Oracle and Google.
  [
    'metadata',
    blocks(
      ...['169.254.169.254', 'fd00:ec2::254', '169.254.170.2', '169.254.170.23', 'fd00:ec2::23'],
      ...['100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd20:ce::254'],
    ),
  ],
  ['loopback', blocks('127.0.0.0/8', '::1/128')],
  ['link_local', blocks('169.254.0.0/16', 'fe80::/10')],
  ['multicast', blocks('224.0.0.0/4', 'ff00::/8')],
  ['unspecified', blocks('0.0.0.0/8', '::/128')],
  ['reserved', blocks('240.0.0.0/4', '192.0.0.0/24')],
];
