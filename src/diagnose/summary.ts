import { type Finding, isGatewayFailure } from './finding.ts';
import type { LineVerdict } from './log-explainer.ts';
import { Ranking } from './ranking.ts';
import type {
  CauseTotal,
  EventTotal,
  Example,
  GatewayTotal,
  ShapeTotal,
  SummaryReport,
  UpstreamTotal,
} from './summary-report.ts';
import { Timeline } from './timeline.ts';

/** Reports have room for so many of each kind: what a page or a terminal can show, and a person reads. */
const reported = { causes: 40, upstreams: 20, events: 20 };

/** Kinds that are counted apart while a log is read; a log with more of them than this has names that are made up. */
const counted = { causes: 1000, upstreams: 10_000, events: 1000 };

const examplesMax = 3;
const exampleLengthMax = 300;

type Growing<T> = { -readonly [K in keyof T]: T[K] };
type Cause = Growing<Omit<CauseTotal, 'examples'>> & { readonly examples: Example[] };
type Event = Growing<Omit<EventTotal, 'examples'>> & { readonly examples: Example[] };
type UpstreamCount = { count: number; readonly upstream: string; readonly finding: Finding };

/** Lines of one format of one gateway. The fast path holds one and counts into it. */
export type Tally = Growing<GatewayTotal>;

/** What the lines of a log say together. Its memory has a bound, whatever the log. */
export class Summary {
  #unrecognised = 0;
  #blank = 0;
  #lines = 0;
  #failures = 0;
  #consequences = 0;
  readonly #tallies = new Map<string, Tally>();
  readonly #shapes = new Map<string, Growing<ShapeTotal>>();
  readonly #causes = new Ranking<Cause>(counted.causes);
  readonly #events = new Ranking<Event>(counted.events);
  readonly #upstreams = new Ranking<UpstreamCount>(counted.upstreams);
  readonly #timeline = new Timeline();

  /** `text` is the line, or null where the caller does not keep it. */
  add(finding: LineVerdict, text: string | null = null): void {
    this.#lines += 1;
    if (finding === null) {
      if (text !== null && text.trim() === '') this.#blank += 1;
      else this.#unrecognised += 1;
      return;
    }
    const tally = this.tallyOf(finding);
    tally.lines += 1;
    tally[finding.kind] += 1;
    this.#timeline.add(finding.atMs, finding.shape);
    if (finding.shape !== 'none') this.#addFault(finding, tally, this.#exampleOf(text));
    else if (finding.kind === 'event' && finding.sentence !== '') this.#addEvent(finding, this.#exampleOf(text));
  }

  /** An access line without a fault, of a format that has been met: the same as `add` of its finding, and nothing more. */
  addQuiet(tally: Tally, atMs: number | null): void {
    this.#lines += 1;
    tally.lines += 1;
    tally.access += 1;
    this.#timeline.add(atMs, 'none');
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

  #addFault(finding: Finding, tally: Tally, example: Example): void {
    let shape = this.#shapes.get(finding.shape);
    if (shape === undefined) {
      shape = { shape: finding.shape, count: 0 };
      this.#shapes.set(finding.shape, shape);
    }
    shape.count += 1;
    const cause = this.#causes.count(causeKey(finding), () => causeOf(finding));
    if (cause !== null && cause.examples.length < examplesMax) cause.examples.push(example);
    if (!isGatewayFailure(finding)) return;
    this.#failures += 1;
    tally.failures += 1;
    if (finding.isConsequence) this.#consequences += 1;
    const { gateway, upstream } = finding;
    if (upstream !== null)
      this.#upstreams.count(`${gateway} ${upstream}`, () => ({ count: 0, upstream: cut(upstream), finding }));
  }

  #addEvent({ gateway, sentence }: Finding, example: Example): void {
    const event = this.#events.count(`${gateway} ${sentence}`, () => ({ gateway, sentence, count: 0, examples: [] }));
    if (event !== null && event.examples.length < examplesMax) event.examples.push(example);
  }

  #exampleOf(text: string | null): Example {
    return { line: this.#lines, text: cut(text ?? '') };
  }

  report(): SummaryReport {
    const causes = this.#causes.top(reported.causes);
    const upstreams = this.#upstreams.top(reported.upstreams);
    const events = this.#events.top(reported.events);
    return {
      version: 1,
      lines: this.#lines,
      recognised: this.#lines - this.#unrecognised - this.#blank,
      unrecognised: this.#unrecognised,
      blank: this.#blank,
      failures: this.#failures,
      repeats: 0,
      consequences: this.#consequences,
      byGateway: [...this.#tallies.values()].filter(({ lines }) => lines > 0).sort((a, b) => b.lines - a.lines),
      byShape: [...this.#shapes.values()].sort((a, b) => b.count - a.count),
      byCause: causes.top,
      causesLeftOut: causes.leftOut,
      timeline: this.#timeline.report(),
      storms: [],
      stormsLeftOut: { kinds: 0, count: 0 },
      upstreams: upstreams.top.map(upstreamTotal),
      upstreamsLeftOut: upstreams.leftOut,
      suspects: [],
      hints: [],
      events: events.top,
      eventsLeftOut: events.leftOut,
    };
  }
}

function upstreamTotal({ count, upstream, finding }: UpstreamCount): UpstreamTotal {
  const { gateway, shape, atMs } = finding;
  return { gateway, upstream, failures: count, shape, ofThatShape: count, firstMs: atMs, lastMs: atMs };
}

function causeKey({ gateway, shape, type, stage, born, isConsequence, sentence }: Finding): string {
  return [gateway, shape, type, stage, born, isConsequence, withoutNames(sentence)].join('|');
}

/** Sentences name addresses, times and sizes; the cause is the same whichever it was. */
function withoutNames(sentence: string): string {
  return sentence.replace(/"[^"]*"|`[^`]*`|\S*\d\S*/g, '#');
}

function causeOf(finding: Finding): Cause {
  const { gateway, shape, type, stage, born, whose, sentence, evidence, fix, isConsequence } = finding;
  return { gateway, shape, type, stage, born, whose, sentence, evidence, fix, count: 0, isConsequence, examples: [] };
}

function cut(text: string): string {
  return text.length > exampleLengthMax ? `${text.slice(0, exampleLengthMax)}…` : text;
}
