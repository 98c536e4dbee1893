/**
 * Writes docs/failures.md from the failure table, so that the document for people on call agrees with the code. With
 * `--check` it writes nothing, and exits with 1 if the file differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { snakeKey } from '#failures/json-case.ts';
import type { FailureSpec } from '#failures/failure-spec.ts';
import { failureTable } from '#failures/failure-table.ts';
import type { Cause } from '#failures/failure.ts';
import { shapeOfType } from '#failures/failure-texts.ts';
import { refusedRequests } from '#failures/failure-table/refused-requests.ts';
import { type RequestRule, requestRules, responseRules } from '#failures/rules.ts';
import type { Shape } from '#failures/shape.ts';
import { raisedCauses } from './raised-causes.ts';
import { caseParagraphs, healthOfCause, whoseOfCause } from './whose-cases.ts';

const root = join(import.meta.dirname, '..');
const target = join(root, 'docs', 'failures.md');

const shapeIntroductions: readonly (readonly [shape: Shape, title: string, introduction: string])[] = [
  [
    'unreachable',
    'Unreachable',
    'There was no usable connection to the endpoint: its name, its port or its TLS failed. Nothing of the request was sent, so any request may be tried elsewhere.',
  ],
  [
    'too_slow',
    'Too slow',
    'The connection was open, but the response, or the rest of it, did not come in time. Unless `delivery` is `not_sent`, the application may have executed the request.',
  ],
  [
    'reset',
    'Reset',
    'The application, or a device between it and the gateway, closed the connection before the response was complete. Look first for an exit of the process at that moment; `candor explain` shows the exit if it is known.',
  ],
  [
    'garbage',
    'Garbage',
    'The endpoint sent an answer that is not acceptable HTTP. The answer is almost always the same on every attempt: reproduce it with curl against the endpoint.',
  ],
  [
    'refused_by_gateway',
    'Refused by the gateway',
    'The gateway itself refused the request: no route, no ready endpoint, a limit reached, maintenance. If it can compute when a retry makes sense, it sends Retry-After.',
  ],
  [
    'client_abort',
    'The client',
    'The client left, or sent bytes that are not a valid request. None of these failures counts against an endpoint.',
  ],
];

/** Descriptions of the evidence; that of a field of one cause alone comes first ('code of client_gone'). A missing one stops the script. */
const fieldMeanings: Readonly<Record<string, string>> = {
  last: 'the result of the last readiness check; absent before the first check, and for configured addresses',
  fix: 'what an operator can change so that it becomes ready; absent if not known',
  exits: 'how many times in a row the program of an instance has ended, so that it is not ready; absent otherwise',
  lasting: 'true if the failure lasts until its cause is changed; absent otherwise',
  agoMs:
    'how many milliseconds before the request the endpoint had refused a connection, so that the gateway did not connect; absent if it did',
  address: '`host:port` of the endpoint, or `unix:` and a path',
  alertId: "the alert's number (RFC 8446 §6)",
  alertMessage: "the alert's name",
  application: 'the application, by its name in candor.yaml',
  at: 'where in the request',
  code: 'the code of the TLS library or of the DNS library; with HTTP/2, the name of an error (RFC 9113 §7)',
  'code of client_gone': "the error of the client's RST_STREAM (RFC 9113 §7); absent unless `how` is `cancelled`",
  'code of request_refused':
    'the error with which the gateway ended the stream or connection (RFC 9113 §7); absent if it answered',
  fastcgi: 'true if FastCGI was spoken with the endpoint; absent otherwise',
  isFull: 'true if the queue of connections of a unix socket was full (EAGAIN); absent if nothing listens there',
  header: '`X-Accel-Redirect` or `X-Sendfile`',
  file: 'the file that it names, as the application has written it',
  script: 'the path below `root` that was looked for',
  root: 'the folder of the programs, as the route has it',
  'why of script_unknown': '`unknown` or `denied`: what the FastCGI server says of the program',
  'why of response_file_not_found':
    '`missing`, `hidden` (a name that begins with a dot, or a program), `outside` (a symbolic link leads out of the folder), `folder`, `elsewhere` (no folder of `send_files` is meant), or `several`',
  'why of script_not_found':
    '`missing`, `outside` (a symbolic link leads out of `root`), `not_a_file`, `unreadable`, or `bad_path`',
  stream:
    'the HTTP/2 error by which the endpoint ended the stream (RST_STREAM), `GOAWAY` if a GOAWAY ended it, or `END_STREAM` if it ended it in order, but too early; absent if the whole connection ended',
  frame: 'the frame that said so',
  streams:
    'how many streams a connection error (RFC 9113 §5.4.1) ended, that of this request included; absent if a stream error ended this one alone',
  frameOf:
    'whose frame it was, by its stream identifier: of `this_stream`, of `another_stream`, or of the `connection`; absent with a stream error',
  lastStreamId: 'the last stream that the endpoint has processed (GOAWAY); absent with RST_STREAM',
  goAway:
    'the error (RFC 9113 §7) of the GOAWAY by which the endpoint had ended the connection before; absent if it sent none, or one without an error',
  text: 'what the GOAWAY says beside its code; absent without one',
  coding: 'the last transfer coding that the response names',
  requested: 'the protocols that the request asked to change to; absent if it asked for none',
  answeredBefore:
    'how many responses had come on the connection before, from the last of which the bytes are probably left over; absent if none had',
  answeredBetween:
    'how many answers of the endpoint were HTTP since it first sent such bytes, as a worker has seen it; counted anew after more than ten such answers in a row, and after five minutes without one; absent if none were',
  answered: 'the protocol that the answer names; absent if it names none',
  endpointCause:
    'the cause with which the last checks of all endpoints failed, a section of this document; absent if the causes differ',
  stopped:
    'the application that an operator has stopped, so that no instance of it runs; absent where one runs, and of an upstream that is no application',
  drained:
    'the change with which an operator has drained the first endpoint, as `candor restore` takes it; absent unless all endpoints are drained',
  endpoints: 'how many endpoints the upstream has',
  errno: "the system's code, such as ECONNRESET",
  firstBytes: 'the first bytes of the answer, at most 64',
  guess: 'what the first bytes look like',
  hops: 'how many gateways Via names',
  host: 'the host of the request',
  how: 'whether the connection was closed (FIN) or reset (RST)',
  'how, where a request may be cancelled':
    'whether the client closed its connection (FIN), reset it (RST), or cancelled the request alone (RST_STREAM of HTTP/2, with the error `code`)',
  'how, where TLS may break':
    'whether the connection was closed (FIN) or reset (RST), or TLS failed (`broken`): only then there is a `code` of the gateway or an alert of the endpoint',
  idleMs: 'for how many milliseconds no byte came',
  invariant: 'the condition that did not hold',
  isPrivate: 'whether it is an address of this machine or of a private network, which a proxy of your own may have',
  issuer: 'who signed the certificate',
  limit: 'the limit that was reached',
  headersMax: 'how many headers it may have',
  limitMs: 'the limit in milliseconds',
  longest: 'the name of the longest header, empty if no header came',
  message: "the operator's message for visitors",
  name: 'the name that was looked up, or the name of the header or certificate',
  names: 'the names that the certificate is for',
  notAfter: 'when the certificate runs out',
  notBefore: 'from when on the certificate is valid',
  bound: 'what bounds the requests in flight, such as `route /api` or `upstream web`',
  displaced: 'true if a request of a higher priority has taken its place in the queue; absent otherwise',
  leftMs: 'how many milliseconds the exchange may still take',
  waitMs: 'in how many milliseconds its turn would come, at the speed at which the queue moves',
  bytes: 'how many bytes came',
  bytesMax: 'how many bytes may come',
  headSent:
    'true if the head of the request had been sent, so that `bytes_sent` counts its body alone (HTTP/2); absent otherwise',
  headBegun: 'true if a part of the head of the response had come; absent if none had',
  interims: 'how many interim responses (1xx) came; absent if none did',
  responses: 'how many interim responses came',
  begun:
    'false if this response had not begun: the client did not read others on its HTTP/2 connection; absent otherwise',
  bytesExpected: 'how many bytes were announced',
  bytesPerS: 'how many bytes a second the client sent or read, if that was too slow',
  bytesPerSMin: 'how many bytes a second are required; 0 if the client read nothing',
  bytesRead: 'how many bytes of the file had been read',
  bytesReceived: 'how many bytes had come',
  change: '`truncated` if the file became shorter, `rewritten` if it was written to',
  bytesSent: 'how many bytes had been sent',
  operation: 'what the system was asked for: to `open` the file or to `read` it',
  overMs: 'the milliseconds over which the rate was measured',
  path: 'the path of the socket or of the request, or what an application has named (`send_files`)',
  prohibition:
    'what the address is: `own_listener`, `loopback`, `link_local`, `metadata`, `multicast`, `unspecified`, `reserved`, or `denied` by `dns.deny`',
  ownConnection: 'the request waited for the connection on which its client is authenticated; absent otherwise',
  addressMax:
    'how many of them one client address may have while others use the upstream, if that is what it has; absent otherwise',
  requestsMax: 'how many requests an endpoint may have in flight, if that is what is full; absent otherwise',
  stoppedPids:
    'the processes of the endpoint, all of which a signal has stopped, so that nothing is answered; absent otherwise',
  queueMax: 'how many requests may wait, and already do',
  overAtStart: 'the time was over before an endpoint was chosen; absent otherwise',
  queuedMs:
    'for how many milliseconds the request was queued on its HTTP/2 connection; absent unless the time was over by then',
  requestOpen:
    'true if the client had not ended its request and the endpoint had taken all that had come of it, so that it may have waited for more; absent otherwise',
  rcode: "the name server's answer (NXDOMAIN, NODATA, SERVFAIL, REFUSED, FORMERR, NOTIMP)",
  retryAfterS: 'seconds until a retry makes sense',
  reused: 'whether the connection had served another request before',
  ping: 'whether the endpoint answered a PING of HTTP/2 meanwhile: then it is there, and its application is slow; absent with HTTP/1',
  paused: 'what was paused, such as `route /api` or `upstream web`',
  route: 'the route, by its name',
  passage:
    'which passage of gateways of this name it would have been; up to the limit, the route is one that the request has taken before',
  allow: 'the methods for which routes match, where the method of the request alone does not; absent otherwise',
  absence:
    '`hidden` if its name, or that of a folder above it, begins with a dot; `outside` if a symbolic link leads out of the folder; otherwise `missing`',
  accept:
    'what is wrong with the Sec-WebSocket-Accept that answers a key of the gateway (for clients with HTTP/2); absent otherwise',
  received: 'the status of the response',
  rule: 'the rule that was broken, see below',
  'rule, in words': 'the rule of RFC 9113 that was broken, in words',
  setBy: '`client` if a gRPC client has set the limit (`grpc-timeout`); absent if the route has',
  silent: "the side of the tunnel that did not answer the gateway's pings; absent if both sides were silent",
  sinceMs: 'for how many milliseconds it has been starting',
  status: 'the status of the rule',
  subject: 'the subject of the certificate',
  isIssuer: "true if it is not the endpoint's own certificate but one of its issuers; absent otherwise",
  upstream: 'the upstream, by its name in candor.yaml',
  waiting: 'how many requests of the worker wait for a thread',
  version: 'the version that the endpoint sent',
  'what, where the gateway cuts': 'what was cut',
  'reason, where the gateway cuts':
    'which part of the gateway ended: the process (`gateway_stopping`), the process because a successor replaced it (`gateway_replaced`), a worker that was replaced (`worker_replaced`), the listener (`listener_gone`), or what the gateway ended: the instance that worked on the request (`instance_stopped`)',
  waitedMs: 'for how many milliseconds the request had waited',
  value: 'the value of that header, which names this gateway',
  what: 'what reached the limit, or what contradicts itself',
  reason: 'the reason, taken from the endpoints',
  policy: 'the limit, by its name',
  key: 'what the limit counts, such as `address`, `route` or `header.x-api-key`',
  'value of rate_limited': 'which of these it is; of a secret such as a key, its name alone, or nothing',
  'value of too_many_requests_at_once': 'which of these it is; of a secret such as a key, its name alone, or nothing',
  rate: 'the limit, in words',
  rateLimit: 'the value of the field RateLimit in the response',
  rateLimitPolicy: 'the value of the field RateLimit-Policy in the response',
  by: 'what of the client the rule is about',
  'value of access_denied': 'the value of that',
  because: 'the rule, in words',
  scheme: 'how the route authenticates, in words',
  fault: 'what was wrong, in words',
  challenge: 'the value of WWW-Authenticate in the response; empty: it has none',
  user: 'the name of the user',
  lacks: 'what the user would have to have',
  loginPath: 'where a browser logs in again; absent: it cannot',
  service: 'the upstream that was asked',
  'reason of authentication_unavailable': 'what came of the question, in words',
  askedCause: 'the cause with which the request to the service failed; absent if it has answered',
};

