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
  bytesReceived: 'how many bytes had come',
  bytesSent: 'how many bytes had been sent',
  overMs: 'the milliseconds over which the rate was measured',
  path: 'the path of the socket, or of the request',
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
  version: 'the version that the endpoint sent',
  'what, where the gateway cuts': 'what was cut',
  'reason, where the gateway cuts':
    'which part of the gateway ended: the process (`gateway_stopping`), the process because a successor replaced it (`gateway_replaced`), a worker that was replaced (`worker_replaced`), or the listener (`listener_gone`)',
  waitedMs: 'for how many milliseconds the request had waited',
  value: 'the value of that header, which names this gateway',
  what: 'what reached the limit, or what contradicts itself',
  reason: 'the reason, taken from the endpoints',
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

function overviewRow(cause: Cause): string {
  const spec = specFor(cause);
  const type = spec.type === null ? '—' : `\`${spec.type}\``;
  const retry = spec.retry === 'elsewhere' ? 'yes' : 'no';
  const health = healthOfCause(cause, spec);
  return `| [\`${cause}\`](#${cause}) | \`${shapeOfType(spec.type)}\` | ${statusText(spec)} | ${type} | ${whoseOfCause(cause, spec.whose)} | ${retry} | ${health} |`;
}

function evidenceLine(cause: Cause, field: string): string {
  const [written = '', type = ''] = field.split(': ');
  const name = written.replace('?', '');
  const meaning = fieldMeanings[`${name} of ${cause}`] ?? fieldMeanings[`${name}${special(name, type)}`];
  if (meaning === undefined)
    throw new Error(`scripts/write-failure-docs.ts does not say what the evidence field "${name}" holds`);
  return `- \`${snakeKey(name)}\` (${type
    .replaceAll("'", '"')
    .replaceAll(/ \|(?=.* \|)/g, ',')
    .replaceAll('|', 'or')}): ${meaning}`;
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
  const facts = [
    spec.type === null ? 'no response' : `status ${statusText(spec)}`,
    spec.type === null ? null : `type \`${spec.type}\``,
    `whose: ${whoseOfCause(cause, spec.whose)}`,
    spec.temporary ? 'may pass by itself' : 'does not pass by itself',
    `logged as ${spec.logLevel}`,
  ].filter((fact) => fact !== null);
  return [
    `### <a id="${cause}"></a>\`${cause}\`: ${spec.title}`,
    '',
    `${facts.join(' · ')}.`,
    '',
    ...(raised.has(cause)
      ? []
      : ['*The gateway does not report this cause yet; its name and its status are reserved.*', '']),
    `**It says, for example:** ${exampleOf(cause)}`,
    '',
    '**Usual causes,** commonest first:',
    '',
    ...spec.usualCauses.map((usual) => `- ${usual}`),
    '',
    `**Next step:** ${spec.nextStep}`,
    '',
    ...caseParagraphs(cause, spec),
    '**Evidence:**',
    '',
    ...evidence.map((field) => evidenceLine(cause, field)),
    '',
    ...(remarks[cause] === undefined ? [] : [remarks[cause], '']),
    `**A visitor reads:** ${spec.forClient}`,
  ].join('\n');
}

