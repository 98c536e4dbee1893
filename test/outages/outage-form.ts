import type { Harm, Outage, Play, Truth } from './outage.ts';

interface OutageForm extends Truth, Omit<Play, 'seconds'> {
  /** 80 unless said otherwise. */
  readonly seconds?: number;
  readonly marks?: readonly ('low rate' | 'no 5xx')[];
  readonly harm?: readonly Harm[];
}

/** An outage in the short form of the corpus. */
export function outage(name: string, kind: string, form: OutageForm): Outage {
  const { what, suspects, side, names, marks = [], harm = [], seconds = 80, ...play } = form;
  return {
    name,
    kind,
    lowRate: marks.includes('low rate'),
    no5xx: marks.includes('no 5xx'),
    harm,
    truth: { what, suspects, side, names },
    play: { ...play, seconds },
  };
}