const causes = Object.keys(failureTable) as Cause[];

function specFor(cause: Cause): FailureSpec<Cause> {
  return failureTable[cause] as unknown as FailureSpec<Cause>;
}

/** The evidence of each cause, parsed from its declaration, because types do not exist at run time. */
function readEvidence(): ReadonlyMap<string, readonly string[]> {
  const source = readFileSync(join(root, 'packages', 'failures', 'src', 'failure.ts'), 'utf8');
  const body = /export interface Evidence \{([\s\S]*?)\n\}/.exec(source)?.[1] ?? '';
  const entries = [...body.matchAll(/^ {2}(\w+): \{\s+([\s\S]*?);?\s+\};$/gm)];
  return new Map(entries.map(([, cause, fields]) => [cause ?? '', (fields ?? '').split(/;\s+/)]));
}

function statusText({ status }: FailureSpec<Cause>): string {
  if (typeof status === 'function') return 'by rule';
  return status === 0 ? 'none' : String(status);
}

/** Causes that agree in everything share a row. */
function overviewRows(): string[] {
  const rows = causes.map((cause) => {
    const spec = specFor(cause);
    const type = spec.type === null ? '—' : `\`${spec.type}\``;
    const retry = spec.retry === 'elsewhere' ? 'yes' : 'no';
    const cells = [
      statusText(spec),
      type,
      spec.logLevel,
      retry,
      healthOfCause(cause, spec),
      spec.temporary ? 'yes' : 'no',
    ];
    return { link: `[\`${cause}\`](#${cause})`, facts: cells.join(' | ') };
  });
  return [...Map.groupBy(rows, ({ facts }) => facts)].map(
    ([facts, these]) => `| ${these.map(({ link }) => link).join(', ')} | ${facts} |`,
  );
}

