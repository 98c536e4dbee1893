import { truncateText, FaultCounts, upstreamTotal } from './fault-counts.ts';
import { type Finding, isGatewayFailure } from './finding.ts';
import { certaintyOf, JoinedFailures } from './joined-failures.ts';
import type { LineVerdict } from './log-explainer.ts';
import { ownFinding, ownText } from './own-text.ts';
import { Ranking } from './ranking.ts';
import { FailureBursts } from './failure-bursts.ts';
import type { EventTotal, Example, GatewayTotal, SummaryReport } from './summary-report.ts';
import { Suspects } from './suspects.ts';
import { Timeline } from './timeline.ts';

/** Events in a report. */
const eventsReported = 20;

/** Sentences that are counted separately. */
const eventsCounted = 1000;

const examplesMax = 3;

type Growing<T> = { -readonly [K in keyof T]: T[K] };
type Event = Growing<Omit<EventTotal, 'examples'>> & { readonly examples: Example[] };

/** The count for one format of one gateway. The fast path holds one and counts into it. */
export type Tally = Growing<GatewayTotal>;

/** Adds up the verdicts on the lines of a log. Its memory is bounded for any log. */
export class Summary {
  #lines = 0;
  #unrecognised = 0;
  #blank = 0;
  #failures = 0;
  #repeats = 0;
  #consequences = 0;
  readonly #tallies = new Map<string, Tally>();
  readonly #events = new Ranking<Event>(eventsCounted);
  readonly #timeline = new Timeline();
  readonly #joined = new JoinedFailures();
  readonly #faults = new FaultCounts();
  readonly #bursts = new FailureBursts();
  readonly #suspects = new Suspects();

  /** `text` is the line, for examples; lines are counted from 1 in the order in which they are added. */
  add(finding: LineVerdict, text: string): void {
    this.#lines += 1;
    if (finding === null) {
      if (text.trim() === '') this.#blank += 1;
      else this.#unrecognised += 1;
      return;
    }
    const tally = this.tallyOf(finding);
    tally.lines += 1;
    tally[finding.kind] += 1;
    this.#timeline.addLine(finding.atMs);
    if (finding.shape !== 'none')
      this.#addFault(ownFinding(finding, text), { line: this.#lines, text: truncateText(ownText(text)) });
    else if (finding.kind === 'event' && finding.sentence !== '') this.#addEvent(finding, text);
  }

  /** Counts an access line without a failure, of a known format: the same as `add` with its finding. */
  addHarmless(tally: Tally, atMs: number): void {
    this.#lines += 1;
    tally.lines += 1;
    tally.access += 1;
    this.#timeline.addLine(atMs);
  }

  tallyOf({ gateway, format }: Pick<Finding, 'gateway' | 'format'>): Tally {
    const key = `${gateway} ${format}`;
    let tally = this.#tallies.get(key);
    if (tally === undefined) {
      tally = { gateway, format, lines: 0, access: 0, error: 0, event: 0, failures: 0 };
      this.#tallies.set(key, tally);
    }
    return tally;
  }

  #addFault(finding: Finding, example: Example): void {
    const joined = this.#joined.find(finding, example);
    if (joined !== null) {
      this.#repeats += 1;
      if (certaintyOf(finding) <= certaintyOf(joined.finding)) return;
      this.#countFault(joined.finding, -1);
      this.#faults.remove(joined.finding);
      this.#bursts.remove(joined.finding);
      joined.finding = finding;
    }
    this.#countFault(finding, 1);
    this.#faults.add(finding, example);
    if (!isGatewayFailure(finding)) return;
    this.#bursts.add(finding, example);
    this.#suspects.add(finding);
  }

  #countFault(finding: Finding, step: 1 | -1): void {
    this.#timeline.addFault(finding.atMs, finding.shape, step);
    if (!isGatewayFailure(finding)) return;
    this.#failures += step;
    this.tallyOf(finding).failures += step;
    if (finding.isConsequence) this.#consequences += step;
  }

  #addEvent({ gateway, sentence }: Finding, text: string): void {
    const said = truncateText(ownText(sentence));
    const event = this.#events.count(`${gateway} ${said}`, () => ({ gateway, sentence: said, count: 0, examples: [] }));
    if (event !== null && event.examples.length < examplesMax)
      event.examples.push({ line: this.#lines, text: truncateText(ownText(text)) });
  }

  /** A report on the lines so far. It is a copy: later lines do not change it. */
  report(): SummaryReport {
    return structuredClone(this.#report());
  }

  #report(): SummaryReport {
    const { causes, upstreams, byShape, hints } = this.#faults;
    const { bursts, leftOut: burstsLeftOut } = this.#bursts.report();
    const events = this.#events.top(eventsReported);
    const timeline = this.#timeline.report();
    return {
      version: 2,
      lines: this.#lines,
      recognised: this.#lines - this.#unrecognised - this.#blank,
      unrecognised: this.#unrecognised,
      blank: this.#blank,
      failures: this.#failures,
      repeats: this.#repeats,
      consequences: this.#consequences,
      byGateway: [...this.#tallies.values()].filter(({ lines }) => lines > 0).sort((a, b) => b.lines - a.lines),
      byShape,
      byCause: causes.top,
      causesLeftOut: causes.leftOut,
      timeline,
      bursts,
      burstsLeftOut,
      upstreams: upstreams.top.map(upstreamTotal),
      upstreamsLeftOut: upstreams.leftOut,
      suspects: this.#suspects.report(upstreams.top, bursts, timeline.lastMs),
      hints,
      events: events.top,
      eventsLeftOut: events.leftOut,
    };
  }
}
