import type { Reading } from './reading.ts';

/** How somebody else reads bytes otherwise than Candor. */
export interface Disagreement {
  readonly kind:
    | 'candor-refuses' // the other takes it, or waits for more of it
    | 'other-refuses' // Candor takes it
    | 'other-stops' // Candor takes what the other neither takes nor refuses
    | 'candor-waits' // the other takes what is not whole to Candor
    | 'reads-otherwise'; // both take it, as different messages
  /** The rule or code of whoever refuses, or the parts that differ; '' where neither. */
  readonly about: string;
  /** How the message begins, to Candor, at which they part; '' where Candor has none there. */
  readonly start: string;
}

/** Null where both agree on everything that one of them could be made to believe. */
export function compare(candor: Reading, other: Reading): Disagreement | null {
  const count = Math.min(candor.messages.length, other.messages.length);
  for (let index = 0; index < count; index++) {
    const ours = candor.messages[index];
    const theirs = other.messages[index];
    const parts = (['start', 'host', 'content'] as const).filter((part) => ours?.[part] !== theirs?.[part]);
    if (parts.length > 0) return { kind: 'reads-otherwise', about: parts.join(' '), start: ours?.start ?? '' };
  }
  const { start = '' } = candor.messages[count] ?? {};
  const isRefused = other.end === 'refused' && other.messages.length === count;
  if (candor.messages.length > count) {
    return isRefused ? { kind: 'other-refuses', about: other.why, start } : { kind: 'other-stops', about: '', start };
  }
  if (candor.end === 'refused') return isRefused ? null : { kind: 'candor-refuses', about: candor.why, start };
  // Candor hears no more on this connection: what follows is nothing to it. What is not whole is nobody's message: who
  // refuses it sooner does not read it otherwise.
  if (candor.end === 'over' || other.messages.length === count) return null;
  return { kind: 'candor-waits', about: '', start };
}