/** Example evidence. */
const exampleValues: Readonly<Record<string, unknown>> = {
  address: '10.0.0.7:3000',
  alertId: 40,
  alertMessage: 'handshake_failure',
  application: 'web',
  at: 'field line 3',
  code: 'ERR_TLS_CERT',
  coding: 'br',
  endpoints: 2,
  errno: 'ECONNRESET',
  firstBytes: 'SSH-2.0-OpenSSH_9.2',
  guess: 'ssh',
  hops: 20,
  host: 'www.example.org',
  how: 'closed',
  idleMs: 4200,
  invariant: 'every exchange ends once',
  issuer: 'CN=Shop Internal Authority',
  limit: 100,
  headersMax: 64,
  limitMs: 5000,
  longest: 'Set-Cookie',
  message: 'New disks, back at noon.',
  name: 'app.internal',
  names: 'app-old.internal',
  notAfter: '2026-03-01T12:00:00.000Z',
  notBefore: '2026-06-01T12:00:00.000Z',
  bound: 'upstream web',
  leftMs: 800,
  waitMs: 2600,
  bytes: 81_920,
  bytesMax: 262_144,
  responses: 101,
  bytesExpected: 5000,
  bytesPerS: 12,
  bytesPerSMin: 200,
  bytesReceived: 1200,
  bytesSent: 2048,
  overMs: 10_400,
  path: '/run/app.sock',
  prohibition: 'metadata',
  queueMax: 64,
  rcode: 'NXDOMAIN',
  retryAfterS: 5,
  reused: true,
  paused: 'route shop',
  route: 'shop',
  rule: 'header-value',
  sinceMs: 3400,
  status: 400,
  subject: 'CN=app.internal',
  upstream: 'web',
  version: 'HTTP/2.0',
  waitedMs: 2004,
  value: '1.1 edge',
  what: 'the number of client connections',
  reason: 'the last check was answered with 500',
};

