import { AnsweredRequests } from './answered-requests.ts';
import { ApplicationEvents, Timeline } from './application-events.ts';
import { FaultCounts, upstreamTotal, type FaultKeys, faultKeysOf, Ranking } from './fault-counts.ts';
import { classOf, type Finding, type FindingClass, isSuspicious } from './finding.ts';
import { withCauses } from './incident-causes.ts';
import { Incidents, largestIncidents } from './incidents.ts';
import {
  certaintyOf,
  type JoinKey,
  JoinedFailures,
  joinKeyOf,
  type ReportedFailure,
  asApplicationEvent,
  PlainNodeErrors,
  RetriedFailures,
} from './joined-failures.ts';
import { type LineParties, partiesOf } from './line-parties.ts';
import { LineTimes, exampleOf, type CountedFile, type LineReference } from './line-times.ts';
import { CopiedLines } from './copied-lines.ts';
import { clockOf, type LogClock, timeOf, utcClock, ClockFormats } from './log-clock.ts';
import type { LineVerdict } from './log-explainer.ts';
import { ownFinding, ownText } from './own-text.ts';
import { truncateFix, truncateText } from './report-texts.ts';
import { RequestHash } from './request-hash.ts';
import type { EventTotal, Example, GatewayTotal, SummaryReport } from './summary-report.ts';
import { Suspects } from './suspects.ts';

/** Events in a report. */
const eventsReported = 20;

/** Sentences that are counted separately. */
const eventsCounted = 1000;

/** Files that are named in a report. */
const filesReported = 50;

const examplesMax = 3;

type Growing<T> = { -readonly [K in keyof T]: T[K] };
type Event = Growing<Omit<EventTotal, 'examples'>> & { readonly examples: Example[] };

/** The count for one format of one gateway. The fast path holds one and counts into it. */
export type Tally = Growing<GatewayTotal>;

/** What became of a line: 'repeat' if it is about a failure that is counted already. */
export type LineUse = 'counted' | 'repeat';

interface SummaryOptions {
  readonly clock?: LogClock;
  /** If there are several logs: by their names, logs with the same number begin with the same lines. */
  readonly sameLogs?: ReadonlyMap<string, number>;
}

/** A line of a failure, and under which keys it is counted and joined with others. */
interface CountedFault {
  readonly finding: Finding;
  readonly keys: FaultKeys;
  readonly parties: LineParties;
  readonly joinKey: JoinKey | null;
  readonly reference: LineReference;
}

function faultOf(finding: Finding, reference: LineReference): CountedFault {
  const [keys, parties] = [faultKeysOf(finding), partiesOf(finding, reference.text)];
  return { finding, keys, parties, joinKey: joinKeyOf(finding), reference };
}

