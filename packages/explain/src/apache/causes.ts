import type { Verdict } from '../verdict.ts';
import { type ErrnoWord, errnoWordOf, type ApacheErrorLine } from './error-line.ts';
import * as failures from './failures.ts';

/** The failure that an error line reports, before the lines read earlier are taken into account. */
export interface ApacheCause {
  readonly verdict: Verdict;
  /**
   * 'root': the line names the cause. 'follows': it repeats an earlier line of the same thread. 'event': it concerns no
   * single request.
   */
  readonly role: 'root' | 'follows' | 'event';
}

interface Row {
  /** The message numbers of 2.4. 2.2 has none and is recognised by its words. */
  readonly codes: readonly string[];
  readonly words: readonly string[];
  readonly role: ApacheCause['role'];
  judge(line: ApacheErrorLine, errno: ErrnoWord | null): Verdict;
}

const row = (
  codes: string,
  words: readonly string[],
  judge: Verdict | Row['judge'],
  role: ApacheCause['role'] = 'root',
): Row => ({
  codes: codes === '' ? [] : codes.split(' ').map((number) => `AH${number}`),
  words,
  role,
  judge: typeof judge === 'function' ? judge : () => judge,
});

/** Tried in this order. */
const rows: readonly Row[] = [
  row('00957 00939 02454', ['attempt to connect to '], judgeConnect),
  row('00958 00950', ['the forward proxy returned code'], judgeConnect),
  row('01114 01079 00896 02452 10101 00866', ['failed to make connection to backend'], judgeConnect, 'follows'),
  row('02327', ['failed to resolve hostname'], failures.nameUnknown),
  row('00959', ['disabling worker for ('], workerEjected, 'event'),
  row('00940', ['disabled connection for ('], failures.workerDisabled),
  row('00934', ['all workers are busy'], failures.poolFull),
  row('00941', ['failed to acquire connection for ('], failures.poolFull),
  row('01167 01170 01171', ['All workers are in error state', 'No workers in balancer'], failures.noWorkerLeft),
  row('01174 02460', ['Forcing worker ('], workerEjected, 'event'),
  row('01102', ['error reading status line from remote server'], (_, errno) => judgeRead(errno, failures.unknown)),
  row('00898', [' returned by /', 'returned by http'], judgeReturned, 'follows'),
  row('01106', ['bad HTTP/'], failures.badAnswer, 'follows'),
  row(
    '01098 01099 01100',
    ['Starting body due to bogus', 'No HTTP headers returned', 'Ignoring bogus'],
    failures.toleratedAnswer,
  ),
  row('02429 02430', [], failures.badHeader),
  row('10124', ['header size is over the limit'], failures.fieldTooLarge),
  row('10404', [], (line, errno) => judgeHead(line, errno)),
  row('02475 02476 10293', [], failures.badTransferCoding),
  row('01110', ['error reading response', 'Network error reading response'], judgeBody),
  row('01095 02608 02609', ['prefetch request body failed', 'read request body failed'], failures.clientBrokeOff),
  row('01084 10154', [], judgeSend),
  row('01097', ['pass request body failed'], judgeSend, 'follows'),
  row('01067', ['Failed to read FastCGI header'], (_, errno) => judgeRead(errno, failures.closedEarly)),
  row(
    '01068 01069 01070 01072 01073 02537',
    ['Got bogus version', 'Got bogus rid', 'Got bogus record', 'Error parsing script headers'],
    failures.badScriptAnswer,
  ),
  row('01075', ['Error dispatching request to '], judgeDispatch, 'follows'),
  row('01071', ["Got error '", 'PHP message: '], judgeScriptError),
  row('00961', ['failed to enable ssl support'], failures.tlsSwitchedOff),
  row('01961', ['SSL Proxy requested for '], failures.tlsSwitchedOff),
  row('02411 02004 02005', ['SSL Proxy: Peer certificate'], failures.certificateRefused),
  row('02039 02276', ['Certificate Verification: Error ('], (line) =>
    line.isRemote ? failures.certificateRefused : failures.badRequest,
  ),
  row('02003', ['SSL Proxy connect failed'], failures.tlsFailed),
  row('01030', ['ajp_ilink_receive() '], (_, errno) => judgeRead(errno, failures.unknown)),
  row(
    '00992 00878 00893 00897 00877 00868 00876',
    ['ajp_ilink_receive failed', 'read response failed from', 'cping/cpong failed'],
    (_, errno) => judgeRead(errno, failures.unknown),
    'follows',
  ),
  row('10225 10224', ['Tunnel timed out'], failures.tunnelIdle),
  row('10408 10415 10406 10409 10414 10417 10418 10419', ['To be forwarded'], failures.denied),
  row('01630 01797', ['client denied by server configuration'], failures.deniedByRule),
  row('00126 00135 00482 00561 00562 00563 00564 00565 00566 00567 00568 10244', [], failures.badRequest),
  row('01144', ['No protocol handler was valid for the URL'], failures.noHandler),
];

const byCode: ReadonlyMap<string, Row> = new Map(rows.flatMap((row) => row.codes.map((code) => [code, row] as const)));

/** Whether the line concerns a request and comes from one of Apache's proxy modules. */
const proxyModule = /^(?:proxy|lbmethod)/;
const failureLevels: ReadonlySet<string> = new Set(['emerg', 'alert', 'crit', 'error']);

