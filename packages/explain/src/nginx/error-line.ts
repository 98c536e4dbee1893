import { judgedText } from '../line-text.ts';
import type { Stage } from '../../../failures/src/stage.ts';
import { ownText } from '../own-text.ts';
import type { NginxProduct } from './verdict.ts';
import { rememberLast } from './json-access.ts';
import { errorLogTime } from './access-fields.ts';

/** More than the different messages of any log; a log of hostile lines only empties the map again and again. */
const entriesMax = 512;
/** Longer keys would be copies of a log. */
const keyCharactersMax = 512;

/** Remembers results by a text, and forgets all of them when it is full. */
export class LimitedMap<K extends string, V> {
  readonly #entries = new Map<K, V>();

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Keeps the value unless the key is long, and returns it. */
  keep(key: K, value: V): V {
    if (key.length > keyCharactersMax) return value;
    if (this.#entries.size >= entriesMax) this.#entries.clear();
    // A copy: the key may be a slice of a line, which would stay in memory as a whole.
    this.#entries.set(` ${key}`.slice(1) as K, value);
    return value;
  }
}

/** One line of an error log, taken apart. */
export interface NginxErrorLine {
  readonly product: NginxProduct;
  readonly atMs: number | null;
  readonly level: string;
  /** The connection number, `*42`: the same in every line about the connection, and the value of `$connection`. */
  readonly connection: string | null;
  /** The message, with ` while …` and without the fields of the request. */
  readonly saying: string;
  /** The same for equal messages; null for a message that is too long to be remembered. */
  readonly sayingId: number | null;
  /** What happened, without ` while …` and the fields of the request. */
  readonly text: string;
  /** What nginx was doing: `connecting to upstream`. */
  readonly action: string | null;
  /** The number in `(111: Connection refused)`, and the whole parenthesis. */
  readonly errno: number | null;
  readonly errnoText: string | null;
  readonly client: string | null;
  readonly request: string | null;
  readonly upstream: string | null;
  readonly requestId: string | null;
  /** The text after the connection number. */
  readonly whole: string;
  /** A line of `stream {}`: it has an upstream and no request. */
  readonly isStream: boolean;
}

const headForm =
  /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[(debug|info|notice|warn|error|crit|alert|emerg)\] \d{1,10}#\d{1,10}: /;

/** What nginx says it was doing, and the stage of that. Actions on the client's side have none. */
const stages: Readonly<Record<string, Stage | 'client'>> = {
  'connecting to upstream': 'connect',
  'SSL handshaking to upstream': 'tls',
  'sending request to upstream': 'send',
  'reading response header from upstream': 'response',
  'reading upstream': 'body',
  'proxying upgraded connection': 'body',
  'proxying connection': 'body',
  'proxying and reading from upstream': 'body',
  'proxying and sending to upstream': 'body',
  'connecting to OCSP responder': 'client',
  'requesting certificate status': 'client',
  'sending to client': 'client',
  'sending response to client': 'client',
  'sending early hints to client': 'client',
  'SSL handshaking': 'client',
  keepalive: 'client',
  'waiting for request': 'client',
  'reading client request line': 'client',
  'reading client request headers': 'client',
  'reading client request body': 'client',
  'reading PROXY protocol': 'client',
  'processing HTTP/2 connection': 'client',
  'proxying and reading from client': 'client',
  'proxying and sending to client': 'client',
};

export function stageOf(action: string | null): Stage | 'client' | null {
  return action === null ? null : (stages[action] ?? null);
}

/** The head is no longer. */
const headCharactersMax = 120;

/** Parses a line; null if it is of another form. */
export const parseErrorLine = rememberLast(takeApart);

function takeApart(fullLine: string): NginxErrorLine | null {
  if (fullLine.charCodeAt(4) !== 0x2f) return null;
  const line = judgedText(fullLine.includes('  ') ? fullLine.replace(/ {2,}/g, ' ') : fullLine);
  const head = headOf(line);
  if (head === null) return null;
  const connection = connectionAt(line, head.text.length);
  const whole = line.slice(head.text.length + (connection === null ? 0 : connection.length + 2));
  const at = fieldsAt(whole);
  const saying = at < 0 ? whole : whole.slice(0, at);
  const context = at < 0 ? '' : whole.slice(at);
  const { text, action, errno, errnoText, id, isOfKin } = sayingOf(saying);
  const request = quoted(context, marks.request);
  return {
    product: isOfKin ? productOf(saying, context) : productOfFields(context),
    atMs: head.atMs,
    level: head.level,
    connection,
    saying,
    sayingId: id,
    text,
    action,
    errno,
    errnoText,
    client: clientOf(context),
    request,
    upstream: quoted(context, marks.upstream),
    requestId: quoted(context, marks.requestId),
    whole,
    isStream: request === null && context !== '' && ofStream.test(context),
  };
}

const ofStream =
  /, bytes from\/to client:|^, client: [^,]{1,100}, server: [^,]{1,100}, upstream: "(?!https?:|fastcgi:|uwsgi:|scgi:|grpcs?:|memcached:)/;

/** What lines of one worker in one second begin with. */
interface LineHead {
  readonly text: string;
  readonly level: string;
  readonly atMs: number | null;
}

let lastHead: LineHead | null = null;

/** Failures come many to a second. */
function headOf(line: string): LineHead | null {
  if (lastHead !== null && line.startsWith(lastHead.text)) return lastHead;
  const found = headForm.exec(line.length > headCharactersMax ? line.slice(0, headCharactersMax) : line);
  if (found === null) return null;
  lastHead = { text: ownText(found[0]), level: found[1] ?? '', atMs: errorLogTime(line.slice(0, timeCharacters)) };
  return lastHead;
}

const timeCharacters = '2026/11/21 21:59:48'.length;

const [asterisk, space, zero, nine] = [0x2a, 0x20, 0x30, 0x39] as const;

/** The digits of `*42 `; null if the text there is another. */
function connectionAt(line: string, at: number): string | null {
  if (line.charCodeAt(at) !== asterisk) return null;
  let end = at + 1;
  while (line.charCodeAt(end) >= zero && line.charCodeAt(end) <= nine) end += 1;
  const length = end - at - 1;
  return length > 0 && length <= 20 && line.charCodeAt(end) === space ? line.slice(at + 1, end) : null;
}

/** What nginx writes before the fields of the request. */
interface Saying extends Pick<NginxErrorLine, 'text' | 'action' | 'errno' | 'errnoText'> {
  readonly id: number | null;
  /** Whether only a product built on nginx writes such a message. */
  readonly isOfKin: boolean;
}

/** nginx has a few messages for its failures, and writes them again and again. */
const sayings = new LimitedMap<string, Saying>();
let sayingsSeen = 0;

function sayingOf(saying: string): Saying {
  return sayings.get(saying) ?? sayings.keep(saying, takeSayingApart(saying));
}

/** Longer messages are taken apart each time. */
const idCharactersMax = 500;

function takeSayingApart(saying: string): Saying {
  const [text, action] = takeAction(saying);
  const errnoParts = lastErrno(text);
  sayingsSeen += 1;
  return {
    id: saying.length > idCharactersMax ? null : sayingsSeen,
    isOfKin: ofKin.test(saying),
    text,
    action,
    errno: errnoParts === null ? null : Number(errnoParts[1]),
    errnoText: errnoParts === null ? null : errnoParts[0],
  };
}

function clientOf(context: string): string | null {
  if (context === '') return null;
  const start = ', client: '.length;
  const end = context.indexOf(',', start);
  const client = context.slice(start, end < 0 ? undefined : end);
  return client === '' ? null : client.slice(0, 100);
}

/** The server may be empty, and its blank lost with it; people also delete it. */
const fieldsStart = /^, client: [^,]{1,100}(?:, (?:server:(?: |,|$)|(?:request|upstream|host|bytes from)\b)|,?$)/;

/**
 * The position of the fields of the request after the message; negative without any. Text from an application may look like
 * fields, so the last match counts.
 */
function fieldsAt(whole: string): number {
  let at = whole.length;
  for (let tries = 0; tries < 16; tries++) {
    at = whole.lastIndexOf(', client: ', at - 1);
    if (at < 0) return -1;
    if (isUsualStart(whole, at) || fieldsStart.test(whole.slice(at, at + 140))) return at;
    if (at === 0) return -1;
  }
  return -1;
}

/** `, client: 192.0.2.7, server: ` */
function isUsualStart(whole: string, at: number): boolean {
  const start = at + ', client: '.length;
  const end = whole.indexOf(',', start);
  return end > start && end - start <= 100 && whole.startsWith(', server: ', end);
}

function takeAction(saying: string): readonly [string, string | null] {
  const at = saying.lastIndexOf(' while ');
  if (at < 0) return [saying, null];
  const action = saying.slice(at + 7).replace(/, (?:resolver|context|responder): .{0,200}$/, '');
  const known = stages[action] === undefined ? (knownAction.exec(action)?.[0] ?? wholeAction(action)) : undefined;
  if (known !== undefined) return [saying.slice(0, at), known];
  return action.length > 80 ? [saying, null] : [saying.slice(0, at), action];
}

const actions = Object.keys(stages);

/** The action that a pasted line breaks off in, if all that begin so have the same stage. */
function wholeAction(action: string): string | undefined {
  const begun = action.replace(/(?:…|\.{3}|\s)+$/, '');
  if (begun.length < 7) return undefined;
  const all = actions.filter((one) => one.startsWith(begun));
  return all.every((one) => stages[one] === stages[all[0] ?? '']) ? all[0] : undefined;
}

/** An action that other words follow. The longer ones come first. */
const knownAction = new RegExp(
  `^(?:${Object.keys(stages)
    .toSorted((a, b) => b.length - a.length)
    .join('|')})\\b(?! to)`,
);

function lastErrno(text: string): RegExpMatchArray | null {
  let found: RegExpMatchArray | null = null;
  for (const one of text.slice(-4096).matchAll(/\((\d{1,5}): [^()]{1,120}\)/g)) found = one;
  return found;
}

const marks = { request: ', request: "', upstream: ', upstream: "', requestId: ', request_id: "' };

function quoted(context: string, mark: string): string | null {
  const from = context.indexOf(mark);
  if (from < 0) return null;
  const start = from + mark.length;
  // A request may contain quotes: it ends at the next field, or at the end of the line.
  let end = context.indexOf('"', start);
  while (end >= 0 && end < context.length - 1 && !isNextField(context, end + 1)) end = context.indexOf('"', end + 1);
  return end < 0 ? context.slice(start, start + 2048) : context.slice(start, end);
}

const nextFields = ['upstream: "', 'host: "', 'referrer: "', 'request: "', 'subrequest: "', 'request_id: '];

function isNextField(context: string, at: number): boolean {
  if (context.charCodeAt(at) !== 0x2c || context.charCodeAt(at + 1) !== 0x20) return false;
  for (const field of nextFields) if (context.startsWith(field, at + 2)) return true;
  return context.startsWith('bytes from/to ', at + 2);
}

/** Recognises the product by text that only it writes: the files of its Lua code, and the names of its settings. */
function productOf(saying: string, context: string): NginxProduct {
  if (ofKong.test(saying) || /^, client: [^,]{1,100}, server: kong[,_]/.test(context)) return 'kong';
  if (/apisix|failed to pick server: |(?:load_balancer|parse_domain_for_nodes|fetch_health_nodes)\(\): /.test(saying))
    return 'apisix';
  if (/no peer was returned, balancer: |, balancer: .{1,120}, peer: |\/etc\/nginx\/lua\//.test(saying))
    return 'ingress-nginx';
  if (context.includes(', upstream: "http://upstream_balancer/')) return 'ingress-nginx';
  const isOfLua = /^\[lua\] |^lua |^stream \[lua\] |_by_lua/.test(saying) || saying.includes(', context: ngx.timer');
  return isOfLua ? 'openresty' : 'nginx';
}

/** One of these is in every message that only a product built on nginx writes. */
const ofKin = /lua|kong|balancer|apisix|health status|\(\): |failed to pick|context: ngx/;

function productOfFields(context: string): NginxProduct {
  if (context.includes(', server: kong') && /^, client: [^,]{1,100}, server: kong[,_]/.test(context)) return 'kong';
  return context.includes(', upstream: "http://upstream_balancer/') ? 'ingress-nginx' : 'nginx';
}

const ofKong =
  /\/kong\/|ring-balancer|failed to retry the dns\/balancer resolver|reported health status changed to|\[lua\] (?:healthchecks|targets|balancers|ring_balancer|round_robin|least_connections)\.lua|\bkong\b.{0,40}\.lua|(?:balancer_execute|execute)\(\): (?:DNS|dns)/;
