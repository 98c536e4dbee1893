import { connect } from 'node:net';
import { after, type Clock } from '../../core/time.ts';
import { type FaultOrigin, startFaultOrigin } from '../fault-origin.ts';
import { startTlsFaultOrigin, type TlsFaultOrigin } from '../fault-origin-tls.ts';
import { fin, reset, type Script, send } from '../origin-script.ts';
import { tlsFaults } from '../tls-faults.ts';
import { refusingAddress, type UnreachableAddress, unansweringAddress } from '../unreachable-address.ts';
import { tortureFaults } from './faults.ts';

/** A part of the torture origin, with its own address, to which the gateway needs a route. */
export interface TortureGroup {
  readonly name: string;
  /** The gateway must send every request under this path there. */
  readonly path: string;
  /** 'http://127.0.0.1:9400': the address to configure. */
  readonly url: string;
  /** A short description. */
  readonly is: string;
  /** Why it could not be set up here; null if it could. */
  readonly missing: string | null;
}

/** The whole torture origin: all its listeners, and the addresses at which deliberately none listens. */
export interface TortureStage {
  readonly groups: readonly TortureGroup[];
  /** The plain origin, which reads requests. */
  readonly plain: FaultOrigin;
  /** The TLS origins; null if they were not requested, or could not be created. */
  readonly tls: TlsFaultOrigin | null;
  close(): Promise<void>;
}

interface StageOptions {
  readonly host: string;
  /** The first of `portsOfStage` ports; 0: free ones. */
  readonly port: number;
  /** Whether to include the TLS origins, whose authority the gateway must trust. */
  readonly tls: boolean;
  readonly clock: Clock;
}

interface GroupSpec {
  readonly name: string;
  readonly is: string;
  /** Scripts that are played when a connection is accepted. */
  readonly script?: () => Script;
  /** Unreachable addresses without a listener. */
  readonly instead?: 'refused' | 'unanswered' | 'unknown-name';
}

/** In the order of their ports. */
const groupSpecs: readonly GroupSpec[] = [
  { name: 'plain', is: 'misbehaves on request' },
  { name: 'refused', is: 'nobody listens', instead: 'refused' },
  { name: 'unanswered', is: 'never takes a connection', instead: 'unanswered' },
  { name: 'close-at-accept', is: 'closes at once', script: () => [fin] },
  { name: 'reset-at-accept', is: 'resets at once', script: () => [reset] },
  {
    name: 'talks-first',
    is: 'greets as a mail server',
    script: () => [send('220 mail.test ESMTP ready\r\n')],
  },
  { name: 'unknown-name', is: 'does not exist', instead: 'unknown-name' },
];

/** The TLS origin that works; no fault has this name. */
export const goodTls = 'tls-good';

/** Top-level domain that never exists (RFC 6761 §6.4). */
const unknownName = 'no-such-origin.invalid';

/** The TLS faults that differ for a gateway, with short descriptions, and the origin that works. */
export const tlsGroups: Readonly<Record<string, string>> = {
  [goodTls]: 'TLS that works',
  'tls-plain-http': 'answers TLS in plain HTTP',
  'tls-silent': 'never answers a handshake',
  'tls-reset': 'resets in the handshake',
  'tls-alert-40': 'refuses with an alert',
  'tls-only-1.1': 'speaks TLS 1.1 at most',
  'tls-client-certificate': 'wants a certificate',
  'certificate-expired': 'expired certificate',
  'certificate-other-name': 'for another host name',
  'certificate-self-signed': 'self-signed certificate',
  'certificate-untrusted': 'untrusted certificate',
  'tls-close-before-head': 'closes without response',
  'tls-cut-length': 'breaks off with a length',
  'tls-cut-until-close': 'breaks off, no length',
  'tls-until-close': 'ends with close_notify',
  'tls-only-1.2': 'speaks TLS 1.2 at most',
};

/** The host name in the certificates: every machine resolves it, so no gateway needs extra configuration. */
const tlsServerName = 'localhost';

/** From the first port of all to the first TLS port. */
const tlsPortOffset = 10;

/** The address of each group, for a gateway that is configured before the origin listens. */
export function planGroups({ host, port }: { readonly host: string; readonly port: number }): readonly TortureGroup[] {
  return [
    ...groupSpecs.map((spec, index) => groupAt(spec, host, port + index, null)),
    ...planTlsGroups(host, port + tlsPortOffset, null),
  ];
}

