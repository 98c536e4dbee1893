import type { AdminAddresses } from '../../admin/admin-addresses.ts';
import type { OwnSocket } from '../../core/passed-socket.ts';
import { type FeatureStates, featureStatesBytesMax } from '../../core/feature.ts';
import type { UpgradeFailure } from '../../admin/upgrader.ts';

/** The messages between a gateway and its successor, over the channel that Node gives a child process. */

export type FromSuccessor =
  | { readonly kind: 'step'; readonly step: 'reading_configuration' | 'listening' }
  /**
   * The successor asks for the applications and the state folder of its predecessor. `stateFolder` is where it expects them.
   */
  | { readonly kind: 'wants'; readonly stateFolder: string | null }
  /** The successor serves. */
  | { readonly kind: 'ready' }
  /** The successor has received 'never' and stops in order: requests that it has accepted finish. */
  | { readonly kind: 'ends' }
  /** The successor failed and ends. */
  | { readonly kind: 'failed'; readonly failure: UpgradeFailure };

export interface ToSuccessor {
  /**
   * 'yours': the predecessor has released what only one process can own. 'farewell': the predecessor leaves, and nothing can
   * change that. 'never': the upgrade has failed. A successor that owns nothing yet ends, whether or not the predecessor
   * continues. 'counted', after 'farewell': what has come besides `features` of 'yours'.
   */
  readonly kind: 'yours' | 'farewell' | 'never' | 'counted';
  /** With 'yours': the key of TLS session tickets, in base64, so that clients resume their sessions at the successor. */
  readonly ticketKey?: string;
  /** How long the key has been in use. */
  readonly ticketKeyAgeMs?: number;
  /** With 'yours' and 'counted': what the parts of features go on with; absent: nothing. */
  readonly features?: WrittenStates;
}

/** By feature; the bytes in base64. */
type WrittenStates = Readonly<Record<string, { readonly version: number; readonly bytes: string }>>;

export function writtenStates(states: FeatureStates): WrittenStates {
  return Object.fromEntries(
    Object.entries(states).map(([name, { version, bytes }]) => [
      name,
      { version, bytes: Buffer.from(bytes).toString('base64') },
    ]),
  );
}

/** Of a predecessor, which may be another version of Candor. What is no state is left out, and what is beyond the bound. */
export function readStates(written: unknown): FeatureStates {
  let left = featureStatesBytesMax;
  const found = Object.entries(written ?? {}).flatMap(([name, state]) => {
    const { version, bytes } = (state ?? {}) as { version?: unknown; bytes?: unknown };
    if (typeof version !== 'number' || typeof bytes !== 'string' || (bytes.length * 3) / 4 > left) return [];
    const read = Buffer.from(bytes, 'base64');
    left -= read.length;
    return [[name, { version, bytes: new Uint8Array(read) }] as const];
  });
  return Object.fromEntries(found);
}

/** Facts about the predecessor, passed to the successor in its environment. */
export interface PredecessorFacts {
  readonly pid: number;
  /** The listening addresses of the predecessor. Only the predecessor listens there, so the successor may share them. */
  readonly listeners: readonly { readonly id: string; readonly host: string; readonly port: number }[];
  /** The predecessor's listening sockets, with the descriptor numbers that they have in the successor. */
  readonly sockets?: readonly OwnSocket[];
  /** The addresses of the predecessor's admin API. A program that answers at any other address is a stranger. */
  readonly admin: AdminAddresses | null;
  /** The version of Candor. */
  readonly version: string;
  /** Who asked for the upgrade, for events. */
  readonly actor?: string;
}

export const predecessorVariable = 'CANDOR_PREDECESSOR';

export function parsePredecessor(text: string | undefined): PredecessorFacts | null {
  try {
    const facts = JSON.parse(text ?? '') as Partial<PredecessorFacts>;
    if (typeof facts.pid !== 'number' || typeof facts.version !== 'string' || !Array.isArray(facts.listeners))
      return null;
    return {
      ...(facts as PredecessorFacts),
      sockets: Array.isArray(facts.sockets) ? facts.sockets.filter(isSocket) : [],
    };
  } catch {
    return null;
  }
}

function isSocket(written: Partial<OwnSocket> | null): boolean {
  return Number.isInteger(written?.fd) && typeof written?.host === 'string' && Number.isInteger(written.port);
}

/** Reads a message of a successor, which may be another version of Candor. An unknown message is ignored. */
export function readFromSuccessor(message: unknown): FromSuccessor | null {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return null;
  const { kind } = message;
  switch (kind) {
    case 'ready':
    case 'ends':
      return { kind };
    case 'wants': {
      const { stateFolder = null } = message as { stateFolder?: unknown };
      return { kind, stateFolder: typeof stateFolder === 'string' ? stateFolder : null };
    }
    case 'step': {
      const { step } = message as { step?: unknown };
      return step === 'reading_configuration' || step === 'listening' ? { kind, step } : null;
    }
    case 'failed':
      return { kind, failure: readFailure((message as { failure?: unknown }).failure) };
    default:
      return null;
  }
}

function readFailure(written: unknown): UpgradeFailure {
  const { kind, reason, errors } = (typeof written === 'object' ? (written ?? {}) : {}) as Partial<UpgradeFailure>;
  const read = Array.isArray(errors) ? errors.filter((one) => typeof one === 'string') : [];
  return {
    ok: false,
    kind: kind === 'validation_failed' ? kind : 'failure',
    reason: firstErrorText(read) ?? (typeof reason === 'string' ? reason : 'It gave no reason.'),
    errors: read,
  };
}

/** A sentence with the first error, for readers who do not see the list. */
function firstErrorText([first, ...more]: readonly string[]): string | null {
  if (first === undefined) return null;
  const rest = more.length === 0 ? '' : `, and ${more.length} more`;
  return `The new process rejects the configuration: ${first.replace(/\.$/, '')}${rest}.`;
}
