import { connect } from 'node:net';
import { after, type Clock } from '../../core/time.ts';
import { type FaultOrigin, startFaultOrigin } from '../fault-origin.ts';
import { fin, reset, type Script, send } from '../origin-script.ts';
import { type UnreachableAddress, unansweringAddress } from '../unreachable-address.ts';
import { tortureFaults } from './faults.ts';

/** A part of the torture origin, with an address of its own that the gateway must have a route to. */
export interface TortureGroup {
  readonly name: string;
  /** What the gateway must send there: everything under this path. */
  readonly path: string;
  /** 'http://127.0.0.1:9400': the address to configure. */
  readonly url: string;
  /** What it does, in few words. */
  readonly is: string;
  /** Why it could not be set up here; null when it is. */
  readonly missing: string | null;
}

/** The whole torture origin: everything that listens, and what deliberately does not. */
export interface TortureStage {
  readonly groups: readonly TortureGroup[];
  /** The one that reads requests. */
  readonly plain: FaultOrigin;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly host: string;
  /** The first of `portsOfStage` ports; 0: free ones. */
  readonly port: number;
  readonly clock: Clock;
}

interface GroupSpec {
  readonly name: string;
  readonly is: string;
  /** Played at accept. */
  readonly script?: () => Script;
  /** Nothing listens: what is there instead. */
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

/** Top-level domain that never exists (RFC 6761 §6.4). */
const unknownName = 'no-such-origin.invalid';

/** Where each group is, for whoever configures a gateway before anything listens. */
export function planGroups({ host, port }: { readonly host: string; readonly port: number }): readonly TortureGroup[] {
  return groupSpecs.map((spec, place) => groupAt(spec, host, port + place, null));
}

/** Starts all of it. Rejects with Node's error when the first port cannot be listened on (EADDRINUSE, …). */
export async function startStage({ host, port, clock }: StageOptions): Promise<TortureStage> {
  const plain = await startFaultOrigin({ host, port, clock, faults: tortureFaults });
  const parts: (FaultOrigin | UnreachableAddress)[] = [plain];
  const groups: TortureGroup[] = [];
  for (const [place, spec] of groupSpecs.entries()) {
    const wanted = port === 0 ? 0 : port + place;
    const part = place === 0 ? plain : await startPart(spec, host, wanted, clock);
    if (typeof part === 'string') groups.push(groupAt(spec, host, wanted, part));
    else {
      if (part !== null && part !== plain) parts.push(part);
      groups.push(groupAt(spec, host, part === null ? wanted : portOf(part), null));
    }
  }
  return {
    groups,
    plain,
    close: async () => {
      for (const part of parts) await part.close();
    },
  };
}

/** A part that runs, null where none has to, or why there is none. */
async function startPart(
  { instead, script }: GroupSpec,
  host: string,
  port: number,
  clock: Clock,
): Promise<FaultOrigin | UnreachableAddress | null | string> {
  if (instead === 'unknown-name') return null;
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
  const shown = host.includes(':') ? `[${host}]` : host;
  const url = instead === 'unknown-name' ? `http://${unknownName}` : `http://${shown}:${port}`;
  return { name, path: `/${name}`, url, is, missing };
}

/** Loopback refuses within a millisecond. */
const probeMs = 1000;
