import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { ReadinessSpec } from '../core/configuration.ts';
import type { CheckSpec } from '../core/upstream-spec.ts';
import { withTimeout } from '../core/condition.ts';
import type { EndpointId } from '../core/endpoint.ts';
import type { Event } from '../core/event.ts';
import { isSpokenProtocol } from '#failures/guess-words.ts';
import type { HealthChecker, HealthCheckRequest, HealthCheckResult, HttpProbe } from '../core/health-checker.ts';
import { type LeftOutReason, leftOutTexts, type OutputLine } from '../core/output-line.ts';
import { countText } from '#failures/quantity-text.ts';
import type { LiveIncident } from '../core/live-incident.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import { tells } from '#failures/last-words.ts';
import { visibleLine } from '#failures/invisible-characters.ts';
import type { OutputSearchResult, SearchResult } from '../core/store-messages.ts';
import type { Clock, Instant } from '../core/time.ts';
import { wasStopped } from '../core/recorded-exit.ts';
import type { PrintedLine } from './application-words.ts';
import { named } from './evidence-lines.ts';
import { isWithoutFailure } from './failure-family.ts';
import { msText } from './incident-sentence.ts';
import { messageOfJsonLine } from './json-line.ts';
import { ownCauseQuery, unusualQuery } from './requests-query.ts';
import { beforeText } from './suspect-facts.ts';
import type { HasServed } from './seen-releases.ts';
import type { DirectLook, NewestFailure } from './watched-upstream.ts';
import { resultText } from '../discovery/check-result.ts';
import { processUsage } from '../system/process-usage.ts';
import type { ManagedInstanceStatus } from '../deploy/instance-report.ts';

/** What the supervisor says of an instance. */
type ExaminedInstance = Pick<ManagedInstanceStatus, 'id' | 'pid' | 'phase' | 'reason' | 'restarts'>;

export interface ExaminationParts {
  readonly clock: Clock;
  readonly checker: HealthChecker;
  readonly upstream: (id: string) => UpstreamSnapshot | null;
  readonly checkOf: (upstream: string) => CheckSpec | null;
  readonly instances: (application: string) => readonly ExaminedInstance[];
  readonly search: (query: string) => Promise<SearchResult>;
  readonly searchOutput: (query: string) => Promise<OutputSearchResult>;
  /** The path that shows that its application is ready; null: the gateway does not run it. */
  readonly readinessOf: (upstream: string) => Pick<ReadinessSpec, 'path' | 'headers'> | null;
  readonly events: () => readonly Event[];
  readonly stateFolder: () => string | null;
}

export interface Examination {
  /** Each one clause. */
  readonly findings: readonly string[];
  /** Null: no endpoint could be asked, or it has not answered yet. */
  readonly look: DirectLook | null;
  /** The newest stored failure; null: there is none, or it was not found in time. */
  readonly newest: NewestFailure | null;
  /** What the application has printed since shortly before the first failure, the oldest first; absent: nothing that is known. */
  readonly printed?: readonly PrintedLine[];
}

const redactor = new TextRedactor();

/** Between two looks at the same upstream. */
const everyMs = 10_000;

/** What is not known after this time is left out. */
const limitMs = 2000;
const probeMs = 1500;

const instancesMax = 4;
const linesMax = 3;
const lineCharactersMax = 200;
/** Lines from before the first failure: what goes wrong is often printed before a request fails. */
const outputBeforeMs = 30_000;
/** Of an incident that goes on, so much is looked at each time. */
const printedWithinMs = 20_000;
const changesMax = 3;
const changesWithinMs = 15 * 60_000;

/**
 * What a person would look at first when an incident opens: the endpoint itself, past the gateway; the newest failure; the processes; the machine; what changed
 * before. Each finding is one clause. It sends one GET of the path that checks ask for, or of `/` (with `check: none` it only connects), and one of the readiness path of an
 * application that the gateway runs, which it asks for anyway.
 */
export class IncidentExamination {
  readonly #parts: ExaminationParts;
  readonly #lastAt = new Map<string, Instant>();

  constructor(parts: ExaminationParts) {
    this.#parts = parts;
  }