interface EvidenceKey {
  readonly name: string;
  /** What it holds, with its values where they are few. */
  readonly meaning: string;
}

function evidenceKey(cause: Cause, field: string): EvidenceKey {
  const [written = '', type = ''] = field.split(': ');
  const name = written.replace('?', '');
  const meaning = fieldMeanings[`${name} of ${cause}`] ?? fieldMeanings[`${name}${special(name, type)}`];
  if (meaning === undefined)
    throw new Error(`scripts/write-failure-docs.ts does not say what the evidence field "${name}" holds`);
  const values = [...type.matchAll(/'(\w+)'/g)].map(([, value]) => `\`${value}\``);
  return { name: snakeKey(name), meaning: values.length < 2 ? meaning : `${meaning} (${values.join(', ')})` };
}

/** One row for each meaning of each key; of a key with several, the causes that have the rarer ones are named. */
function evidenceChapter(evidence: ReadonlyMap<string, readonly string[]>): string {
  const keys = causes.flatMap((cause) =>
    (evidence.get(cause) ?? []).map((field) => ({ cause, ...evidenceKey(cause, field) })),
  );
  const rows = [...Map.groupBy(keys, ({ name }) => name)]
    .toSorted(([one], [other]) => one.localeCompare(other))
    .flatMap(([name, uses]) => {
      const meanings = [...Map.groupBy(uses, ({ meaning }) => meaning)].toSorted(([, a], [, b]) => b.length - a.length);
      return meanings.map(([meaning, these], index) => {
        const of = index === 0 ? '' : ` of ${these.map(({ cause }) => `\`${cause}\``).join(', ')}`;
        return `| \`${name}\`${of} | ${meaning} |`;
      });
    });
  return [
    '## Evidence',
    '',
    'Each cause has the keys that its section names, as `evidence` of the record. `null` stands where there is no such thing.',
    '',
    '| key | what it holds |',
    '|---|---|',
    ...rows,
  ].join('\n');
}

