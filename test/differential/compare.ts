import type { Reading } from './reading.ts';

/** How somebody else reads octets otherwise than Candor. */
export interface Disagreement {
  readonly kind:
    | 'candor-refuses' // the other takes it, or waits for more
    | 'other-refuses' // Candor takes it, or waits for more
    | 'other-stops' // Candor takes a message that the other neither takes nor refuses
    | 'candor-waits' // the other takes a message that is not whole to Candor
    | 'reads-otherwise'; // both take it, as different messages
  /** Candor's rule, or the parts that differ; '' where neither. */
  readonly about: string;
}

/** Null where both agree on everything that one of them could be made to believe. */
export function compare(candor: Reading, other: Reading): Disagreement | null {
  const count = Math.min(candor.messages.length, other.messages.length);
  for (let index = 0; index < count; index++) {
    const ours = candor.messages[index];
    const theirs = other.messages[index];
    const parts = (['start', 'host', 'content'] as const).filter((part) => ours?.[part] !== theirs?.[part]);
    if (parts.length > 0) return { kind: 'reads-otherwise', about: parts.join(' ') };
  }
  if (candor.messages.length > count) {
    return { kind: other.end === 'refused' ? 'other-refuses' : 'other-stops', about: '' };
  }
  // Candor hears no more on this connection: what follows is nothing to it.
  if (candor.end === 'over') return null;
  if (candor.end === 'refused')
    return other.end === 'refused' && other.messages.length === count
      ? null
      : { kind: 'candor-refuses', about: candor.why };
  if (other.messages.length > count) return { kind: 'candor-waits', about: '' };
  return other.end === 'refused' ? { kind: 'other-refuses', about: '' } : null;
}