  /** Null: it has looked at this upstream a moment ago. */
  async examine(incident: LiveIncident, hasServed: HasServed): Promise<Examination | null> {
    const { clock } = this.#parts;
    // Of several upstreams the one with the most failures stands for all.
    const id = incident.upstream === '' ? (incident.upstreams[0]?.upstream ?? '') : incident.upstream;
    const last = this.#lastAt.get(id);
    if (last !== undefined && clock.now() - last < everyMs) return null;
    this.#lastAt.set(id, clock.now());
    if (this.#lastAt.size > 1000) this.#lastAt.clear();
    const upstream = this.#parts.upstream(id);
    const found: (readonly string[])[] = [[], [], [], [], [], []];
    let look: DirectLook | null = null;
    let newest: NewestFailure | null = null;
    let printed: readonly PrintedLine[] = [];
    const looks = [
      this.#probe(incident, upstream, (met) => void (look = met)),
      this.#newestFailure(incident, id, (met) => void (newest = met)),
      Promise.resolve(this.#processes(upstream)),
      this.#output(incident, upstream, hasServed, (lines) => void (printed = lines)),
      this.#machine(),
      Promise.resolve(this.#changes(incident, upstream?.application ?? null)),
    ].map((one, at) => one.then((findings) => void (found[at] = findings)));
    await withTimeout(clock, limitMs, Promise.allSettled(looks));
    return { findings: found.flat(), look, newest, printed };
  }

  /** What the application of an incident that goes on has printed in the last seconds, the oldest first. */
  async printed(
    { upstream: only, upstreams: [most], startedAt }: LiveIncident,
    hasServed: HasServed,
  ): Promise<readonly PrintedLine[]> {
    const upstream = this.#parts.upstream(only === '' ? (most?.upstream ?? '') : only);
    if (upstream === null) return [];
    const sinceMs = Math.max(startedAt, this.#parts.clock.wallTime() - printedWithinMs);
    return printedIn(await this.#searchOutput(upstream, sinceMs, hasServed));
  }

  async #searchOutput(
    { application, id }: UpstreamSnapshot,
    sinceMs: number,
    hasServed: HasServed,
  ): Promise<readonly OutputLine[]> {
    const since = new Date(sinceMs).toISOString();
    // The lines of a log that belongs to an upstream have its name.
    const query = `kind:output application:${JSON.stringify(application ?? id)} since:${since}`;
    const result = await this.#parts.searchOutput(query);
    const lines = result.kind === 'page' ? result.lines : [];
    return lines.filter(({ source: { instance } }) => instance === null || hasServed(instance));
  }

  /** At the endpoint with the most failures. */
  async #probe(
    { endpoints }: LiveIncident,
    upstream: UpstreamSnapshot | null,
    onLook: (look: DirectLook) => void,
  ): Promise<readonly string[]> {
    const [worst] = endpoints.filter(({ failed }) => failed > 0);
    const all = upstream?.endpoints ?? [];
    const endpoint =
      all.find((one) => one.id === (worst?.endpoint as EndpointId) && hasAddress(one)) ??
      all.find(hasAddress) ??
      all[0];
    if (upstream === null || endpoint === undefined) return [];
    if (!hasAddress(endpoint))
      return [`${endpoint.instance ?? endpoint.id} cannot be asked directly: it has no port yet`];
    if (endpoint.failure !== undefined) return [`${endpoint.id} cannot be asked directly: its name has no address`];
    const request = this.#requestTo(endpoint, upstream);
    const first = await this.#ask(request, endpoint.id, onLook);
    const readiness = this.#parts.readinessOf(upstream.id);
    const { probe } = request;
    if (readiness === null || (probe.kind === 'http' && probe.path === readiness.path)) return [first];
    const { path, headers = [] } = readiness;
    const ready = probe.kind === 'http' ? { ...probe, path, headers } : getOf(path, null, headers);
    return [first, await this.#ask({ ...request, probe: ready }, endpoint.id, () => {})];
  }

  #ask(request: HealthCheckRequest, endpoint: string, onLook: (look: DirectLook) => void): Promise<string> {
    const { clock, checker } = this.#parts;
    const startedAt = clock.now();
    const what = request.probe.kind === 'http' ? `GET ${redactor.redact(request.probe.path)}` : 'connection';
    const { promise, resolve } = Promise.withResolvers<string>();
    checker.check(request, (result) => {
      const ms = Math.round(clock.now() - startedAt);
      const answer = result.kind === 'answered' ? `answered ${result.status}` : resultText(result, endpoint);
      onLook({
        ...lookOf(result, endpoint),
        answer,
        tookMs: result.kind === 'answered' ? ms : null,
        at: clock.wallTime(),
      });
      resolve(`a direct ${what} to ${endpoint}: ${answer} (${ms} ms)`);
    });
    return promise;
  }

  #requestTo(endpoint: EndpointSnapshot, upstream: UpstreamSnapshot): HealthCheckRequest {
    const check = this.#parts.checkOf(upstream.id);
    const { address, name, secondAddress } = endpoint;
    return {
      ...{ address, tls: upstream.tls, timeoutMs: probeMs },
      ...(name === undefined ? {} : { name }),
      ...(secondAddress === undefined ? {} : { secondAddress }),
      ...(upstream.proxyProtocol === undefined ? {} : { proxyProtocol: upstream.proxyProtocol }),
      ...(upstream.protocol === undefined ? {} : { protocol: upstream.protocol }),
      probe: probeOf(check),
    };
  }

  async #newest(query: string): Promise<ExchangeRecord | null> {
    const result = await this.#parts.search(query);
    return result.kind === 'page' ? (result.exchanges[0]?.record ?? null) : null;
  }

  /** Of the failures that the incident is about: another one would tell of something else. */
  async #newestFailure(
    incident: LiveIncident,
    upstream: string,
    onFound: (failure: NewestFailure) => void,
  ): Promise<readonly string[]> {
    if (upstream === '') return [];
    if (isWithoutFailure(incident.family)) return this.#newestUnusual({ ...incident, upstream });
    const query = ownCauseQuery({ ...incident, upstream });
    // A cause is also found at attempts of requests that another attempt has answered.
    const record = (await this.#newest(`${query} -shape:none`)) ?? (await this.#newest(query));
    if (record === null) return [];
    const { id, at, method, route, status, shape, duration_ms: tookMs } = record;
    onFound({ id, method });
    const sent = sentText(method);
    const [which, end] =
      shape === 'none'
        ? ['request of which an attempt failed so', ', because another attempt was made']
        : ['failure', `, ${record.cause ?? shape}`];
    return [
      // A stream may have begun long before.
      `the newest stored ${which}, of ${this.#momentText(Date.parse(at) + tookMs)}: ${sent} on the route ${route ?? 'of none'} ended with ${status ?? 'no status'}${end} (candor explain ${id})`,
    ];
  }

  /** Where nothing fails: a request that was late, or was answered otherwise. */
  async #newestUnusual(incident: LiveIncident): Promise<readonly string[]> {
    const query = unusualQuery(incident);
    const record = query === null ? null : await this.#newest(query);
    if (record === null) return [];
    const { id, at, method, route, status, duration_ms: tookMs } = record;
    const { lateness } = incident;
    const [which, took] =
      lateness === undefined
        ? ['request with such an answer', '']
        : lateness.left !== undefined
          ? ['request that its client left', ` took ${msText(tookMs)} and`]
          : [`request that took longer than ${msText(lateness.limitMs)}`, ` took ${msText(tookMs)} and`];
    return [
      `the newest stored ${which}, of ${this.#momentText(Date.parse(at) + tookMs)}: ${sentText(method)} on the route ${route ?? 'of none'}${took} ended with ${status ?? 'no status'} (candor explain ${id})`,
    ];
  }

