import type { Reading } from './reading.ts';

/** How another reader's reading of bytes differs from Candor's. */
export interface Disagreement {
  readonly kind:
    | 'candor-refuses' // the other reader accepts the message, or waits for more of it
    | 'other-refuses' // Candor accepts the message
    | 'other-stops' // Candor accepts the message, and the other reader neither accepts nor refuses it
    | 'candor-waits' // the other reader accepts a message that is incomplete to Candor
    | 'reads-otherwise'; // both accept different messages
  /** The rule or code of the reader that refuses, or the parts that differ; '' if there is neither. */
  readonly about: string;
  /** The beginning of the message at which the readings differ, as Candor reads it; '' if Candor has no message there. */
  readonly start: string;
}

/** Null if both agree on everything that could mislead one of them. */
export function compare(candor: Reading, other: Reading): Disagreement | null {
  const count = Math.min(candor.messages.length, other.messages.length);
  for (let index = 0; index < count; index++) {
    const ours = candor.messages[index];
    const theirs = other.messages[index];
    const parts = (['start', 'host', 'body'] as const).filter((part) => ours?.[part] !== theirs?.[part]);
    if (parts.length > 0) return { kind: 'reads-otherwise', about: parts.join(' '), start: ours?.start ?? '' };
  }
  const { start = '' } = candor.messages[count] ?? {};
  const isRefused = other.end === 'refused' && other.messages.length === count;
  if (candor.messages.length > count) {
    return isRefused ? { kind: 'other-refuses', about: other.why, start } : { kind: 'other-stops', about: '', start };
  }
  if (candor.end === 'refused') return isRefused ? null : { kind: 'candor-refuses', about: candor.why, start };
  // Candor reads no more on this connection, so the following bytes have no meaning to it. An incomplete message has no
  // reader yet: a reader that refuses it earlier does not read it differently.
  if (candor.end === 'over' || other.messages.length === count) return null;
  return { kind: 'candor-waits', about: '', start };
}