/** Causes for which the ordinary example would mislead. */
const exampleExceptions: Partial<Record<Cause, Readonly<Record<string, unknown>>>> = {
  dns_failed: { rcode: 'SERVFAIL', code: 'ESERVFAIL' },
  connect_unroutable: { errno: 'EHOSTUNREACH', address: '[2001:db8::7]:3000' },
  connect_not_permitted: { errno: 'EACCES', address: 'unix:/run/app.sock' },
  tls_protocol: { code: 'ERR_SSL_UNKNOWN_CIPHER_RETURNED' },
  tls_version: { code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' },
  tls_plaintext_peer: { firstBytes: 'HTTP/1.1 400 Bad Request' },
  tls_certificate_untrusted: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  tls_certificate_unfit: { code: 'INVALID_PURPOSE' },
  send_failed: { errno: 'EPIPE' },
  response_head_timeout: { limitMs: 60_000 },
  attempt_timeout: { limitMs: 2000 },
  exchange_timeout: { limitMs: 90_000 },
  request_write_timeout: { limitMs: 60_000 },
  response_status_line: { rule: 'status-code', firstBytes: 'HTTP/1.1 099 Whatever' },
  response_header: { name: 'X-File-Name' },
  response_frames: {
    ...{ rule: 'PUSH_PROMISE, which the gateway does not allow', code: 'PROTOCOL_ERROR' },
    ...{ streams: 3, frameOf: 'another_stream' },
  },
  response_framing: { rule: 'length-and-transfer-encoding' },
  response_head_too_large: { limit: 65_536 },
  response_trailers_too_large: { limit: 16_384, headersMax: 64 },
  response_chunk: { rule: 'chunk-size' },
  no_route: { path: '/old/page' },
  request_refused: { code: undefined },
  response_upgrade_ignored: { received: 200 },
  descriptors_exhausted: { errno: 'EMFILE' },
  destination_prohibited: { address: '169.254.169.254:80' },
  loop_detected: { name: 'CDN-Loop', value: 'edge; route=Zb9NnPkC', route: 'shop', passage: 2, limit: 4 },
  hops_exceeded: { limit: 16 },
  shed: { limit: 10_000 },
  too_many_connections: { limit: 10_000 },
  too_many_connections_from_address: { address: '192.0.2.7', limit: 200, isPrivate: false },
  drained: { reason: 'gateway_stopping', what: 'request' },
  too_many_endpoints: { limit: 2048 },
  configuration_fault: { what: 'route "shop" names the upstream "web", which does not exist' },
};

function exampleOf(cause: Cause): string {
  const spec = specFor(cause);
  return spec.sentence({ ...exampleValues, ...exampleExceptions[cause] } as never);
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
  const rows = Object.entries(requestRules).map(([rule, { section: where, status, reason }]) => {
    const nextStep = refusedRequests[rule as RequestRule]?.nextStep ?? '';
    return `| \`${rule}\` | ${status} | ${where} | ${reason} | ${nextStep} |`;
  });
  return [
    '## Request rules',
    '',
    'A request that breaks one of these is [refused](#request_refused), the connection is closed, and nothing of it',
    'reaches an endpoint. The answer and the record name the rule. Two refusals leave the connection open where',
    'no content follows, since it is certain where their request ends: `max-forwards`, and the `host-missing` of a redirect for',
    'an HTTP/1.0 request without a host.',
    '',
    'Over HTTP/2 the connection goes on. A malformed request is answered on its stream, and behind the answer comes',
    'RST_STREAM(PROTOCOL_ERROR). Where frames break a rule, there is no answer: the gateway ends the stream (RST_STREAM;',
    '`http2-stream`), or the connection with all requests on it (GOAWAY; `http2-connection`, `http2-limit`). `code` is the error that',
    'the client was sent, `at` says what it did, and the `status` of the record is null, or that of a response that had begun.',
    '',
    '| rule | status | where it stands | the request was refused because … | next step |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function responseRulesChapter(): string {
  const rows = Object.entries(responseRules).map(
    ([rule, { section: where, reason }]) => `| \`${rule}\` | ${where} | ${reason} |`,
  );
  return [
    '## Response rules',
    '',
    'An answer that breaks one of these is [garbage](#garbage): the client gets 502 where nothing of it has been',
    'forwarded yet, and a response that is cut short otherwise. The connection to the endpoint is not used again.',
    '',
    '`content-forbidden` and `content-length-mismatch` are broken over HTTP/2 alone, where frames show such a body. With HTTP/1.1 it comes where the next',
    'response is due: the response is a success, and the bytes are dropped with the connection. Those that came with the response are `surplus_bytes` of its',
    '[record](record.md#every-field); later ones may be met by the next request (`response_not_http`). A 205 with a body breaks no rule: the body has its end',
    'as in any other response (RFC 9112 §6.3), and is passed on.',
    '',
    '| rule | where it stands | the answer is refused because … |',
    '|---|---|---|',
    ...rows,
  ].join('\n');
}

const introduction = `<!-- Written by scripts/write-failure-docs.ts from packages/failures/src/failure-table.ts. Change it there. -->

# What can go wrong, and what to do

You have a failed request. Its **cause** stands in

- the exchange log, as \`cause\`, and in \`candor explain REQUEST-ID\`, which also tells the story of every attempt;
- the response, as \`cause\` in \`application/problem+json\`, and in its \`type\`, \`urn:candor:failure:CAUSE\`; the
  \`Proxy-Status\` field has the [RFC 9209](https://www.rfc-editor.org/rfc/rfc9209.html) type, which several causes share.

Look it up in the table and go to its section. For an application that Candor runs itself, responses and \`candor explain\` name
other next steps in some cases: they lead to what it printed.

Three more words in the record decide what to do next:

- **whose** says who can fix it: the \`application\`, the \`network\`, the \`operator\` (configuration, certificates, a
  deploy), the \`gateway\` itself, or the \`client\`. Where the evidence decides, the section says so.
- **delivery** says whether the request may have been executed: \`not_sent\` and \`refused_by_peer\` mean no; \`partial\` means
  unlikely (never all of the request was sent), \`sent_unknown\` perhaps, and \`response_started\` yes, or perhaps where
  what came is no HTTP. How far it got, only the application can tell.
- **retry_reason** says of every attempt why it was, or was not, followed by another.

In the table, *retry* says whether another attempt may help (it is only made when the request is certain not to have been
executed, or harmless to repeat), and *health* whether the failure counts against the endpoint.`;

function failureDocument(): string {
  const evidence = readEvidence();
  const chapters = shapeIntroductions.map(([shape, title, text]) => shapeChapter(shape, title, text, evidence));
  const overview = [
    '## All causes',
    '',
    '| cause | shape | status | type | whose | retry | health |',
    '|---|---|---|---|---|---|---|',
    ...causes.map(overviewRow),
  ].join('\n');
  return `${[introduction, overview, ...chapters, requestRulesChapter(), responseRulesChapter()].join('\n\n')}\n`;
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
