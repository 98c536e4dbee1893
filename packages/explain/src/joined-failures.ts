import { type Finding, type GatewayProduct, applicationProducts } from './finding.ts';
import type { IncidentGroup } from './incidents.ts';
import type { LineParties } from './line-parties.ts';
import { type FaultKeys, Ranking } from './fault-counts.ts';
import { truncateFix, truncateText } from './report-texts.ts';
import type { Example, LeftOut, RetriedTotal } from './summary-report.ts';
import { plainErrorFormat } from './node/node.ts';

/** Errors that are remembered until another gateway's lines come. */
const waitingMax = 1000;

/**
 * Errors of Node that no line of a proxy has announced (`Error: read ECONNRESET`). In a log by itself such an error is taken for
 * that of a proxy written in Node. Beside the log of another gateway it is what an application prints of its own connections.
 */
export class PlainNodeErrors {
  #waiting: ReportedFailure[] | null = [];

  /** Whether the finding is an application's own error, since there is another gateway. */
  isOfApplication({ format }: Finding): boolean {
    return this.#waiting === null && format === plainErrorFormat;
  }

  /** Adds a failure that was counted. */
  counted(reported: ReportedFailure): void {
    if (reported.first.format === plainErrorFormat && (this.#waiting?.length ?? waitingMax) < waitingMax)
      this.#waiting?.push(reported);
  }

  /** Adds a product whose lines are there. Returns the failures that turn out to be none. */
  seen(gateway: GatewayProduct): readonly ReportedFailure[] {
    if (this.#waiting === null || gateway === 'node' || ofApplications.has(gateway)) return [];
    const waiting = this.#waiting;
    this.#waiting = null;
    return waiting;
  }
}

const ofApplications: ReadonlySet<GatewayProduct> = new Set(applicationProducts);

/** The same line as an event of the application. */
export function asApplicationEvent(finding: Finding): Finding {
  const [what = ''] = finding.evidence;
  const sentence = `An application reported an error of a connection of its own (${what}).`;
  return {
    ...finding,
    gateway: 'nodejs',
    kind: 'event',
    shape: 'none',
    type: null,
    stage: null,
    born: null,
    whose: null,
    sentence,
    fix: null,
  };
}

/** Kinds that are counted separately, and those of them in a report. */
const [countedMax, reportedMax] = [1000, 20];

type Growing<T> = { -readonly [K in keyof T]: T[K] };

/** Totals of failed attempts whose request was answered all the same, by cause and upstream. */
export class RetriedFailures {
  readonly #totals = new Ranking<Growing<RetriedTotal>>(countedMax);

  add(finding: Finding, keys: FaultKeys, example: Example | null): void {
    const total = this.#totals.count(keyOf(keys), () => totalOf(finding, keys));
    if (total === null) return;
    total.example ??= example;
    if (finding.atMs === null) return;
    total.firstMs = Math.min(total.firstMs ?? finding.atMs, finding.atMs);
    total.lastMs = Math.max(total.lastMs ?? finding.atMs, finding.atMs);
  }

  /** A later line says that the request failed. */
  remove(keys: FaultKeys): void {
    this.#totals.uncount(keyOf(keys));
  }

  get report(): { readonly top: readonly RetriedTotal[]; readonly leftOut: LeftOut } {
    return this.#totals.top(reportedMax);
  }
}

const keyOf = ({ cause, endpoint }: FaultKeys): string => `${cause} ${endpoint}`;

function totalOf(finding: Finding, { endpoint }: FaultKeys): Growing<RetriedTotal> {
  const { gateway, shape, type, stage, sentence, fix } = finding;
  return {
    gateway,
    upstream: endpoint,
    shape,
    type,
    stage,
    sentence: truncateText(sentence),
    fix: truncateFix(fix),
    count: 0,
    firstMs: null,
    lastMs: null,
    example: null,
  };
}

/** A map whose older half is forgotten when the younger half is full. */
export class TwoGenerations<K, T> {
  #young = new Map<K, T>();
  #old = new Map<K, T>();
  readonly #entriesMax: number;
  /** Of the younger half: its keys, and what its values have gained. */
  #size = 0;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get(key: K): T | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: K, value: T): void {
    this.#young.set(key, value);
    this.#size += 1;
    if (this.#size < this.#entriesMax) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#size = 0;
  }

  /** The value has grown, and stays. */
  keep(key: K, value: T): void {
    this.#size += 1;
    if (this.#size >= this.#entriesMax || this.#old.delete(key)) this.set(key, value);
  }
}

/** A failure that was counted, with the lines about it since then. */
export interface ReportedFailure {
  finding: Finding;
  parties: LineParties;
  readonly line: number;
  /** Its first line. */
  readonly first: Finding;
  /**
   * The upstream and failure of each of its lines. A line that repeats one of them belongs to another failure. Null while
   * it has one line, as most failures have.
   */
  said: Set<string> | null;
  /** The formats of its lines: each log reports an exchange once. Shared by failures with the same ones. */
  formats: readonly string[];
  /** Where it is counted; null while it is not counted in an incident. */
  incident: IncidentGroup | null;
  /** The line that it is counted with. */
  file: string | null;
  fileLine: number;
  /** Whether its request was answered all the same, so that it is not counted as a failure. */
  isAnswered: boolean;
}

/** The failures of one client's requests of one form, in the order in which they were read. */
interface SameRequests {
  failures: ReportedFailure[];
  /** By format: the first failure that it may still report. */
  cursors: Map<string, number> | null;
}

/** What the lines of one failure have in common: the number of nginx's connection, or a text. A number is found faster. */
export type JoinKey = number | string;

/** Lines of one failure are written within this time. */
const windowMs = 10_000;

/** For lines without a time: at most this many lines lie between two lines of one failure. */
const windowLines = 1000;

/** Failures that are remembered: at least this many, and at most twice as many. Ten seconds at a thousand a second. */
const failuresMin = 10_000;

/** Different lines about one failure: more than the endpoints of a large upstream. */
const saidMax = 32;

/** A log may be written when the request ends, another one when it failed. */
const sameRequestMs = 2000;

/** Failures of one client's requests of one form that are remembered. */
const sameRequestsMax = 4096;

/**
 * Finds the failure that an earlier line has reported already. Lines of one log are joined by their connection number or
 * request id. Lines of several logs of one gateway are joined by the client's address, the request line and the second; of
 * several equal requests in one second, the first lines of each log belong together, then the second ones.
 */
export class JoinedFailures {
  readonly #byKey = new TwoGenerations<JoinKey, ReportedFailure>(failuresMin);
  readonly #byRequest = new TwoGenerations<string, SameRequests>(failuresMin);

  /** The first format. Until there is another, no lines can be joined by their requests, and building the keys is put off. */
  #formats: readonly string[] | null = null;
  #unindexed: ReportedFailure[] | null = [];

  /** Whether an error log of Apache was read: then lines in the formats that it shares with nginx may be Apache's. */
  #hasApacheErrors = false;

  /** The failure that the line is about. It is a new one if the finding is its first. */
  find(finding: Finding, parties: LineParties, line: number, key: JoinKey | null): ReportedFailure {
    this.#formats ??= [finding.format];
    if (finding.format === apacheErrors) this.#hasApacheErrors = true;
    if (this.#unindexed !== null && finding.format !== this.#formats[0]) this.#indexRequests(this.#unindexed);
    const requests = this.#unindexed === null ? this.#requestKeys(finding, parties) : [];
    const ofKey = key === null ? null : this.#ofKey(key, finding, parties, line);
    const earlier = ofKey ?? this.#ofRequests(requests, finding);
    if (earlier !== null) {
      if (ofKey === null && key !== null) this.#addKey(key, earlier, finding);
      if (!earlier.formats.includes(finding.format)) earlier.formats = [...earlier.formats, finding.format];
      return earlier;
    }
    const formats = this.#formats[0] === finding.format ? this.#formats : [finding.format];
    const reported = reportedOf(finding, parties, line, formats);
    if (key !== null) this.#byKey.set(key, reported);
    if (this.#unindexed !== null) this.#postpone(reported, this.#unindexed);
    else for (const request of requests) this.#remember(reported, request);
    return reported;
  }

  #postpone(reported: ReportedFailure, unindexed: ReportedFailure[]): void {
    unindexed.push(reported);
    if (unindexed.length >= failuresMin * 2) this.#unindexed = unindexed.slice(failuresMin);
  }

  #indexRequests(failures: readonly ReportedFailure[]): void {
    this.#unindexed = null;
    for (const reported of failures)
      for (const key of this.#requestKeys(reported.first, reported.parties)) this.#remember(reported, key);
  }

  #requestKeys(finding: Finding, parties: LineParties): readonly string[] {
    const own = requestKey(finding, parties);
    const ofApache = this.#hasApacheErrors ? apacheKeys(finding, parties) : [];
    return own === null ? ofApache : [own, ...ofApache];
  }

  #ofKey(key: JoinKey, finding: Finding, { client }: LineParties, line: number): ReportedFailure | null {
    const earlier = this.#byKey.get(key);
    // Two gateways number their connections from 1.
    if (client !== null && (earlier?.parties.client ?? client) !== client) return null;
    if (earlier === undefined || !isSame(earlier, finding, line)) return null;
    const said = (earlier.said ??= new Set([sayingOf(earlier.first)]));
    const saying = sayingOf(finding);
    if (said.has(saying)) return null;
    if (said.size < saidMax) said.add(saying);
    return earlier;
  }

  /** The line of another log reported it first: further lines with this key are about it, too. */
  #addKey(key: JoinKey, earlier: ReportedFailure, finding: Finding): void {
    (earlier.said ??= new Set([sayingOf(earlier.first)])).add(sayingOf(finding));
    this.#byKey.set(key, earlier);
  }

  #ofRequests(keys: readonly string[], { atMs, format }: Finding): ReportedFailure | null {
    if (atMs === null) return null;
    for (const key of keys) {
      const same = this.#byRequest.get(key);
      const found = same === undefined ? null : nextFor(same, format, Math.floor(atMs / 1000) * 1000);
      if (found !== null) return found;
    }
    return null;
  }

  #remember(reported: ReportedFailure, key: string): void {
    const same = this.#byRequest.get(key);
    if (same === undefined) {
      this.#byRequest.set(key, { failures: [reported], cursors: null });
      return;
    }
    if (same.failures.length >= sameRequestsMax) forgetHalf(same);
    same.failures.push(reported);
    this.#byRequest.keep(key, same);
  }
}