  /** The first lines that the application has printed to standard error, or that look like errors, since shortly before the first failure. */
  async #output(
    { startedAt }: LiveIncident,
    upstream: UpstreamSnapshot | null,
    hasServed: HasServed,
    onFound: (lines: readonly PrintedLine[]) => void,
  ): Promise<readonly string[]> {
    if (upstream === null) return [];
    const lines = await this.#searchOutput(upstream, startedAt - outputBeforeMs, hasServed);
    const printed = printedIn(lines);
    onFound(printed);
    const found = printed
      .slice(0, linesMax)
      .map(({ where, at, text }) => `${where} printed at ${this.#momentText(at)}: ${text}`);
    return [...found, ...leftOutFacts(upstream.application ?? upstream.id, lines)];
  }

  /** '12:04:05 UTC', with the day if it is another one. */
  #momentText(wallMs: number): string {
    const [text, now] = [wallMs, this.#parts.clock.wallTime()].map((ms) => new Date(ms).toISOString()) as [
      string,
      string,
    ];
    const isToday = text.slice(0, 10) === now.slice(0, 10);
    return `${isToday ? '' : `${text.slice(0, 10)} `}${text.slice(11, 19)} UTC`;
  }

  #processes(upstream: UpstreamSnapshot | null): readonly string[] {
    if (upstream?.application == null) return [];
    return this.#parts.instances(upstream.application).slice(0, instancesMax).map(processText);
  }

  async #machine(): Promise<readonly string[]> {
    const facts: string[] = [];
    const available = numberIn(readText('/proc/meminfo'), /^MemAvailable:\s+(\d+) kB$/m);
    const total = numberIn(readText('/proc/meminfo'), /^MemTotal:\s+(\d+) kB$/m);
    if (available !== null && total !== null)
      facts.push(`${sizeText(available * 1024)} of ${sizeText(total * 1024)} memory available`);
    const load = /^([\d.]+)/.exec(readText('/proc/loadavg') ?? '')?.[1];
    if (load !== undefined) facts.push(`load ${load}`);
    const own = processUsage(process.pid);
    if (own?.openFiles != null && own.openFilesMax !== null)
      facts.push(`the gateway has ${own.openFiles} of ${own.openFilesMax} descriptors open`);
    const folder = this.#parts.stateFolder();
    if (folder !== null) {
      const { bavail, bsize } = await statfs(folder);
      facts.push(`${sizeText(bavail * bsize)} free on the disk of the state`);
    }
    return facts.length === 0 ? [] : [`the machine: ${facts.join(', ')}`];
  }

  /** The last ones from 15 minutes before the first failure to 1 s after it, the newest first. */
  #changes({ startedAt }: LiveIncident, application: string | null): readonly string[] {
    const changes = this.#parts
      .events()
      .filter(({ at }) => at <= startedAt + 1000 && at > startedAt - changesWithinMs)
      .filter((event) => isChange(event, application));
    return changes
      .slice(-changesMax)
      .toReversed()
      .map((event) => `${beforeText(event.at - startedAt)} the first failure: ${changeText(event)}`);
  }
}

