import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { isoTimeMs } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { parseLogfmt } from '../logfmt.ts';
import { statusOf } from '../status-field.ts';
import { appErrorVerdict } from '../typed-verdict.ts';
import { findingOf, fixOf, type Verdict, harmlessVerdict } from '../verdict.ts';
import { herokuVerdict } from './heroku-codes.ts';

const format = 'Heroku router log';
const eventFormat = 'Heroku platform log';

/** `heroku logs` writes "heroku[router]: ", a log drain "heroku router - "; with or without the time before it. */
const source = /(?:^|\s)heroku(?:\[([a-z][\w.-]{0,40})\]: | ([a-z][\w.-]{0,40}) - (?:- )?)/;

/** The router's line after another tool has removed its beginning. */
const bareRouter = /^(?:sock=\w{1,20} )?at=(?:info|warning|error) (?:code=H\d\d |method=)/;

const legacyRouter = /^Error (H\d\d) \(([^)]{1,100})\)(?: -> (\S{1,10}) (\S{1,2000}))?/;

interface HerokuLine {
  /** "router", "web.1", "api". */
  readonly process: string;
  readonly said: string;
  readonly atMs: number | null;
}

function parseLine(line: string): HerokuLine | null {
  if (bareRouter.test(line) || legacyRouter.test(line)) return { process: 'router', said: line, atMs: null };
  const match = source.exec(line.slice(0, 300));
  if (match === null) return null;
  const before = line.slice(0, match.index);
  const [time] = /\d{4}-\d\d-\d\d[T ][\d:.]{8,16}(?:Z|[+-]\d\d:\d\d)/.exec(before) ?? [];
  const said = line.slice(match.index + match[0].length);
  return { process: match[1] ?? match[2] ?? '', said, atMs: isoTimeMs(time) };
}

function readHeroku(line: string): Finding | null {
  const parts = parseLine(judgedText(line));
  if (parts === null) return null;
  return parts.process === 'router' ? readRouter(parts) : readEvent(parts);
}

function readRouter({ said, atMs }: HerokuLine): Finding | null {
  const legacy = legacyRouter.exec(said);
  const pairs = parseLogfmt(said);
  const code = pairs.get('code') ?? legacy?.[1] ?? null;
  if (code === null && !pairs.has('at')) return null;
  const status = statusOf(pairs.get('status'));
  const verdict =
    code === null ? judgePassed(status) : herokuVerdict(code, pairs.get('sock') ?? null, pairs.get('bytes'));
  const [, service] = /^(\d{1,9})ms$/.exec(pairs.get('service') ?? '') ?? [];
  return findingOf(
    {
      gateway: 'heroku',
      format,
      confidence: code === 'H18' && !pairs.has('sock') ? 'likely' : 'certain',
      kind: pairs.has('at') ? 'access' : 'error',
      atMs,
      status,
      upstream: nonEmpty(pairs.get('dyno')),
      request: requestIn(pairs, legacy),
      durationMs: service === undefined ? null : Number(service),
      evidence: verdict.shape === 'none' ? [] : evidenceOf(said, code, status),
      joins: nonEmpty(pairs.get('request_id')),
    },
    verdict,
  );
}

function requestIn(pairs: ReadonlyMap<string, string>, legacy: RegExpExecArray | null): string | null {
  const method = pairs.get('method');
  const path = pairs.get('path');
  if (method !== undefined && path !== undefined) return `${method} ${path}`;
  const [, , , legacyMethod, target] = legacy ?? [];
  if (legacyMethod === undefined || target === undefined) return null;
  const slash = target.indexOf('/');
  return `${legacyMethod} ${slash < 0 ? '/' : target.slice(slash)}`;
}

function judgePassed(status: number | null): Verdict {
  if (status === null || status < 500) return harmlessVerdict;
  return appErrorVerdict(
    `The application itself answered ${status}; the router passed it on.`,
    fixOf("Read the application's own lines about that request", 'heroku logs --tail --source app'),
  );
}

function evidenceOf(said: string, code: string | null, status: number | null): string[] {
  if (code === null) return [`status=${status}`, 'no code='];
  const decided = /code=H\d\d desc="[^"]{1,100}"|Error H\d\d \([^)]{1,100}\)/.exec(said)?.[0] ?? `code=${code}`;
  const [sock] = /\bsock=\w{1,20}/.exec(said) ?? [];
  return sock === undefined ? [decided] : [decided, sock];
}

/** Lines of the platform about a dyno: it crashed, ran out of memory, or was too slow to start or to stop. */
function readEvent({ process, said, atMs }: HerokuLine): Finding {
  return findingOf(
    { gateway: 'heroku', format: eventFormat, kind: 'event', atMs, upstream: process, evidence: eventEvidence(said) },
    harmlessVerdict,
  );
}

function eventEvidence(said: string): string[] {
  const [words] =
    /^Error [RL]\d\d \([^)]{1,100}\)|^Process exited with status \d{1,3}|^State changed from \w{1,20} to \w{1,20}/.exec(
      said,
    ) ?? [];
  return words === undefined ? [] : [words];
}

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}

function recognise(line: string): 0 | 1 | 2 {
  return parseLine(line.slice(0, 400)) === null ? 0 : 2;
}

export const herokuDialect = dialect('heroku', format, recognise, readHeroku);
