import type { ApplicationEvent, Finding } from './finding.ts';
import { exampleOf, type LineReference } from './line-reference.ts';
import { truncateFix, truncateText } from './report-texts.ts';
import type { Example } from './summary-report.ts';

/** Events that are remembered. Of a kind that repeats (all workers busy), the first and the latest matter. */
const rememberedMax = 4000;

/** One event of the application's side, as it is related to incidents. */
export interface TimedEvent {
  readonly source: Finding['gateway'];
  readonly event: ApplicationEvent;
  readonly atMs: number;
  readonly sentence: string;
  readonly fix: Finding['fix'];
  readonly example: Example;
}

/** The events of the application's side that have a time. Its memory is bounded: the oldest are forgotten. */
export class ApplicationEvents {
  #events: TimedEvent[] = [];
  dropped = 0;

  add(finding: Finding, event: ApplicationEvent, reference: LineReference): void {
    const { atMs, gateway, sentence, fix } = finding;
    if (atMs === null || event.kind === 'dependency') return;
    this.#events.push({
      source: gateway,
      event,
      atMs,
      sentence: truncateText(sentence),
      fix: truncateFix(fix),
      example: exampleOf(reference),
    });
    if (this.#events.length < rememberedMax * 2) return;
    this.dropped += rememberedMax;
    this.#events = this.#events.slice(rememberedMax);
  }

  /** In the order of their times. */
  get all(): readonly TimedEvent[] {
    return this.#events.toSorted((a, b) => a.atMs - b.atMs);
  }
}