/** Adds up the verdicts on the lines of logs. Its memory is bounded for any log. */
export class Summary {
  #clock: LogClock;
  #lines = 0;
  #unrecognised = 0;
  #blank = 0;
  readonly #classes: Record<FindingClass, number> = {
    failure: 0,
    unclear: 0,
    denial: 0,
    app_error: 0,
    client_abort: 0,
    none: 0,
  };
  #repeats = 0;
  #retriedCount = 0;
  #consequences = 0;
  readonly #files: CountedFile[] = [];
  #unnamed: CountedFile | null = null;
  readonly #tallies = new Map<string, Tally>();
  readonly #events = new Ranking<Event>(eventsCounted);
  readonly #timeline = new Timeline();
  readonly #joined = new JoinedFailures();
  readonly #faults = new FaultCounts();
  readonly #incidents = new Incidents();
  readonly #applications = new ApplicationEvents();
  readonly #suspects = new Suspects();
  readonly #clockFormats = new ClockFormats();
  readonly #retried = new RetriedFailures();
  readonly #hash = new RequestHash();
  readonly #plainErrors = new PlainNodeErrors();

  /** Finds failures that no client noticed. Readers that do not call `add` add the answers themselves, if they are wanted. */
  readonly answered: AnsweredRequests;

  /** Null while there is one log. */
  readonly #copies: CopiedLines | null;

  constructor({ clock = utcClock, sameLogs }: SummaryOptions = {}) {
    this.#clock = clock;
    this.#copies = sameLogs === undefined ? null : new CopiedLines(sameLogs);
    this.answered = new AnsweredRequests(sameLogs !== undefined);
  }

  /** Takes the zone and the date from the beginning of a log, unless another log has shown them. Before its lines are added. */
  learnClock(beginning: string): void {
    if (!this.#clock.isZoneKnown) this.#clock = clockOf([beginning], this.#clock.nearMs);
  }

  /** A file whose lines are numbered from 1. */
  open(name: string | null): CountedFile {
    const file: CountedFile = { name, lines: 0, lastMs: null, times: new LineTimes() };
    this.#files.push(file);
    return file;
  }

  /** `text` is the line, for examples. */
  add(verdict: LineVerdict, text: string, file: CountedFile = this.#ownFile()): LineUse {
    this.#lines += 1;
    file.lines += 1;
    if (verdict === null) {
      if (text.trim() === '') this.#blank += 1;
      else {
        this.#unrecognised += 1;
        file.times.unrecognised(text, file.lines, this.#clock);
      }
      return 'counted';
    }
    const atMs = file.times.timeOf(verdict, text, file.lines, this.#clock);
    const read = atMs === verdict.atMs ? verdict : { ...verdict, atMs };
    this.#countLine(read, file);
    const finding = this.#plainErrors.isOfApplication(read) ? asApplicationEvent(read) : read;
    const reference = { file: file.name, line: file.lines, text };
    const isFault = finding.shape !== 'none' && finding.application === undefined;
    if (isFault) return this.#addFault(faultOf(ownFinding(finding, text), reference));
    if (finding.kind === 'event' && finding.sentence !== '') this.#addEvent(finding, reference);
    if (finding.kind === 'access' && this.answered.isWanted) this.#readAnswer(finding, text);
    return 'counted';
  }

  #countLine(finding: Finding, file: CountedFile): void {
    const tally = this.tallyOf(finding);
    if (tally.lines === 0 || finding.application !== undefined) this.#clockFormats.add(finding);
    tally.lines += 1;
    tally[finding.kind] += 1;
    this.#timeline.addLine(finding.atMs);
    if (finding.atMs !== null) file.lastMs = finding.atMs;
  }

  /** The time of a line in UTC, as far as the clock of its log is known. */
  timeOf(finding: Finding): number | null {
    return timeOf(finding, this.#clock);
  }

  /** Counts a failure whose keys and parties are known, at a time in UTC: the same as `add` with its finding and text. */
  addRepeated(fault: CountedFault, file: CountedFile): void {
    this.#lines += 1;
    file.lines += 1;
    this.#countLine(fault.finding, file);
    this.#addFault(fault);
  }

  /** Counts an access line without a failure, of a known format: the same as `add` with its finding. */
  addHarmless(tally: Tally, atMs: number, file: CountedFile = this.#ownFile()): void {
    this.#lines += 1;
    file.lines += 1;
    file.lastMs = atMs;
    tally.lines += 1;
    tally.access += 1;
    this.#timeline.addLine(atMs);
  }

  #readAnswer(finding: Finding, text: string): void {
    const { gateway, status, request, atMs } = finding;
    if (atMs === null || request === null || status === null || status < 200 || status >= 500) return;
    const { client } = partiesOf(finding, text);
    if (client !== null) this.addAnswer(this.#hash.ofText(gateway, client, request), atMs);
  }

  /** A response without an error: a failed attempt to get it is not counted as a failure. */
  addAnswer(hash: RequestHash, atMs: number): void {
    const reported = this.answered.answer(hash, atMs);
    if (reported === null) return;
    this.#setAnswered(reported, this.#uncount(reported));
  }

  /** The tally of the last line, which is nearly always that of the next line. */
  #lastTally: Tally | null = null;

  tallyOf({ gateway, format }: Pick<Finding, 'gateway' | 'format'>): Tally {
    const last = this.#lastTally;
    if (last !== null && last.gateway === gateway && last.format === format) return last;
    const key = `${gateway} ${format}`;
    let tally = this.#tallies.get(key);
    if (tally === undefined) {
      tally = { gateway, format, lines: 0, access: 0, error: 0, event: 0, failures: 0 };
      this.#tallies.set(key, tally);
      for (const reported of this.#plainErrors.seen(gateway)) this.#setOfApplication(reported);
    }
    this.#lastTally = tally;
    return tally;
  }

  #ownFile(): CountedFile {
    this.#unnamed ??= this.open(null);
    return this.#unnamed;
  }

  #addFault(fault: CountedFault): LineUse {
    const { finding, parties, joinKey, reference } = fault;
    if (this.#copies?.isCopy(finding, parties, reference.file ?? '') === true) {
      this.#repeats += 1;
      return 'repeat';
    }
    const reported = this.#joined.find(finding, parties, this.#lines, joinKey);
    if (reported.first === finding) {
      if (this.answered.fail(reported)) this.#setAnswered(reported, exampleOf(reference));
      else this.#countCause(fault, reported);
      this.#plainErrors.counted(reported);
      return 'counted';
    }
    this.#repeats += 1;
    if (reported.isAnswered && finding.kind === 'access') this.#setFailed(reported, fault);
    if (!reported.isAnswered && certaintyOf(finding) > certaintyOf(reported.finding)) this.#replace(reported, fault);
    return 'repeat';
  }

  #setAnswered(reported: ReportedFailure, example: Example | null): void {
    reported.isAnswered = true;
    this.#retriedCount += 1;
    this.#retried.add(reported.finding, faultKeysOf(reported.finding), example);
  }

  #setOfApplication(reported: ReportedFailure): void {
    const example = this.#uncount(reported);
    const { file, fileLine: line } = reported;
    this.#addEvent(asApplicationEvent(reported.finding), example ?? { file, line, text: '' });
  }

  /** The client got an error after all. The answer was that to another request. */
  #setFailed(reported: ReportedFailure, { reference }: CountedFault): void {
    const { finding, parties } = reported;
    const keys = faultKeysOf(finding);
    reported.isAnswered = false;
    this.#retriedCount -= 1;
    this.#retried.remove(keys);
    this.#countCause({ finding, keys, parties, joinKey: null, reference }, reported);
  }

  /** Takes back what `#countCause` has counted. Returns the line that it was counted with, if it is known. */
  #uncount(reported: ReportedFailure): Example | null {
    const { finding, incident, parties } = reported;
    const keys = faultKeysOf(finding);
    this.#countFault(finding, -1);
    const example = this.#faults.remove(finding, keys, parties, { file: reported.file, line: reported.fileLine });
    if (incident !== null) this.#incidents.remove(finding, keys, incident);
    reported.incident = null;
    if (classOf(finding) === 'failure') this.#suspects.remove(finding);
    return example;
  }

  /** Another line of the same failure knows more of its cause. */
  #replace(joined: ReportedFailure, fault: CountedFault): void {
    const { finding, parties } = fault;
    this.#uncount(joined);
    joined.finding = finding;
    joined.parties = {
      client: parties.client ?? joined.parties.client,
      host: parties.host ?? joined.parties.host,
      path: parties.path ?? joined.parties.path,
    };
    this.#countCause({ ...fault, parties: joined.parties }, joined);
  }

  #countCause({ finding, keys, parties, reference }: CountedFault, reported: ReportedFailure): void {
    this.#countFault(finding, 1);
    this.#faults.add(finding, keys, parties, reference);
    reported.file = reference.file;
    reported.fileLine = reference.line;
    if (!isSuspicious(finding)) return;
    reported.incident = this.#incidents.add(finding, keys, reference);
    if (classOf(finding) === 'failure') this.#suspects.add(finding);
  }

  #countFault(finding: Finding, step: 1 | -1): void {
    const found = classOf(finding);
    this.#timeline.addFault(finding.atMs, found, step);
    this.#classes[found] += step;
    if (found !== 'failure') return;
    this.tallyOf(finding).failures += step;
    if (finding.isConsequence) this.#consequences += step;
  }

  #addEvent(read: Finding, reference: LineReference): void {
    const { application } = read;
    const finding = application === undefined ? read : this.#applications.add(read, application, reference);
    const { gateway, sentence, atMs } = finding;
    const said = truncateText(ownText(sentence));
    const event = this.#events.count(`${gateway} ${said}`, () => ({
      gateway,
      sentence: said,
      count: 0,
      isApplication: application !== undefined,
      firstMs: atMs,
      lastMs: atMs,
      fix: truncateFix(finding.fix),
      examples: [],
    }));
    if (event === null) return;
    if (event.examples.length < examplesMax) event.examples.push(exampleOf(reference));
    if (atMs === null) return;
    event.firstMs = Math.min(event.firstMs ?? atMs, atMs);
    event.lastMs = Math.max(event.lastMs ?? atMs, atMs);
  }

  /** A report on the lines so far. It is a copy: later lines do not change it. */
  report(): SummaryReport {
    return structuredClone(this.#report());
  }

  #report(): SummaryReport {
    const { causes, upstreams, byShape, hints, names } = this.#faults;
    const all = withCauses(this.#incidents.report(), this.#applications.all);
    const { incidents, leftOut: incidentsLeftOut } = largestIncidents(all, this.#incidents.dropped);
    const events = this.#events.top(eventsReported);
    const retries = this.#retried.report;
    const timeline = this.#timeline.report();
    return {
      version: 3,
      lines: this.#lines,
      recognised: this.#lines - this.#unrecognised - this.#blank,
      unrecognised: this.#unrecognised,
      blank: this.#blank,
      failures: this.#classes.failure,
      unclear: this.#classes.unclear,
      denials: this.#classes.denial,
      appErrors: this.#classes.app_error,
      clientAborts: this.#classes.client_abort,
      retried: this.#retriedCount,
      repeats: this.#repeats,
      consequences: this.#consequences,
      clock: this.#clockFormats.report(this.#clock),
      files: this.#files.slice(0, filesReported).map(({ name, lines }) => ({ name, lines })),
      byGateway: [...this.#tallies.values()].filter(({ lines }) => lines > 0).sort((a, b) => b.lines - a.lines),
      byShape,
      byCause: causes.top,
      causesLeftOut: causes.leftOut,
      timeline,
      incidents,
      incidentsLeftOut,
      upstreams: upstreams.top.map(upstreamTotal),
      upstreamsLeftOut: upstreams.leftOut,
      retries: retries.top,
      retriesLeftOut: retries.leftOut,
      ...names,
      suspects: this.#suspects.report(upstreams.top, all, timeline.lastMs),
      hints,
      events: events.top,
      eventsLeftOut: events.leftOut,
    };
  }
}
