import { parseIp } from '../policy/ip-address.ts';
import { isAuthority } from '../wire/host.ts';
import type { RouteQuestion } from './explain-route.ts';

/** A request as people write it. */
export interface WrittenRequest {
  readonly method: string;
  readonly url: string;
  /** `Name: value` */
  readonly headers: readonly string[];
  /** The address of the client, and the name of a listener; null: not known. */
  readonly client?: string | null;
  readonly listener?: string | null;
}

type ReadRouteQuestion =
  | { readonly ok: true; readonly value: RouteQuestion }
  /** What is wrong, one sentence. */
  | { readonly ok: false; readonly problem: string };

/** The path stays as it is written: a URL parser would resolve what the router has to. */
export function readRouteQuestion(written: WrittenRequest): ReadRouteQuestion {
  const { method, url, headers: lines, client: address, listener } = written;
  const parts = /^(https?):\/\/([^/?#@\s]+)([^#\s]*)(?:#\S*)?$/i.exec(url);
  if (parts === null) return { ok: false, problem: 'url is http://host/path or https://host/path.' };
  const [, scheme = '', authority = '', rest = ''] = parts;
  const host = Buffer.from(authority);
  if (!isAuthority(host, 0, host.length))
    return { ok: false, problem: `The host of url is a name or an address, with or without a port, not ${authority}.` };
  if (!/^[\w!#$%&'*+.^`|~-]{1,32}$/.test(method))
    return { ok: false, problem: 'method is a method of HTTP, such as GET.' };
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) return { ok: false, problem: 'header is a name, a colon and a value, such as X-Beta: 1.' };
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  if (address != null && parseIp(address) === null)
    return { ok: false, problem: `client is the address of a client, such as 192.0.2.1, not ${address}.` };
  const client = {
    ...{ address: address ?? '', listener: listener ?? '' },
    scheme: scheme.toLowerCase() === 'https' ? ('https' as const) : ('http' as const),
  };
  const target = rest.startsWith('/') ? rest : `/${rest}`;
  return { ok: true, value: { method, authority: authority.toLowerCase(), target, headers, client } };
}
