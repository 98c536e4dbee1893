import type { CommonLogLine } from '../common-log.ts';
import { readCommonLog } from '../common-log.ts';
import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { requestOf, wholeNumber } from '../line-text.ts';
import type { Verdict } from '../verdict.ts';
import { findingOf, fixOf } from '../verdict.ts';
import * as failures from './failures.ts';

/**
 * The format that lets the access log name causes: notes of mod_proxy, the balancer member, and the id shared with the
 * error log.
 */
export const tellingLogFormat = [
  'LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\" %D proxy-status=%{proxy-status}n proxy-source-port=%{proxy-source-port}n proxy_timedout=%{proxy_timedout}n worker=%{BALANCER_WORKER_NAME}e log-id=%L" telling',
  'CustomLog "logs/access_log" telling',
];

/** Access logs in formats that Apache alone writes, and the Common Log Format, which many programs write. */
export const apacheAccessLogs: readonly Dialect[] = [
  access('Apache access log (with notes of mod_proxy)', 2, (line) => notesOf(line).size > 0),
  access(
    'Apache access log (vhost_combined)',
    2,
    ({ before, rest }) => /^[^:]*:\d{1,5}$/.test(before) && rest.length >= 2,
  ),
  access(
    'Apache access log (combined)',
    1,
    ({ before, bytes, rest }) => before === '' && bytes === '-' && rest.length === 2,
  ),
  access(
    'Apache access log (combined, %D)',
    1,
    ({ before, rest }) => before === '' && rest.length === 3 && wholeNumber(rest[2]) !== null,
  ),
  access('Apache access log (common)', 1, ({ before, rest }) => before === '' && rest.length === 0),
];

function access(format: string, certainty: 1 | 2, isSo: (line: CommonLogLine) => boolean): Dialect {
  const parse = (line: string): CommonLogLine | null => {
    const parsed = readCommonLog(line);
    return parsed !== null && isSo(parsed) ? parsed : null;
  };
  return dialect(
    'apache',
    format,
    (line) => (parse(line) === null ? 0 : certainty),
    (line) => {
      const parsed = parse(line);
      return parsed === null ? null : findingOfAccess(format, parsed);
    },
  );
}

/** The fields after the standard ones that are written as name=value. "-" means no value. */
function notesOf({ rest }: CommonLogLine): ReadonlyMap<string, string> {
  const notes = new Map<string, string>();
  for (const field of rest.slice(2)) {
    const equals = field.indexOf('=');
    const name = field.slice(0, Math.max(0, equals));
    if (/^(?:proxy-status|proxy-source-port|proxy_timedout|worker|route|log-id)$/.test(name))
      notes.set(name, field.slice(equals + 1));
  }
  return notes;
}

function findingOfAccess(format: string, line: CommonLogLine): Finding {
  const notes = notesOf(line);
  const worker = notes.get('worker');
  const logId = notes.get('log-id');
  const verdict = judgeAccess(line, notes);
  const { atMs, status } = line;
  const microseconds = wholeNumber(line.rest[2]);
  return findingOf(
    {
      gateway: 'apache',
      format,
      kind: 'access',
      atMs,
      status,
      request: requestOf(line.requestLine),
      durationMs: microseconds === null ? null : Math.round(microseconds / 1000),
      upstream: worker === undefined || worker === '-' ? null : worker,
      joins: logId === undefined || logId === '-' ? null : logId,
      evidence:
        verdict.shape === 'none' ? [] : [`status ${status}`, ...[...notes].map(([name, value]) => `${name}=${value}`)],
    },
    verdict,
  );
}

function judgeAccess({ status, requestLine }: CommonLogLine, notes: ReadonlyMap<string, string>): Verdict {
  if (status === 408 || (status === 400 && requestOf(requestLine) === null)) return failures.badRequest;
  if (status < 500) return isHeadless(status, requestLine, notes) ? headless : failures.noFailure;
  if (notes.get('proxy_timedout') === '1') return failures.tooSlow;
  const answered = notes.get('proxy-status');
  if (answered?.startsWith('5') === true) return answeredSo;
  return notes.has('log-id') && notes.get('log-id') !== '-' ? lookInErrorLog : cannotTell;
}

/**
 * The application was connected and answered without a status line. Only HTTP/0.9 has none, and Apache takes anything
 * that is no HTTP for it.
 */
function isHeadless(status: number, requestLine: string, notes: ReadonlyMap<string, string>): boolean {
  if (status !== 200 || requestLine.startsWith('CONNECT ') || notes.get('proxy-status') !== '-') return false;
  return /^\d{1,5}$/.test(notes.get('proxy-source-port') ?? '');
}

const headless: Verdict = {
  ...failures.badAnswer,
  sentence:
    'The application sent a response without an HTTP head. Apache passed the bytes on unchanged, with a status 200 of its own.',
};

const answeredSo: Verdict = {
  ...failures.appFault,
  sentence: 'The application itself sent this error; Apache passed it on.',
  fix: fixOf('Read the log of the application at that time'),
};

const cannotTell: Verdict = {
  ...failures.unknown,
  born: null,
  sentence: 'The status alone does not show whether Apache or the application made this response, and why.',
  fix: fixOf(
    'Read the error log of the same time, and add these notes to the access log: they show whether the application was reached, and its status',
    ...tellingLogFormat,
  ),
};

const lookInErrorLog: Verdict = {
  ...cannotTell,
  sentence: 'This request failed; the line of the error log with the same id has the cause.',
  fix: fixOf(
    'Add the id to the error log as well, and explain both files together',
    'ErrorLogFormat "[%{u}t] [%-m:%l] [pid %P:tid %T] [%L] %7F: %E: [client\\ %a] %M% ,\\ referer\\ %{Referer}i"',
  ),
};