/** Alerts carry findings into chats and mails, where what a client has chosen would become a link: its path is in the record alone. */
const sentText = (method: string | null): string =>
  method !== null && /^[A-Z]{1,16}$/.test(method) ? method : 'a request';

/** An instance gets its port when its program is started. */
const hasAddress = ({ address }: EndpointSnapshot): boolean => address.kind === 'unix' || address.port !== 0;

/** Those that say what goes wrong, the oldest first. */
function printedIn(lines: readonly OutputLine[]): readonly PrintedLine[] {
  return (
    lines
      .filter(({ text, source }) => tells(text) && (source.stream === 'stderr' || looksLikeError.test(text)))
      // The newest comes first, also of those of one millisecond.
      .toReversed()
      .toSorted((a, b) => a.at - b.at)
      .map(({ at, source, text }) => ({
        where: source.instance ?? source.path ?? source.application,
        at,
        text: lineText(text),
      }))
  );
}

/** How runtimes and loggers mark a line. */
const looksLikeError = /\b(?:error|exception|fatal|panic|traceback|unhandled|failed|refused|out of memory)\b/i;

function lineText(text: string): string {
  const message = messageOfJsonLine(text);
  // Without the escapes of JSON, secrets are recognized that were not when the line was stored.
  const line = visibleLine(message === null ? text : redactor.redact(message)).trim();
  return line.length <= lineCharactersMax ? line : `${line.slice(0, lineCharactersMax - 1)}…`;
}

