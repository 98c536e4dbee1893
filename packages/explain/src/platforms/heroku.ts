import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { isoTimeMs, statusOf, parseLogfmt } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import {
  appErrorVerdict,
  clientLeftVerdict,
  failedWith,
  type FailureWords,
  unknownVerdict,
  findingOf,
  fixOf,
  type Verdict,
  harmlessVerdict,
} from '../verdict.ts';
import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';

const failed = (type: ProxyErrorType, words: FailureWords): Verdict => failedWith('platform-edge', type, words);

const dynoLog = ['heroku logs --tail --dyno web'] as const;

/** Codes of the router that always mean the same. H18 depends on `sock=`. */
const byCode: Readonly<Record<string, Verdict>> = {
  H10: failed('destination_unavailable', {
    sentence: 'The web dyno has crashed, so that no dyno could be contacted.',
    fix: fixOf(
      'Read the last lines of the dyno before it crashed, fix the cause and restart it',
      ...dynoLog,
      'heroku restart',
    ),
  }),
  H11: failed('connection_limit_reached', {
    sentence: 'Too many requests were already waiting for the dynos.',
    fix: fixOf('Add dynos, or make requests shorter', 'heroku ps:scale web=2'),
  }),
  H12: failed('http_response_timeout', {
    sentence: 'The application did not answer within the 30 s that the router waits.',
    fix: fixOf(
      'Move long work to a background job, and give the application a timeout of its own below 30 s; the 30 s cannot be changed',
      ...dynoLog,
    ),
  }),
  H13: failed('connection_terminated', {
    sentence: 'The dyno accepted the connection and closed it without a response.',
    fix: fixOf(
      "Check for a crash, a worker's timeout or a lack of memory (R14, R15) at that time, and raise the web server's keep-alive",
      ...dynoLog,
    ),
  }),
  H14: failed('destination_unavailable', {
    sentence: 'No web dyno runs.',
    whose: 'operator',
    fix: fixOf('Start one, and check that the Procfile has a line for `web`', 'heroku ps:scale web=1'),
  }),
  H15: failed('connection_read_timeout', {
    sentence: 'Nothing was sent in either direction for 55 s, and the router closed the connection.',
    stage: 'body',
    fix: fixOf('Send something at least every 55 s: a comment line of server-sent events, a ping of a WebSocket'),
  }),
  H17: failed('http_protocol_error', {
    sentence: "The dyno's response is not valid HTTP.",
    fix: fixOf('Look at the response that the application sends', 'curl -v http://localhost:PORT/'),
  }),
  H19: failed('connection_timeout', {
    sentence: 'The router could not connect to the dyno in time.',
    fix: fixOf('Check whether the dyno is too busy to accept connections; if so, add dynos', 'heroku ps:scale web=2'),
  }),
  H20: failed('connection_timeout', {
    sentence: 'The request waited 75 s for a dyno to start, and timed out.',
    whose: 'application',
    fix: fixOf('Make the application listen sooner after its start', ...dynoLog),
  }),
  H21: failed('connection_refused', {
    sentence: 'The dyno refused the connection.',
    fix: fixOf('Listen on 0.0.0.0 and on the port in the variable PORT', 'app.listen(process.env.PORT, "0.0.0.0");'),
  }),
  H22: failed('connection_limit_reached', {
    sentence: "The dyno had reached the router's limit of connections to it.",
    fix: fixOf('Add dynos, or close idle connections sooner', 'heroku ps:scale web=2'),
  }),
  H23: failed('proxy_configuration_error', {
    sentence: 'The domain points to an endpoint that is not configured for it.',
    fix: fixOf('Compare the DNS target of the domain with the one that Heroku shows', 'heroku domains'),
  }),
  H24: failed('proxy_internal_error', {
    sentence: 'The router itself was stopped before the request was done.',
    fix: fixOf('This is a failure of the platform; retry such requests if that is safe'),
  }),
  H25: failed('http_protocol_error', {
    sentence: "The router rejected the dyno's response: its Content-Length, its status, or headers that are too long.",
    fix: fixOf(
      'Look at status, Content-Length and the size of cookies as the application sends them',
      'curl -v http://localhost:PORT/',
    ),
  }),
  H26: failed('http_request_error', {
    sentence: 'The client sent a request that is malformed or too large.',
    fix: null,
  }),
  H27: clientLeftVerdict('The client closed the connection before the dyno had answered.', 'response'),
  H28: clientLeftVerdict('The client sent and received nothing for 55 s.', 'body'),
  H31: failed('http_request_error', {
    sentence: 'The client sent a request for one domain over a connection to another domain.',
    fix: null,
  }),
  H32: failed('http_request_error', {
    sentence: 'The client sent a request for another domain than that of its TLS connection.',
    fix: null,
  }),
  H80: failed('proxy_internal_response', {
    sentence: 'The application is in maintenance mode.',
    fix: fixOf('Switch it off when the maintenance is done', 'heroku maintenance:off'),
  }),
  H81: failed('destination_unavailable', {
    sentence: 'Nothing has been deployed to this application yet.',
    whose: 'operator',
    fix: fixOf('Deploy it', 'git push heroku main'),
  }),
  H82: failed('destination_unavailable', {
    sentence: 'The account has used up its dyno hours for this month.',
    whose: 'operator',
    fix: fixOf("Change the dynos' type, or wait for the next month", 'heroku ps:type web=basic'),
  }),
  H83: failed('destination_unavailable', {
    sentence: 'Heroku has switched the service off as announced.',
    whose: 'gateway',
    fix: fixOf('Read what Heroku announced at https://status.heroku.com'),
  }),
  H99: failed('proxy_internal_error', {
    sentence: 'The platform itself failed.',
    fix: fixOf('Look at https://status.heroku.com'),
  }),
};

function herokuVerdict(code: string, sock: string | null, bytes: string | undefined): Verdict {
  if (code === 'H18') return interrupted(sock, bytes);
  if (Object.hasOwn(byCode, code)) return byCode[code] as Verdict;
  return unknownVerdict(
    'platform-edge',
    `The router reported ${code}, which Candor does not know.`,
    fixOf(`Look up ${code} at https://devcenter.heroku.com/articles/error-codes`),
  );
}

/** `sock=` names the side whose socket broke. Without it, it was most likely the dyno's: the code is called Server Request Interrupted. */
function interrupted(sock: string | null, bytes: string | undefined): Verdict {
  if (sock === 'client') return clientLeftVerdict('The client closed the connection during the request.', 'body');
  const hadBegun = bytes !== undefined && /^[1-9]/.test(bytes);
  return failed(hadBegun ? 'http_response_incomplete' : 'connection_terminated', {
    sentence: 'The dyno closed the connection before its response was complete.',
    fix: fixOf(
      'Check for a crash or a restart of the dyno, and have the application read the whole request before it answers',
      ...dynoLog,
    ),
  });
}

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
