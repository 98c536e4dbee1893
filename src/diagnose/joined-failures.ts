import type { Finding, GatewayProduct } from './finding.ts';
import type { LineParties } from './line-parties.ts';

/** A failure that was counted, with the lines about it since then. */
export interface ReportedFailure {
  finding: Finding;
  parties: LineParties;
  readonly line: number;
  /** The upstream and failure of each of its lines. A line that repeats one of them belongs to another failure. */
  readonly said: Set<string>;
  /** The formats of its lines: each log reports an exchange once. */
  readonly formats: string[];
}

/** The failures of one client's requests of one form in one second. */
interface SameRequests {
  readonly failures: ReportedFailure[];
  /** By format: how many of the failures it has reported. */
  cursors: Map<string, number> | null;
}

/** Lines of one failure are written within this time. */
const windowMs = 10_000;

/** For lines without a time: at most this many lines lie between two lines of one failure. */
const windowLines = 1000;

/** Failures that are remembered: at least this many, and at most twice as many. Ten seconds at a thousand a second. */
const failuresMin = 10_000;

/** Different lines about one failure: more than the endpoints of a large upstream. */
const saidMax = 32;

/** A log may be written when the request ends, another one when it failed. */
const secondsAround = [0, -1, 1, -2, 2] as const;

/**
 * Finds the failure that an earlier line has reported already. Lines of one log are joined by their connection number or
 * request id. Lines of several logs of one gateway are joined by the client's address, the request line and the second; of
 * several equal requests in one second, the first lines of each log belong together, then the second ones.
 */
export class JoinedFailures {
  readonly #byKey = new TwoGenerations<ReportedFailure>(failuresMin);
  readonly #byRequest = new TwoGenerations<SameRequests>(failuresMin);

  /** Null if the line reports a new failure, which is then remembered. */
  find(finding: Finding, parties: LineParties, line: number): ReportedFailure | null {
    const key = finding.joins === null ? null : `${finding.gateway} ${finding.joins}`;
    const earlier = (key === null ? null : this.#ofKey(key, finding, line)) ?? this.#ofRequest(finding, parties);
    const reported: ReportedFailure = earlier ?? {
      finding,
      parties,
      line,
      said: new Set(key === null ? [] : [sayingOf(finding)]),
      formats: [],
    };
    const isNewFormat = !reported.formats.includes(finding.format);
    if (isNewFormat) reported.formats.push(finding.format);
    if (key !== null && earlier === null) this.#byKey.set(key, reported);
    if (earlier === null || isNewFormat) this.#remember(reported, finding, parties);
    return earlier;
  }

  #ofKey(key: string, finding: Finding, line: number): ReportedFailure | null {
    const earlier = this.#byKey.get(key);
    const saying = sayingOf(finding);
    if (earlier === undefined || !isSame(earlier, finding, line) || earlier.said.has(saying)) return null;
    if (earlier.said.size < saidMax) earlier.said.add(saying);
    return earlier;
  }

  #ofRequest(finding: Finding, { client }: LineParties): ReportedFailure | null {
    if (client === null || finding.atMs === null) return null;
    const second = Math.floor(finding.atMs / 1000);
    for (const step of secondsAround) {
      const same = this.#byRequest.get(requestKey(finding, client, second + step));
      const found = same === undefined ? null : nextFor(same, finding);
      if (found !== null) return found;
    }
    return null;
  }

  #remember(reported: ReportedFailure, finding: Finding, { client }: LineParties): void {
    if (client === null || finding.atMs === null) return;
    const key = requestKey(finding, client, Math.floor(finding.atMs / 1000));
    const same = this.#byRequest.get(key);
    if (same === undefined) this.#byRequest.set(key, { failures: [reported], cursors: null });
    else if (same.failures.at(-1) !== reported) same.failures.push(reported);
  }
}

/** The first failure that this format has not reported. */
function nextFor(same: SameRequests, { format }: Finding): ReportedFailure | null {
  const { failures } = same;
  let at = same.cursors?.get(format) ?? 0;
  while (failures[at]?.formats.includes(format) === true) at += 1;
  if (failures.length > 1) (same.cursors ??= new Map()).set(format, at);
  return failures[at] ?? null;
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

/** The error log of Apache names no request, so its requests are joined by client and second. */
function requestKey({ gateway, request }: Finding, client: string, second: number): string {
  const target = gateway === 'apache' || request === null ? '' : (request.split('?', 1)[0] ?? '');
  return `${familyOf(gateway)} ${client} ${second} ${target}`;
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

/** A map whose older half is forgotten when the younger half is full. */
class TwoGenerations<T> {
  #young = new Map<string, T>();
  #old = new Map<string, T>();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get(key: string): T | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: T): void {
    this.#young.set(key, value);
    if (this.#young.size < this.#entriesMax) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
