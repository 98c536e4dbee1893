import type { AdminAddresses } from '../../admin/server.ts';
import type { OwnSocket } from '../../core/passed-socket.ts';
import type { UpgradeFailure } from '../../admin/upgrader.ts';

/** What a gateway and the process that is to succeed it say to each other, over the channel that Node gives a child. */

export type FromSuccessor =
  | { readonly kind: 'step'; readonly step: 'reading_configuration' | 'listening' }
  /** It waits for what its predecessor owns; `stateFolder` is where it looks for it. */
  | { readonly kind: 'wants'; readonly stateFolder: string | null }
  /** It serves. */
  | { readonly kind: 'ready' }
  /** It has been told that nothing comes of it, and ends in order: what it has begun to serve is to finish. */
  | { readonly kind: 'ends' }
  /** It gives up, and ends. */
  | { readonly kind: 'failed'; readonly failure: UpgradeFailure };

export interface ToSuccessor {
  /**
   * 'yours': the predecessor has let go of what only one can own. 'farewell': it leaves, whatever comes. 'never': nothing
   * comes of it, and whoever has nothing yet ends, whether or not the predecessor goes on.
   */
  readonly kind: 'yours' | 'farewell' | 'never';
}

/** What the successor is told at its start, in its environment. */
export interface PredecessorFacts {
  readonly pid: number;
  /** Where it listens: nobody else does, so these may be joined. */
  readonly listeners: readonly { readonly id: string; readonly host: string; readonly port: number }[];
  /** Its listening sockets, by the descriptors that the successor has them as. */
  readonly sockets?: readonly OwnSocket[];
  /** Where its admin API answers: what answers anywhere else is somebody else's. */
  readonly admin: AdminAddresses | null;
  /** Of Candor; a predecessor that does not say is older than this. */
  readonly version?: string;
  /** Who asked for the upgrade, as events have it. */
  readonly actor?: string;
}

export const predecessorVariable = 'CANDOR_PREDECESSOR';

export function parsePredecessor(text: string | undefined): PredecessorFacts | null {
  try {
    const facts = JSON.parse(text ?? '') as Partial<PredecessorFacts>;
    if (typeof facts.pid !== 'number' || !Array.isArray(facts.listeners)) return null;
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

/** What comes over a channel is the other version's word; one that this version does not know is passed over. */
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

/** The first of them in a sentence, for those who see no list. */
function firstErrorText([first, ...more]: readonly string[]): string | null {
  if (first === undefined) return null;
  const rest = more.length === 0 ? '' : `, and ${more.length} more`;
  return `The new process rejects the configuration: ${first.replace(/\.$/, '')}${rest}.`;
}
