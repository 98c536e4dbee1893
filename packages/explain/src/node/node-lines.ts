import { meaningOf } from '../../../failures/src/errno-meaning.ts';
import { isAboutDataStore } from '../pasted/other-fragments.ts';

/** The facts of one line of a Node proxy. */
export type NodeLine =
  | {
      readonly kind: 'failed';
      readonly format: string;
      readonly request: string | null;
      readonly target: string | null;
      readonly why: Why | null;
      readonly isClients: boolean;
    }
  | { readonly kind: 'why'; readonly why: Why }
  | { readonly kind: 'passed'; readonly request: string; readonly target: string; readonly status: number | null }
  /** Meaningless unless a line before it named a failure. */
  | { readonly kind: 'detail'; readonly why: Why }
  /** A server written in Node tells that the client of one of its requests has left. */
  | { readonly kind: 'client_left'; readonly why: Why }
  | { readonly kind: 'other' };

/** An error of Node: its code, and its message. */
export interface Why {
  /** "ECONNREFUSED"; null if there is only a message. */
  readonly code: string | null;
  readonly words: string;
}

const middleware = 'http-proxy-middleware log';
const vite = 'Vite proxy log';
const next = 'Next.js proxy log';
const reactApp = 'Create React App proxy log';

const colours = /\u001b\[[0-9;]{0,20}m/g;

/** Node proxies write no longer lines; the rest is ignored. */
const lineCharactersMax = 8192;

/** Null for a line that no Node proxy writes. */
export function parseNodeLine(line: string): NodeLine | null {
  const cut = line.slice(0, lineCharactersMax).trimEnd();
  const text = cut.includes('\u001b') ? cut.replace(colours, '') : cut;
  return parseMiddleware(text) ?? parseVite(text) ?? parseReactApp(text) ?? parseNext(text) ?? parseRaw(text);
}

const newForm = /^Error occurred while proxying request (\S{1,4000}) to (\S{1,500}) \[([^\]]{1,300})\]/;
const oldForm =
  /^Error occurr?ed while trying to proxy request (\S{1,4000}) from (\S{1,300}) to (\S{1,500})(?: \(([^)]{1,300})\))?/;
/** Its first versions, and custom `onError` handlers. */
const firstForm = /^P(?:ROXY ERROR|roxy [Ee]rror): (.{0,2000})$/;
const passedForm = /^([A-Z]{3,10}) (\S{1,4000}) [-=~≈]> (\S{1,4000})(?: \[(\d{3})\])?$/;

function parseMiddleware(text: string): NodeLine | null {
  const tag = text.slice(0, 200).indexOf('[HPM] ');
  if (tag < 0) return null;
  const said = text.slice(tag + '[HPM] '.length);
  const [newer, address, to, newerWhy] = newForm.exec(said) ?? [];
  if (newer !== undefined) return failed(middleware, pathOf(address), to === 'undefined' ? null : to, whyOf(newerWhy));
  const [older, path, , target, olderWhy] = oldForm.exec(said) ?? [];
  if (older !== undefined) return failed(middleware, path, target, whyOf(olderWhy));
  const [first, words = ''] = firstForm.exec(said) ?? [];
  if (first !== undefined) {
    const [, target] = /-> "?([^\s"]{1,1000})/.exec(words) ?? [];
    return failed(middleware, undefined, target, whyOf(/^([A-Z_]{3,60})\b/.exec(words)?.[1]) ?? whyIn(words));
  }
  const [passed, method, requested, proxied, status] = passedForm.exec(said) ?? [];
  if (passed === undefined) return { kind: 'other' };
  return {
    kind: 'passed',
    request: `${method} ${requested}`.slice(0, 200),
    target: proxied as string,
    status: status === undefined ? null : Number(status),
  };
}

/** "localhost:3000/api/users" without its host. */
function pathOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const slash = address.indexOf('/');
  return slash < 0 ? '/' : address.slice(slash);
}

const viteForm = /\b(http|ws) proxy (socket )?error(?: at (\S{1,4000}?))?:(?:\s+(.*))?$/;

function parseVite(text: string): NodeLine | null {
  if (!text.includes(' proxy ') || text.startsWith('    at ')) return null;
  const match = viteForm.exec(text.slice(0, 5000));
  if (match === null) return null;
  const [, , socket, at, rest = ''] = match;
  const path = at ?? (rest.startsWith('/') ? rest.split(' ', 1)[0] : undefined);
  const line = failed(vite, path, null, whyIn(rest));
  // The socket of this event is the browser's.
  return socket === undefined || line.kind !== 'failed' ? line : { ...line, isClients: true };
}

const reactAppForm =
  /Proxy error: Could not proxy request (\S{1,4000}) from (\S{1,300}) to (\S{1,500}?)\.?(?: \((\w{1,60})\)\.?)?$/;
const reactAppSecond = /^See https:\/\/nodejs\.org\/api\/errors\.html\S{0,80} for more information \((\w{1,60})\)\.?$/;

function parseReactApp(text: string): NodeLine | null {
  const [, second] = reactAppSecond.exec(text) ?? [];
  if (second !== undefined) return { kind: 'why', why: whyOf(second) ?? { code: null, words: second } };
  if (!text.slice(0, 200).includes('Proxy error: Could not')) return null;
  const [found, path, , target, code] = reactAppForm.exec(text) ?? [];
  return found === undefined ? null : failed(reactApp, path, target, whyOf(code));
}

const nextForm = /^(?:\W{1,3} )?Failed to proxy (https?:\/\/[^/\s]{1,300})(\/\S{0,4000})? (.*)$/;
const detailForm = /^\s{1,8}(?:\[?code\]?): '([A-Z0-9_]{3,60})',?$/;