/** Null for a line that does not concern forwarding a request. */
export function causeOf(line: ApacheErrorLine): ApacheCause | null {
  const row = byCode.get(line.code) ?? rowByWords(line);
  const errno = line.errno === null ? null : errnoWordOf(line.errno);
  if (row !== undefined) return { verdict: row.judge(line, errno), role: row.role };
  const isProxy = proxyModule.test(line.module) || (line.module === '' && line.text.startsWith('proxy: '));
  if (!isProxy || !failureLevels.has(line.level)) return null;
  return { verdict: failures.unknown, role: 'root' };
}

/** Lines of 2.2, and lines of 2.4 without a number, are recognised by their words. */
function rowByWords(line: ApacheErrorLine): Row | undefined {
  if (line.code !== '') return undefined;
  const ofProxy = line.module === '' || proxyModule.test(line.module) || line.module === 'ssl';
  return ofProxy ? rows.find(({ words }) => words.some((word) => line.text.includes(word))) : undefined;
}

function judgeConnect(line: ApacheErrorLine, errno: ErrnoWord | null): Verdict {
  const isUnixSocket = line.code === 'AH02454' || line.text.includes('Unix domain socket');
  switch (errno) {
    case 'refused':
    case 'reset':
      return failures.refused;
    case 'timed_out':
      return failures.connectTimeout;
    case 'unroutable':
      return failures.unroutable;
    case 'missing':
      return failures.socketMissing;
    case 'not_permitted':
      return failures.notPermitted;
    case 'backlog_full':
      return isUnixSocket ? failures.backlogFull : failures.portsSpent;
    case 'ports_spent':
      return failures.portsSpent;
    case 'descriptors_spent':
      return failures.descriptorsSpent;
    case 'name_unknown':
      return failures.nameUnknown;
    case 'name_timeout':
      return failures.nameTimeout;
    case 'cut_short':
    case null:
      return failures.connectFailed;
  }
}

function judgeRead(errno: ErrnoWord | null, otherwise: Verdict): Verdict {
  if (errno === 'timed_out') return failures.tooSlow;
  if (errno === 'reset' || errno === 'cut_short') return failures.closedEarly;
  return otherwise;
}

/** APR's errors for input that is malformed, such as a chunk size or a header. */
const invalidArgument = 22;

/** Errors between the status line and the end of the head. */
function judgeHead(line: ApacheErrorLine, errno: ErrnoWord | null): Verdict {
  if (errno === 'timed_out') return failures.tooSlow;
  if (errno === 'reset' || errno === 'cut_short') return failures.headCutShort;
  return line.errno === invalidArgument ? failures.badAnswer : failures.unknown;
}

function judgeBody(line: ApacheErrorLine, errno: ErrnoWord | null): Verdict {
  // A connection that closes in the middle has other numbers. This one is of the filter that reads chunks.
  if (line.errno === invalidArgument || line.errno === generalError) return failures.badTransferCoding;
  return errno === 'timed_out' ? failures.bodyTooSlow : failures.cutShort;
}

/** APR_EGENERAL: a filter refused to go on with what it read or wrote. */
const generalError = 20014;

/**
 * The error that mod_ssl returns after a failed handshake with a backend. Older versions return the status that they
 * mean to answer; newer ones an unspecific error, which writing to a socket never returns.
 */
const handshakeFailed: readonly (number | null)[] = [502, generalError];

function judgeSend(line: ApacheErrorLine, errno: ErrnoWord | null): Verdict {
  if (handshakeFailed.includes(line.errno)) return failures.tlsFailed;
  if (errno === 'timed_out') return failures.sendTooSlow;
  return errno === 'reset' ? failures.closedWhileSending : failures.unknown;
}

function judgeDispatch(line: ApacheErrorLine, errno: ErrnoWord | null): Verdict {
  if (line.text.includes('(reading input brigade)') || line.text.includes('output')) return failures.clientBrokeOff;
  return judgeRead(errno, failures.unknown);
}

const returnedReasons: readonly (readonly [string, Verdict])[] = [
  ['DNS lookup failure', failures.nameUnknown],
  ['Error during SSL Handshake', failures.tlsFailed],
  ['Corrupt status line', failures.badAnswer],
  ['Malformed connection header', failures.badAnswer],
  ['Too many (', failures.badAnswer],
  ['Unexpected Upgrade', failures.upgradeFailed],
  ['Timeout on 100-Continue', failures.tooSlow],
  ['Connect to remote machine blocked', failures.denied],
  ['Max-Forwards has reached zero', failures.loop],
  ['URI cannot be parsed', failures.badRequest],
];

/** "REASON returned by /path": the error that the client was shown. */
function judgeReturned(line: ApacheErrorLine, errno: ErrnoWord | null): Verdict {
  const reason = returnedReasons.find(([start]) => line.text.replace('proxy: ', '').startsWith(start));
  return reason?.[1] ?? judgeRead(errno, failures.unknown);
}

/** Apache takes a worker out for a while. The refusals that follow have lines of their own. */
function workerEjected(line: ApacheErrorLine): Verdict {
  const name = /\(([^()]{1,200})\)/.exec(line.text)?.[1] ?? 'a worker';
  return {
    ...failures.noFailure,
    sentence: `Apache sends no requests to ${name} for a while (\`retry=\`, 60 seconds), because it failed.`,
  };
}

/** Lines that PHP and others write to their error stream. Warnings do not say how the request ended. */
function judgeScriptError(line: ApacheErrorLine): Verdict {
  const isOnlyWarning =
    /PHP (?:Warning|Notice|Deprecated)/.test(line.text) && !/PHP (?:Fatal|Parse)|Uncaught/.test(line.text);
  return isOnlyWarning ? failures.noFailure : failures.appFault;
}