function reportedOf(finding: Finding, parties: LineParties, line: number, formats: readonly string[]): ReportedFailure {
  return {
    finding,
    parties,
    line,
    first: finding,
    said: null,
    formats,
    incident: null,
    file: null,
    fileLine: 0,
    isAnswered: false,
  };
}

/** The first failure of that time that this format has not reported. Earlier ones are not looked at again. */
function nextFor(same: SameRequests, format: string, atMs: number): ReportedFailure | null {
  const { failures } = same;
  let at = same.cursors?.get(format) ?? 0;
  for (; at < failures.length; at += 1) {
    const failure = failures[at] as ReportedFailure;
    if (failure.formats.includes(format)) continue;
    if ((failure.finding.atMs ?? 0) >= atMs - sameRequestMs) break;
  }
  if (at > 0) (same.cursors ??= new Map()).set(format, at);
  const found = failures[at];
  return found !== undefined && (found.finding.atMs ?? 0) < atMs + 1000 + sameRequestMs ? found : null;
}

function forgetHalf(same: SameRequests): void {
  const dropped = sameRequestsMax / 2;
  same.failures = same.failures.slice(dropped);
  for (const [format, at] of same.cursors ?? []) same.cursors?.set(format, Math.max(0, at - dropped));
}

/** Products that write logs of the same gateway. */
const families: Readonly<Partial<Record<GatewayProduct, GatewayProduct>>> = {
  openresty: 'nginx',
  'ingress-nginx': 'nginx',
  kong: 'nginx',
  apisix: 'nginx',
  istio: 'envoy',
};