/** Rewrites of Next.js: the code is in the message, or alone in one of the next lines. */
function parseNext(text: string): NodeLine | null {
  const [, code] = detailForm.exec(text) ?? [];
  if (code !== undefined) return { kind: 'detail', why: { code, words: '' } };
  const [found, origin, path, words = ''] = nextForm.exec(text) ?? [];
  return found === undefined ? null : failed(next, path ?? '/', origin, whyIn(words) ?? whyOf(words));
}

/** "Error: connect ECONNREFUSED 127.0.0.1:3000": an `error` event of http-proxy, as Node prints it. */
const rawForm =
  /^(?:\s{1,8}\[cause\]: )?(?:\[[^\]]{1,60}\] )?(?:(?:Uncaught|Unhandled) )?(?:[Pp]roxy error:? )?(?:http-proxy error:? )?([A-Z][A-Za-z]{0,30})?Error(?: \[([A-Z][A-Z0-9_]{3,60})\])?:(.*)$/;
const objectForm =
  /^\{? ?(?:errno: -?\d{1,5}|code: '[A-Z0-9_]{3,60}').{0,200}\bcode: '[A-Z0-9_]{3,60}'|^\{? ?code: '[A-Z0-9_]{3,60}', (?:errno|syscall)/;

function parseRaw(text: string): NodeLine | null {
  const [raw, name, code, words = ''] = rawForm.exec(text.slice(0, 2000)) ?? [];
  if (raw === undefined) {
    if (!objectForm.test(text.slice(0, 2000))) return null;
    const why = whyIn(text);
    return why === null || !isOfConnection(why) ? null : { kind: 'why', why };
  }
  if (isAboutDataStore(text.slice(0, 500))) return null;
  // `Error: aborted` has the code ECONNRESET at both sides; this function of Node's is that of its server.
  if (words.includes('abortIncoming (node:_http_server'))
    return { kind: 'client_left', why: { code: 'ECONNRESET', words: 'aborted' } };
  const why = code === undefined ? whyIn(`${name ?? ''}Error:${words}`) : { code, words: words.trim() };
  return why === null || !isOfConnection(why) ? null : { kind: 'why', why };
}

const codesOfConnections =
  /^(?:HPE_|UND_ERR_(?:CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT|HEADERS_OVERFLOW|SOCKET)$|ERR_SSL_|ERR_TLS_|CERT_|SELF_SIGNED|DEPTH_ZERO_SELF|UNABLE_TO_|ENOTFOUND$|EAI_AGAIN$|ESOCKETTIMEDOUT$)/;

/** Every kind of error has a code. A program that prints an error of its own has not failed as a proxy. */
function isOfConnection({ code, words }: Why): boolean {
  if (code === null || words.startsWith('query') || codesOfConnections.test(code)) return true;
  const meaning = meaningOf(code);
  return meaning !== null && meaning !== 'misuse';
}

function failed(
  format: string,
  path: string | undefined,
  target: string | null | undefined,
  why: Why | null,
): NodeLine {
  return {
    kind: 'failed',
    format,
    request: path?.slice(0, 200) ?? null,
    target: target ?? null,
    why,
    isClients: false,
  };
}

const codeForm = /\b(E[A-Z0-9_]{3,40}|HPE_[A-Z_]{3,40}|[A-Z]{3,30}(?:_[A-Z]{2,30}){1,6})\b/;

/** The verdict on a code alone. A middleware writes "undefined" for an error without a code. */
function whyOf(text: string | undefined): Why | null {
  if (text === undefined || text === 'undefined') return null;
  return /^[A-Z][A-Z0-9_]{3,60}$/.test(text) ? { code: text, words: '' } : whyIn(text);
}

const spoken =
  /socket hang up|(?:Headers|Body|Connect) Timeout Error|Headers Overflow Error|(?<=SocketError: )other side closed|Parse Error: ?[\w '"/,.-]{0,80}|(?:connect|read|write|getaddrinfo|query[A-Z]\w{0,10}) E[A-Z_]{3,20}[^,}]{0,200}|self[- ]signed certificate|unable to verify the first certificate|certificate has expired|Hostname\/IP does not match certificate's altnames|Client network socket disconnected before secure TLS connection was established/;

/** The verdict on a message of Node's, with the code in it; null if the message is not about a connection. */
function whyIn(text: string): Why | null {
  const [, quoted] = /\bcode: '([A-Z0-9_]{3,60})'/.exec(text) ?? [];
  const [words] = spoken.exec(text) ?? [];
  if (words === undefined) return quoted === undefined ? null : { code: quoted, words: syscallIn(text) };
  const [, code] = codeForm.exec(words) ?? [];
  return { code: quoted ?? code ?? null, words: words.trim() };
}

/** "connect", from "syscall: 'connect', address: '127.0.0.1', port: 3000". */
function syscallIn(text: string): string {
  const [, syscall] = /\bsyscall: '(\w{1,20})'/.exec(text) ?? [];
  const [, address] = /\baddress: '([^']{1,100})'/.exec(text) ?? [];
  const [, port] = /\bport: (\d{1,5})/.exec(text) ?? [];
  const target = address === undefined ? '' : ` ${address}${port === undefined ? '' : `:${port}`}`;
  return `${syscall ?? ''}${target}`.trim();
}

/** Every Node program prints such errors. They are certain only after a line that names the proxy. */
export function recogniseNodeLine(line: string): 0 | 1 | 2 {
  const parsed = parseNodeLine(line);
  if (parsed === null) return 0;
  if (parsed.kind === 'detail') return 1;
  return parsed.kind === 'why' && !line.startsWith('See https://nodejs.org/') ? 1 : 2;
}