/** The TLS origin that works first, then a port for each TLS fault, whether or not the suite uses it. */
function planTlsGroups(host: string, firstPort: number, missing: string | null): TortureGroup[] {
  return Object.entries(tlsGroups).map(([name, is]) => {
    const index = 1 + tlsFaults.findIndex((fault) => fault.name === name);
    return tlsGroup(name, is, host, firstPort + index, missing);
  });
}

function tlsGroup(name: string, is: string, host: string, port: number, missing: string | null): TortureGroup {
  return { name, path: `/${name}`, url: `https://${bracketed(host)}:${port}`, is, missing };
}

/** Starts the whole torture origin. Rejects with Node's error if the first port cannot be opened (EADDRINUSE, …). */
export async function startStage({ host, port, clock, tls: wanted }: StageOptions): Promise<TortureStage> {
  const plain = await startFaultOrigin({ host, port, clock, faults: tortureFaults });
  const parts: (FaultOrigin | UnreachableAddress | TlsFaultOrigin)[] = [plain];
  const groups: TortureGroup[] = [];
  for (const [index, spec] of groupSpecs.entries()) {
    const at = port === 0 ? 0 : port + index;
    const part = index === 0 ? plain : await startPart(spec, host, at, clock);
    if (typeof part === 'string') groups.push(groupAt(spec, host, at, part));
    else {
      if (part !== null && part !== plain) parts.push(part);
      groups.push(groupAt(spec, host, part === null ? at : portOf(part), null));
    }
  }
  const tls = wanted ? await startTls(host, port, clock) : null;
  if (tls !== null) parts.push(tls);
  const missing = wanted ? 'its ports are taken' : 'TLS was not asked for (--ca-file)';
  groups.push(...(tls === null ? planTlsGroups(host, port + tlsPortOffset, missing) : tlsGroupsOf(tls)));
  return {
    groups,
    plain,
    tls,
    close: async () => {
      for (const part of parts) await part.close();
    },
  };
}

async function startTls(host: string, port: number, clock: Clock): Promise<TlsFaultOrigin | null> {
  const firstPort = port === 0 ? 0 : port + tlsPortOffset;
  try {
    return await startTlsFaultOrigin({ host, serverName: tlsServerName, firstPort, clock });
  } catch {
    return null;
  }
}

function tlsGroupsOf(tls: TlsFaultOrigin): TortureGroup[] {
  return Object.entries(tlsGroups).map(([name, is]) => {
    const { host, port } = name === goodTls ? tls.address : tls.addressOf(name);
    return tlsGroup(name, is, host, port, null);
  });
}

/** A part that runs, null if it is not needed, or why it could not be set up. */
async function startPart(
  { instead, script }: GroupSpec,
  host: string,
  port: number,
  clock: Clock,
): Promise<FaultOrigin | UnreachableAddress | null | string> {
  if (instead === 'unknown-name') return null;
  if (instead === 'refused' && port === 0) return refusingAddress();
  if (instead === 'refused') return (await isRefused(host, port, clock)) ? null : `something listens at port ${port}`;
  try {
    if (instead === 'unanswered') return await unansweringAddress(clock, port);
    return await startFaultOrigin({ host, port, clock, ...(script === undefined ? {} : { atAccept: script }) });
  } catch {
    return `port ${port} could not be made so here`;
  }
}

function isRefused(host: string, port: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const tell = (refused: boolean): void => {
      timer.cancel();
      socket.destroy();
      resolve(refused);
    };
    const timer = clock.schedule(after(clock.now(), probeMs), tell, false);
    socket.once('connect', () => tell(false));
    socket.once('error', () => tell(true));
  });
}

function portOf(part: FaultOrigin | UnreachableAddress): number {
  return 'address' in part ? part.address.port : part.port;
}

function groupAt({ name, is, instead }: GroupSpec, host: string, port: number, missing: string | null): TortureGroup {
  const url = instead === 'unknown-name' ? `http://${unknownName}` : `http://${bracketed(host)}:${port}`;
  return { name, path: `/${name}`, url, is, missing };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Loopback refuses within a millisecond. */
const probeMs = 1000;
