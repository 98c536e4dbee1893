import type { Finding } from './finding.ts';
import { InternedTexts } from './own-text.ts';
import { unwrap } from './wrappers/unwrap.ts';

/** Who a line says took part in the request; null for what it does not name. */
export interface LineParties {
  /** The client's address without its port. */
  readonly client: string | null;
  /** The host that the client asked for. */
  readonly host: string | null;
  /** The path of the request, without its query. */
  readonly path: string | null;
}

/** Later text belongs to referrers, user agents and messages. */
const searchedCharactersMax = 8192;

/** How lines name the client: the first form that matches counts. */
const clientForms: readonly (readonly [needs: string, form: RegExp])[] = [
  [', client: ', /, client: ([\da-f.:]{3,45})(?:,|$)/i],
  ['[client ', /\[client ([^\]\s]{3,60})\]/],
  [
    '"',
    /"(?:remote_addr|remote_ip|client_ip|clientip|ClientHost|downstream_remote_address|remote)"\s?:\s?"([^"]{3,60})"/,
  ],
  ['"ClientAddr"', /"ClientAddr"\s?:\s?"([^"]{3,60})"/],
  ['', /^(?:\S{1,255} )?([\da-f]{0,4}(?:[.:][\da-f]{0,4}){2,8}) \S{1,64} (?:\S{1,64} )?\[\d/i],
  [': ', /\]: ([\da-f.:]{3,60}) \[\d\d\//i],
  ['', /^([\da-f]{0,4}(?:[.:][\da-f]{0,4}){2,8}) [[-]/i],
];

const hostForms: readonly (readonly [needs: string, form: RegExp])[] = [
  [', host: ', /, host: \\?"([^"\\]{1,255})\\?"/],
  ['"', /"(?:host|http_host|RequestHost|authority|request_authority|vhost)"\s?:\s?"([^"]{1,255})"/],
  ['', /^([a-z\d][a-z\d.-]{0,253}\.[a-z]{2,20}(?::\d{1,5})?) [\da-f.:]{3,45} /i],
];

/** Read from the text of a line with a failure. */
export function partiesOf({ request }: Pick<Finding, 'request'>, line: string): LineParties {
  const text = line.length > searchedCharactersMax ? line.slice(0, searchedCharactersMax) : line;
  const [client, named] = clientOf(text);
  return {
    client: own(client === null ? null : withoutPort(client)),
    host: own(firstOf(hostForms, named)),
    path: own(pathOf(request)),
  };
}

/** The client, and the text that names it: the line, or one that another tool has put into it. */
function clientOf(text: string): readonly [client: string | null, named: string] {
  const client = firstOf(clientForms, text);
  if (client !== null) return [client, text];
  for (const { line } of unwrap(text)) {
    const inner = firstOf(clientForms, line);
    if (inner !== null) return [inner, line];
  }
  return [null, text];
}

const texts = new InternedTexts(4096);

function own(text: string | null): string | null {
  return text === null ? null : texts.of(text);
}

function firstOf(forms: readonly (readonly [string, RegExp])[], text: string): string | null {
  for (const [needs, form] of forms) {
    if (needs !== '' && !text.includes(needs)) continue;
    const found = form.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  return null;
}

/** `192.0.2.7:51234`, `[2001:db8::1]:443`. */
export function withoutPort(address: string): string {
  if (!address.includes(':')) return address;
  const bracketed = /^\[([^\]]{2,45})\]/.exec(address)?.[1];
  return bracketed ?? (/^[\d.]{7,15}:\d{1,5}$/.test(address) ? address.slice(0, address.indexOf(':')) : address);
}

/** The path of a request, without its query. */
export function pathOf(request: string | null): string | null {
  if (request === null) return null;
  const target = request.slice(request.indexOf(' ') + 1);
  const local = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]{1,255}/, '');
  const end = local.search(/[?#]/);
  const path = end < 0 ? local : local.slice(0, end);
  return path.startsWith('/') ? path : null;
}