/** Keys whose meaning depends on the cause. */
function special(name: string, type: string): string {
  if (type === 'string' && name === 'rule') return ', in words';
  if (/\bbroken\b/.test(type)) return ', where TLS may break';
  if (/\bcancelled\b/.test(type)) return ', where a request may be cancelled';
  return type === 'ForceCloseReason' || /\btunnel\b/.test(type) ? ', where the gateway cuts' : '';
}

/** A sentence behind the evidence of a cause. */
const remarks: Partial<Record<Cause, string>> = {
  request_body_truncated: 'Over HTTP/2 no answer is sent: the record has no status and `end: abandoned`.',
};

const raised = raisedCauses();

function section(cause: Cause, evidence: readonly string[]): string {
  const spec = specFor(cause);
  const keys = evidence.map((field) => `\`${evidenceKey(cause, field).name}\``).join(', ');
  return [
    `### <a id="${cause}"></a>\`${cause}\`: ${spec.title}`,
    '',
    `Whose: ${whoseOfCause(cause, spec.whose)}.${raised.has(cause) ? '' : ' *Reserved: the gateway does not report this cause yet.*'}`,
    '',
    ...spec.usualCauses.map((usual) => `- ${usual}`),
    '',
    `**Next step:** ${spec.nextStep}`,
    '',
    ...caseParagraphs(cause, spec),
    `**Evidence:** ${keys}.${remarks[cause] === undefined ? '' : ` ${remarks[cause]}`}`,
  ].join('\n');
}