export function familyOf(gateway: GatewayProduct): GatewayProduct {
  return families[gateway] ?? gateway;
}

const apacheErrors = 'Apache error log';
const sharedFormat = /^(?:Apache access log|nginx access log \(combined\)$)/;

/**
 * Apache writes two or three lines about one failure, of which the first one, with the cause, does not name the client: it is
 * joined to the next failed request of that second.
 */
function apacheKeys({ format, status, gateway, atMs }: Finding, { client }: LineParties): readonly string[] {
  if (atMs === null) return [];
  if (format === apacheErrors) return client === null ? ['apache'] : [];
  const isFailed = status === 502 || status === 503 || status === 504;
  if (!isFailed || !sharedFormat.test(format)) return [];
  return gateway === 'apache' || client === null ? ['apache'] : [`apache ${client}`, 'apache'];
}

/** The error log of Apache names no request, so its requests are joined by client and second. Null if the line does not say. */
function requestKey({ gateway, request, atMs }: Finding, { client }: LineParties): string | null {
  if (client === null || atMs === null) return null;
  if (gateway === 'apache' || request === null) return `${familyOf(gateway)} ${client}`;
  const query = request.indexOf('?');
  return `${familyOf(gateway)} ${client} ${query < 0 ? request : request.slice(0, query)}`;
}

const connection = 'connection ';

/** Null if the line stands alone. */
export function joinKeyOf({ gateway, joins }: Finding): JoinKey | null {
  if (joins === null) return null;
  if (gateway === 'nginx' && joins.startsWith(connection)) {
    const number = Number(joins.slice(connection.length));
    // Other spellings of a number are other texts.
    if (Number.isSafeInteger(number) && joins.length === connection.length + String(number).length) return number;
  }
  return `${gateway} ${joins}`;
}

function sayingOf({ upstream, shape, type, stage, evidence }: Finding): string {
  return `${upstream} ${shape} ${type} ${stage} ${evidence[0]}`;
}

function isSame(earlier: ReportedFailure, finding: Finding, line: number): boolean {
  const { finding: before } = earlier;
  if (before.request !== null && finding.request !== null && before.request !== finding.request) return false;
  if (certaintyOf(before) === 4 && certaintyOf(finding) === 4 && before.shape !== finding.shape) return false;
  if (before.atMs === null || finding.atMs === null) return line - earlier.line <= windowLines;
  return Math.abs(finding.atMs - before.atMs) <= windowMs;
}

/** How much a finding knows of the cause. Of the lines of one failure, the one that knows most is counted. */
export function certaintyOf({ shape, isConsequence }: Pick<Finding, 'shape' | 'isConsequence'>): 0 | 1 | 2 | 3 | 4 {
  if (shape === 'unknown') return isConsequence ? 0 : 1;
  if (isConsequence) return 2;
  return shape === 'app_error' ? 3 : 4;
}
