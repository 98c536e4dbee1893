import type { Dialect, DialectReader } from '../dialect.ts';
import { apacheAccessLogs } from './access-log.ts';
import type { Finding } from '../finding.ts';
import { type Verdict, findingOf, fixOf } from '../verdict.ts';
import { type ApacheCause, causeOf } from './causes.ts';
import { type ApacheErrorLine, readErrorLine } from './error-line.ts';
import { noFailure } from './failures.ts';

const apacheErrorLog: Dialect = {
  gateway: 'apache',
  format: 'Apache error log',
  recognise: (line) => (readErrorLine(line) === null ? 0 : 2),
  open: () => new ErrorLog(),
};

/** Lines of one failure are written at once, one after the other. */
const sameFailureMs = 2_000;
/** Threads whose last failure is remembered: more than any Apache runs. */
const threadsMax = 10_000;

interface Remembered {
  readonly key: string;
  readonly atMs: number;
  readonly verdict: Verdict;
  readonly upstream: string | null;
  /** The messages seen for this failure. A message that repeats belongs to the next failure. */
  readonly said: readonly string[];
  readonly isEnding: boolean;
}

/** Joins the two or three lines that Apache writes about one failure. The line with the error number comes first. */
class ErrorLog implements DialectReader {
  readonly #threads = new Map<string, Remembered>();
  #failures = 0;

  read(line: string): Finding | null {
    const parts = readErrorLine(line);
    if (parts === null) return null;
    const cause = causeOf(parts);
    if (cause === null) return otherLine(parts);
    if (cause.role === 'event') return eventOf(parts, cause);
    if (cause.verdict.shape === 'none' || cause.verdict.shape === 'app_error')
      return findingFor(parts, cause.verdict, null, null);
    return this.#failure(parts, cause);
  }

  #failure(parts: ApacheErrorLine, cause: ApacheCause): Finding {
    const before = this.#recent(parts);
    const upstream = upstreamOf(parts.text);
    const words = parts.code === '' ? parts.text.slice(0, 24) : parts.code;
    const isEnding = cause.role === 'follows';
    if (before === null || !(isEnding ? !before.said.includes(words) : isSameAttempt(before, cause))) {
      const key = `${parts.thread}#${++this.#failures}`;
      this.#remember(parts, { key, verdict: cause.verdict, upstream, said: [words], isEnding, atMs: parts.atMs ?? 0 });
      return findingFor(parts, cause.verdict, key, upstream);
    }
    const verdict = isVaguer(cause.verdict, before.verdict) ? before.verdict : cause.verdict;
    const said = before.said.includes(words) ? before.said : [...before.said, words];
    this.#remember(parts, { ...before, verdict, said, isEnding, atMs: parts.atMs ?? 0 });
    return findingFor(parts, { ...verdict, isConsequence: true }, before.key, upstream ?? before.upstream);
  }

  #recent(parts: ApacheErrorLine): Remembered | null {
    const before = this.#threads.get(parts.thread);
    if (before === undefined) return null;
    return Math.abs((parts.atMs ?? 0) - before.atMs) <= sameFailureMs ? before : null;
  }

  #remember(parts: ApacheErrorLine, failure: Remembered): void {
    this.#threads.delete(parts.thread);
    this.#threads.set(parts.thread, failure);
    if (this.#threads.size <= threadsMax) return;
    const oldest = this.#threads.keys().next().value;
    if (oldest !== undefined) this.#threads.delete(oldest);
  }
}

/** For a name with several addresses, each address that fails has a line, and only the last one ends the request. */
function isSameAttempt(before: Remembered, { verdict }: ApacheCause): boolean {
  return (
    !before.isEnding &&
    before.verdict.stage === 'connect' &&
    verdict.stage === 'connect' &&
    before.verdict.type === verdict.type
  );
}

/** A line that follows replaces the verdict only if it names a type and the first did not, or if it names garbage or TLS. */
function isVaguer(follows: Verdict, first: Verdict): boolean {
  if (follows.shape === 'unknown' || follows.type === null) return true;
  return first.type !== null;
}

function findingFor(parts: ApacheErrorLine, verdict: Verdict, joins: string | null, upstream: string | null): Finding {
  return findingOf(
    {
      gateway: 'apache',
      format: 'Apache error log',
      kind: 'error',
      atMs: parts.atMs,
      upstream,
      request: requestOf(parts.text),
      evidence: verdict.shape === 'none' ? [] : evidenceOf(parts),
      joins,
    },
    verdict,
  );
}

function evidenceOf(parts: ApacheErrorLine): readonly string[] {
  return [parts.errnoText ?? '', parts.code, parts.text.slice(0, 160)].filter((word) => word !== '');
}

function eventOf(parts: ApacheErrorLine, { verdict }: ApacheCause): Finding {
  const upstream = /\(([^()]{1,200})\)/.exec(parts.text)?.[1] ?? null;
  return findingOf(
    {
      gateway: 'apache',
      format: 'Apache error log',
      kind: 'event',
      atMs: parts.atMs,
      upstream,
      evidence: evidenceOf(parts),
    },
    verdict,
  );
}

/** Lines about the server as a whole, and about requests that are not forwarded. */
function otherLine(parts: ApacheErrorLine): Finding {
  const isFailure = parts.level === 'error' && parts.client !== null;
  const facts = {
    gateway: 'apache',
    format: 'Apache error log',
    kind: isFailure ? 'error' : 'event',
    atMs: parts.atMs,
  } as const;
  if (
    !/server (?:reached|is within \S+ of) (?:MaxRequestWorkers|MaxClients)|server reached MaxClients|of MaxRequestWorkers/.test(
      parts.text,
    )
  ) {
    return findingOf(facts, noFailure);
  }
  return findingOf(
    { ...facts, evidence: evidenceOf(parts) },
    {
      ...noFailure,
      sentence: 'All workers of Apache are busy: new requests wait until a worker is free.',
      fix: fixOf(
        'Check whether the workers wait for a slow application; if not, raise the limit as far as memory allows',
        'MaxRequestWorkers 400',
      ),
    },
  );
}

const upstreamPatterns: readonly RegExp[] = [
  /attempt to connect to (?:Unix domain socket )?(\S{1,200})/,
  /failed to make connection to backend: (\S{1,200})/,
  /from remote server (\S{1,200})/,
  /failed to (\S{1,100}:\d{1,5}) \(/,
  /(?:disabled connection|failed to acquire connection) for \(([^)]{1,200})\)/,
  /(balancer:\/\/[\w.-]{1,200})/,
  /response failed from (\S{1,200})/,
];

function upstreamOf(text: string): string | null {
  for (const pattern of upstreamPatterns) {
    const name = pattern.exec(text)?.[1];
    if (name !== undefined) return name.replace(/[:,]$/, '');
  }
  return null;
}

function requestOf(text: string): string | null {
  const at = text.indexOf(' returned by ');
  return at < 0 ? null : text.slice(at + ' returned by '.length);
}

/** Apache httpd 2.2 and 2.4: the error log, which knows why, and access logs in formats that are its own. */
export const apacheDialects: readonly Dialect[] = [apacheErrorLog, ...apacheAccessLogs];