function shapeChapter(
  shape: Shape,
  title: string,
  introduction: string,
  evidence: ReadonlyMap<string, readonly string[]>,
): string {
  const members = causes.filter((cause) => shapeOfType(specFor(cause).type) === shape);
  const sections = members.map((cause) => {
    const fields = evidence.get(cause);
    if (fields === undefined)
      throw new Error(`packages/failures/src/failure.ts has no line for the evidence of ${cause}`);
    return section(cause, fields);
  });
  return [`## ${title}`, '', introduction, '', sections.join('\n\n')].join('\n');
}

function requestRulesChapter(): string {
  const steps: string[] = [];
  const rows = Object.entries(requestRules).map(([rule, { section: where, status, reason }]) => {
    const nextStep = refusedRequests[rule as RequestRule]?.nextStep;
    if (nextStep !== undefined && !steps.includes(nextStep)) steps.push(nextStep);
    const step = nextStep === undefined ? '' : String(steps.indexOf(nextStep) + 1);
    return `| \`${rule}\` | ${status} | ${where} | ${reason} | ${step} |`;
  });
  return [
    '## Request rules',
    '',
    'The gateway [refuses](#request_refused) a request that breaks one of these, and closes the connection; nothing of the request',
    'reaches an endpoint. The answer and the record name the rule. `max-forwards`, and the `host-missing` of a redirect for',
    'an HTTP/1.0 request without a host, leave the connection open where no content follows.',
    '',
    'Over HTTP/2 the connection goes on: a malformed request is answered on its stream, followed by RST_STREAM(PROTOCOL_ERROR).',
    'Where frames break a rule, there is no answer: the gateway ends the stream (RST_STREAM; `http2-stream`), or the connection with',
    'all requests on it (GOAWAY; `http2-connection`, `http2-limit`). `code` is the error that the client was sent, `at` says what it',
    'did, and the `status` of the record is null, or that of a response that had begun.',
    '',
    '| rule | status | where it stands | the request was refused because … | next step |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    'Next steps:',
    '',
    ...steps.map((step, index) => `${index + 1}. ${step}`),
  ].join('\n');
}

