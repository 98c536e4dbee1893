import {
  type DnsServer,
  dnsAddresses,
  dnsRcode,
  dnsSilence,
  type FaultOrigin,
  startDnsServer,
  startTlsFaultOrigin,
  type TlsFaultOrigin,
  tlsFaults,
  type UnreachableAddress,
} from '../../src/testing/testing.ts';
import type { DnsSpec } from '../../src/core/configuration.ts';
import type { UpstreamTls } from '../../src/core/upstream-spec.ts';
import type { Target } from './gateway-under-test.ts';

/** The host of a case that has its own, and the setup that it needs. */
export const ownHost = (name: string): string => `${name}.test`;

/** Cases that are selected by their host: a TLS fault, a name, an address, a full pool. */
export function hasOwnHost(name: string): boolean {
  return (
    name.startsWith('name-') ||
    name in addresses ||
    name in largeBodies ||
    isOccupied(name) ||
    tlsFaults.some((one) => one.name === name)
  );
}

/** Cases in which another request is in flight on the good endpoint when the row's own request comes. */
export function isOccupied(name: string): boolean {
  return occupiedMs(name) > 0;
}

/** The longest time for which that other request is in flight. */
export function occupiedMs(name: string): number {
  if (name === 'queue-moves') return 300;
  return ['pool-full', 'queue-stands', 'refused-one', 'unanswered-one'].includes(name) ? 2000 : 0;
}

/** Addresses that do not answer. */
interface UnreachableAddresses {
  readonly refusing: UnreachableAddress;
  readonly unanswering: UnreachableAddress;
}

/** Addresses to which no connection can be made. TCP to a multicast address has no route, on any machine. */
const addresses: Readonly<Record<string, { host: string; port: number }>> = {
  'no-route-to-host': { host: '224.0.0.1', port: 9 },
};

/** Responses beyond the `response_body_max` of their route: what is asked for, and how long the route may hold the response back. */
export const largeBodies: Readonly<Record<string, { target: string; heldMs: number }>> = {
  'body-announced': { target: '/ok', heldMs: 0 },
  'body-grows': { target: '/fault/chunked-stall', heldMs: 0 },
  'body-grows-held': { target: '/fault/chunked-stall', heldMs: 10_000 },
};

/** The servers behind the cases with a host of their own: an origin that speaks TLS, a name server, and its names. */
export class OwnSettings {
  readonly dns: DnsSpec;
  readonly targets: readonly Target[];
  readonly #server: DnsServer;
  readonly #tls: TlsFaultOrigin;

  private constructor(server: DnsServer, tls: TlsFaultOrigin, origin: FaultOrigin, unreachable: UnreachableAddresses) {
    this.#server = server;
    this.#tls = tls;
    // The name server may answer with the addresses of the tests' servers; any other loopback address is prohibited.
    this.dns = { servers: [server.address], allow: ['127.0.0.1/32'], deny: [] };
    this.targets = [
      ...this.#tlsTargets(),
      ...nameTargets(server, origin),
      ...addressTargets(),
      ...largeBodyTargets(origin),
      ...occupiedTargets(origin, unreachable),
    ];
  }

  static async start(origin: FaultOrigin, unreachable: UnreachableAddresses): Promise<OwnSettings> {
    const server = await startDnsServer();
    try {
      return new OwnSettings(server, await startTlsFaultOrigin(), origin, unreachable);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  count(faultId: string): number {
    return this.#tls.count(faultId);
  }

  async close(): Promise<void> {
    await this.#server.stop();
    await this.#tls.close();
  }

  #tlsTargets(): Target[] {
    const tls: UpstreamTls = {
      serverName: this.#tls.serverName,
      verify: true,
      ca: this.#tls.authority.certificate,
      certificate: null,
      key: null,
    };
    return tlsFaults.map(({ name }) => ({ ...own(name), to: this.#tls.addressOf(name), tls, keepsConnections: false }));
  }
}

function own(name: string): Pick<Target, 'name' | 'hostName' | 'prefixes'> {
  return { name, hostName: ownHost(name), prefixes: ['/ok', '/slow'] };
}

function nameTargets(server: DnsServer, origin: FaultOrigin): Target[] {
  server.on('name-unknown.internal', dnsRcode('NXDOMAIN'));
  server.on('name-without-address.internal', dnsRcode('NOERROR'));
  server.on('name-fails.internal', dnsRcode('SERVFAIL'));
  server.on('name-refused.internal', dnsRcode('REFUSED'));
  server.on('name-garbage.internal', { kind: 'garbage' });
  server.on('name-silent.internal', dnsSilence);
  server.on('name-to-metadata.internal', dnsAddresses(60, '169.254.169.254'));
  server.on('name-to-loopback.internal', dnsAddresses(60, '127.0.0.9'));
  server.on('name-good.internal', dnsAddresses(60, '127.0.0.1'));
  server.on('name-lost.internal', dnsAddresses(1, '127.0.0.1'), dnsAddresses(1, '127.0.0.1'), dnsRcode('SERVFAIL'));
  const names = [
    ...['unknown', 'without-address', 'fails', 'refused', 'garbage', 'silent'],
    ...['to-metadata', 'to-loopback', 'good', 'lost'],
  ];
  return names.map((name) => ({
    ...own(`name-${name}`),
    to: { host: `name-${name}.internal`, port: origin.address.port },
  }));
}

function addressTargets(): Target[] {
  return Object.entries(addresses).map(([name, to]) => ({ ...own(name), to }));
}

function largeBodyTargets(origin: FaultOrigin): Target[] {
  return Object.entries(largeBodies).map(([name, { heldMs }]) => ({
    ...own(name),
    ...{ prefixes: ['/ok', '/fault'], to: origin.address, heldMs, responseBytesMax: 2, keepsConnections: false },
  }));
}

/**
 * Upstreams with one connection, with a queue or without; and two with a good endpoint that is busy, so that the
 * unusable one comes first.
 */
function occupiedTargets(origin: FaultOrigin, { refusing, unanswering }: UnreachableAddresses): Target[] {
  return [
    { ...own('pool-full'), to: origin.address, connectionsMax: 1 },
    { ...own('queue-moves'), to: origin.address, connectionsMax: 1, queueMax: 1, queueMs: 5000 },
    { ...own('queue-stands'), to: origin.address, connectionsMax: 1, queueMax: 1, queueMs: 200 },
    { ...own('refused-one'), to: origin.address, alsoTo: refusing },
    { ...own('unanswered-one'), to: origin.address, alsoTo: unanswering },
  ];
}
