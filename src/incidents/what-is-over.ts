import { lostForm, missingForm } from '../core/content-kind.ts';
import type { EventKind } from '../core/event.ts';

export const goneForms: ReadonlySet<number> = new Set([missingForm, lostForm]);

/**
 * What is over is gone for all at once: a lesson, a sale, a job whose state is shown. Its clients ask some more times and leave, where those of an outage stay. So 404 and 410
 * tell something after so long (one target alone, and several), as far as in the newest part of that time so much of the usual requests still come, and still get that; less of them after longer.
 */
const alone = { waitS: 15, newest: 0.6 };
const several = { waitS: 7, newest: 0.45 };
/** Of several targets not all were answered before. */
const severalMin = 0.25;
const newestMaxS = 20;
const persistsMin = 0.6;
const staying = { most: 0.68, least: 0.4, leastAfterS: 40 } as const;
/** Compared with the half minute before it that had most. */
const usualS = 30;
/** What is gone so long after a change, or so shortly before main knows of it, is gone by it. */
const changed = { beforeS: 30, afterS: 5 } as const;

/** Changes of what answers, which the end of a thing brings by no chance. */
const changes: ReadonlySet<EventKind> = new Set([
  ...(['configuration_applied', 'overlay_changed', 'rollout', 'instance_ready'] as const),
  ...(['endpoint_state', 'name_addresses'] as const),
]);

/** When the last one was. */
export class LastChange {
  second = -Infinity;

  onEvent(kind: EventKind, second: number): void {
    if (changes.has(kind)) this.second = second;
  }
}

/** Answers of some seconds. */
export interface GoneAnswers {
  answered: number;
  unusual: number;
  /** 404 and 410; of these, those of several targets. */
  gone: number;
  lost: number;
}

interface GoneSince {
  readonly now: GoneAnswers;
  readonly since: number;
  readonly second: number;
  /** The first second that is compared. */
  readonly oldest: number;
  readonly sum: (after: number, until: number) => GoneAnswers;
  readonly lastChange: LastChange;
}

/** Whether what is gone may have come to its end: clients leave, or it is not known yet whether they do. */
export function mayBeOver({ now, since, second, oldest, sum, lastChange }: GoneSince): boolean {
  if (2 * now.gone <= now.unusual) return false;
  if (lastChange.second >= since - changed.beforeS && lastChange.second <= since + changed.afterS) return false;
  const { waitS, newest } = now.lost >= severalMin * now.gone ? several : alone;
  const lastedS = second - since + 1;
  if (lastedS < waitS) return true;
  const newestS = Math.min(newestMaxS, Math.round(newest * lastedS));
  const recent = sum(second - newestS, second);
  const least = persistsMin * now.unusual;
  if (recent.unusual * lastedS < least * newestS || recent.unusual * now.answered < least * recent.answered)
    return true;
  const part = Math.min(1, (lastedS - waitS) / (staying.leastAfterS - waitS));
  const share = staying.most - (staying.most - staying.least) * part;
  let most = 0;
  for (let end = since; end - usualS >= oldest; end -= usualS / 2) {
    const { answered, unusual } = sum(end - usualS, end);
    most = Math.max(most, answered - unusual);
  }
  return recent.answered < share * (most / usualS) * newestS;
}