/** The section and reason of a rule, as the table has them. */
const ruleCells = ({ section: where, reason }: { readonly section: string; readonly reason: string }): string =>
  `${where} | ${reason}`;

function responseRulesChapter(): string {
  const rules = Object.entries(responseRules).map(([rule, text]) => ({ rule, cells: ruleCells(text) }));
  const isShared = ({ rule, cells }: (typeof rules)[number]): boolean =>
    rule in requestRules && ruleCells(requestRules[rule as RequestRule]) === cells;
  const rows = rules.filter((one) => !isShared(one)).map(({ rule, cells }) => `| \`${rule}\` | ${cells} |`);
  const shared = rules.filter(isShared).map(({ rule }) => `\`${rule}\``);
  return [
    '## Response rules',
    '',
    'An answer that breaks one of these is [garbage](#garbage): the client gets 502 if nothing of it has been',
    'forwarded yet, else a response that is cut short. The gateway does not use the connection to the endpoint again.',
    '',
    'Only over HTTP/2 can an answer break `content-forbidden` and `content-length-mismatch`. With HTTP/1.1 such bytes come where the next',
    'response is due: the response is a success, and the gateway drops the bytes and the connection. Bytes that came with the response are',
    '`surplus_bytes` of its [record](record.md#every-field); the next request may meet later ones (`response_not_http`). A 205 with a body',
    'breaks no rule (RFC 9112 §6.3) and is passed on.',
    '',
    `As for [requests](#request-rules): ${shared.join(', ')}.`,
    '',
    '| rule | where it stands | the answer is refused because … |',
    '|---|---|---|',
    ...rows,
  ].join('\n');
}

const introduction = `<!-- Written by scripts/write-failure-docs.ts from packages/failures/src/failure-table.ts. Change it there. -->

# What can go wrong, and what to do

The **cause** of a failed request stands in the exchange log and \`candor explain REQUEST-ID\` (\`cause\`), and in
the response: as \`cause\` of \`application/problem+json\` and in its \`type\`, \`urn:candor:failure:CAUSE\`. \`Proxy-Status\`
has the [RFC 9209](https://www.rfc-editor.org/rfc/rfc9209.html) type, which several causes share. For an application that Candor runs,
responses and \`candor explain\` may name another next step, which leads to what the application printed.

Three more words of the record decide what to do:

- **whose** says who can fix it: the \`application\`, the \`network\`, the \`operator\` (configuration, certificates, a
  deploy), the \`gateway\` itself, or the \`client\`. Where the evidence decides, the section says so.
- **delivery** says whether the request may have been executed: \`not_sent\` and \`refused_by_peer\` mean no; \`partial\` means
  unlikely (never all of the request was sent), \`sent_unknown\` perhaps, and \`response_started\` yes, or perhaps where
  what came is no HTTP. How far it got, only the application can tell.
- **retry_reason** says of every attempt why it was, or was not, followed by another.

In the table, *level* is that of the log, *retry* says whether another attempt may help (the gateway makes one only if the request is certain
not to have been executed, or harmless to repeat), *health* whether the failure counts against the endpoint, and *passes* whether it may pass
by itself. A section has the usual causes, the commonest first, the next step, and the keys of the [evidence](#evidence).`;

function failureDocument(): string {
  const evidence = readEvidence();
  const chapters = shapeIntroductions.map(([shape, title, text]) => shapeChapter(shape, title, text, evidence));
  const overview = [
    '## All causes',
    '',
    '| cause | status | type | level | retry | health | passes |',
    '|---|---|---|---|---|---|---|',
    ...overviewRows(),
  ].join('\n');
  return `${[introduction, overview, ...chapters, evidenceChapter(evidence), requestRulesChapter(), responseRulesChapter()].join('\n\n')}\n`;
}

function readTarget(): string | null {
  try {
    return readFileSync(target, 'utf8');
  } catch {
    return null; // Not written yet, which counts as a difference.
  }
}

const text = failureDocument();
if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else if (readTarget() !== text) {
  process.stderr.write(
    'docs/failures.md differs from the failure table. Regenerate it with: node scripts/write-failure-docs.ts\n',
  );
  process.exitCode = 1;
}