function lookOf(result: HealthCheckResult, endpoint: string): Omit<DirectLook, 'answer' | 'tookMs' | 'at'> {
  const none = { endpoint, isHanging: false, cause: null };
  if (result.kind === 'timed_out') return { ...none, isAccepting: result.connected, isHanging: true };
  if (result.kind !== 'failed') return { ...none, isAccepting: true };
  const { cause, stage, evidence } = result.failure;
  const guess = 'guess' in evidence ? evidence.guess : 'nothing';
  const look = { ...none, isAccepting: stage !== 'connect' && stage !== 'dns', cause };
  return isSpokenProtocol(guess) ? { ...look, speaks: guess } : look;
}

function probeOf(check: CheckSpec | null): HealthCheckRequest['probe'] {
  if (check?.kind === 'none') return { kind: 'tcp' };
  return check?.kind === 'http' ? getOf(check.path, check.host, check.headers ?? []) : getOf('/', null, []);
}

function getOf(path: string, host: string | null, headers: NonNullable<HttpProbe['headers']>): HttpProbe {
  return { kind: 'http', path, host, headers, userAgent: 'candor-incident', reads: 'head' };
}

/** An instance that the gateway has stopped is no change of its own: what stopped it is, such as a new configuration. */
function isChange(event: Event, application: string | null): boolean {
  const { kind, subject } = event;
  if (kind === 'instance_started' || kind === 'instance_exited')
    return (
      application !== null &&
      subject.startsWith(`instance:${application}/`) &&
      !(kind === 'instance_exited' && wasStopped(event))
    );
  return [
    'configuration_applied',
    'overlay_changed',
    'upgrade_taken_over',
    'name_addresses',
    'certificate_issued',
  ].includes(kind);
}

/** 'web/1 ended, which the gateway had not asked for: killed by SIGTERM'; 'drain:api/1: ejected by ann'. */
function changeText(event: Event): string {
  const { kind, subject, reason } = event;
  if (kind === 'instance_exited')
    return `${subject.slice('instance:'.length)} ended, which the gateway had not asked for: ${reason}`;
  return subject.includes(':') ? named(event) : reason;
}

function processText({ id, pid, phase, reason, restarts }: ExaminedInstance): string {
  const usage = pid === null ? null : processUsage(pid);
  const facts = [phase.replaceAll('_', ' ')];
  if (usage?.memoryBytes != null) facts.push(`${sizeText(usage.memoryBytes)} resident`);
  if (usage?.openFiles != null) facts.push(`${usage.openFiles} of ${usage.openFilesMax ?? 'unlimited'} descriptors`);
  if (usage?.threads != null) facts.push(`${usage.threads} threads`);
  const group = usage?.controlGroup ?? null;
  if (group?.memoryMaxBytes != null && group.memoryBytes !== null)
    facts.push(`its control group uses ${sizeText(group.memoryBytes)} of ${sizeText(group.memoryMaxBytes)}`);
  if (group?.oomKills != null && group.oomKills > 0) facts.push(`${group.oomKills} OOM kills there`);
  if (restarts > 0) facts.push(restarts === 1 ? '1 restart' : `${restarts} restarts`);
  return `the process ${id}${pid === null ? '' : ` (pid ${pid})`}: ${facts.join(', ')}${phase === 'ready' ? '' : `; ${reason}`}`;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

function numberIn(text: string | null, pattern: RegExp): number | null {
  const found = pattern.exec(text ?? '')?.[1];
  return found === undefined ? null : Number(found);
}

function sizeText(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  return gib >= 1 ? `${Math.round(gib * 10) / 10} GiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;
}

/** What was not stored of the same time: what explains the failures may be among it. */
function leftOutFacts(application: string, lines: readonly OutputLine[]): readonly string[] {
  const counts = new Map<LeftOutReason, number>();
  for (const { leftOut, leftOutWhy = 'too_fast' } of lines)
    if (leftOut > 0) counts.set(leftOutWhy, (counts.get(leftOutWhy) ?? 0) + leftOut);
  return [...counts].map(
    ([why, count]) => `${countText(count, 'line')} of ${application} ${leftOutTexts[why]} (they may say more)`,
  );
}
