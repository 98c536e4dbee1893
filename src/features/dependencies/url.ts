/** What a URL of a dependency says. */
import { type EndpointAddress, hostPort } from '../../core/endpoint.ts';
import { type Result, failWith, succeed } from '#failures/result.ts';
import { dependencyKinds, type DependencyKind, type DependencyTarget } from './settings.ts';

interface Scheme {
  readonly kind: DependencyKind;
  /** Null: the URL names it. */
  readonly port: number | null;
  readonly tls?: true;
}

const schemes: Readonly<Record<string, Scheme>> = {
  postgres: { kind: 'postgres', port: 5432 },
  postgresql: { kind: 'postgres', port: 5432 },
  mysql: { kind: 'mysql', port: 3306 },
  mariadb: { kind: 'mysql', port: 3306 },
  redis: { kind: 'redis', port: 6379 },
  rediss: { kind: 'redis', port: 6379, tls: true },
  http: { kind: 'http', port: 80 },
  https: { kind: 'http', port: 443, tls: true },
  tcp: { kind: 'tcp', port: null },
  unix: { kind: 'tcp', port: null },
};

const schemeNames: readonly string[] = Object.keys(schemes);

/** Why the text is no such URL: a sentence that names nothing of it, since it may have a password, and what to write. */
interface UrlFault {
  readonly message: string;
  readonly suggestion: string;
}

const example = 'write a URL such as postgres://db.internal/shop';

export function dependencyOf(written: string): Result<DependencyTarget, UrlFault> {
  const [, schemeName = '', authority = '', rest = ''] = /^([a-z]+):\/\/([^/?#]*)([^#]*)$/.exec(written) ?? [];
  const scheme = schemes[schemeName];
  if (schemeName === '') return failWith({ message: 'this is no URL', suggestion: example });
  if (scheme === undefined)
    return failWith({
      message: `no check is known for the scheme ${schemeName.slice(0, 20)}`,
      suggestion: `use one of ${schemeNames.join(', ')}; tcp only connects`,
    });
  // Otherwise a part of the password would be taken for the host, and shown.
  if (scheme.kind !== 'http' && rest.includes('@'))
    return failWith({
      message: 'there is an @ behind the host',
      suggestion: 'write %2F for a / in a password, %3F for a ?, and %40 for an @ in a name',
    });
  const at = authority.lastIndexOf('@');
  const [user = '', ...words] = at === -1 ? [] : authority.slice(0, at).split(':');
  const [path = '', query = ''] = splitOnce(rest, '?');
  const options = new URLSearchParams(query);
  const address = addressIn(scheme, schemeName, authority.slice(at + 1), path, options);
  if (!address.ok) return address;
  const texts = [user, words.join(':'), schemeName === 'unix' ? '' : path.replace(/^\//, '')].map(decoded);
  if (texts.includes(null))
    return failWith({ message: 'a % has no two hexadecimal digits behind it', suggestion: 'write %25 for a %' });
  if (!dependencyKinds[scheme.kind].hasLogin && at !== -1)
    return failWith({
      message: 'a check over HTTP or of a connection sends no user and no password',
      suggestion: 'write the URL without what stands before the @',
    });
  const [decodedUser = '', password = '', database = ''] = texts as string[];
  const isHttp = scheme.kind === 'http';
  const shownDatabase = isHttp || database === '' || scheme.kind === 'redis' ? '' : `/${database}`;
  const host = address.value.kind === 'tcp' ? hostOf(address.value, scheme.port) : 'localhost';
  return succeed({
    kind: scheme.kind,
    address: address.value,
    shown:
      address.value.kind === 'unix'
        ? `${schemeName}:${address.value.path}${shownDatabase}`
        : `${schemeName}://${hostPort(address.value.host, address.value.port)}${shownDatabase}`,
    tls: scheme.tls === true || (scheme.kind === 'postgres' && tlsModes.has(options.get('sslmode') ?? '')),
    path: isHttp ? `${path === '' ? '/' : path}${query === '' ? '' : `?${query}`}` : '',
    host,
    user: decodedUser,
    database: isHttp || scheme.kind === 'redis' ? '' : database,
    password: words.length === 0 ? null : password,
  });
}

const tlsModes: ReadonlySet<string> = new Set(['require', 'verify-ca', 'verify-full']);

/** `host=/folder` (libpq), `socket=/path`, a host in which `/` is written as %2F, or unix:///path. */
function addressIn(
  { kind, port: usual }: Scheme,
  schemeName: string,
  authority: string,
  path: string,
  options: URLSearchParams,
): Result<EndpointAddress, UrlFault> {
  const [, bracketed, plain = '', portText] =
    /^(?:\[([\da-fA-F:.]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const port = portText === undefined ? Number(options.get('port') ?? usual ?? 0) : Number(portText);
  const host = bracketed ?? decoded(plain) ?? '';
  if (schemeName === 'unix')
    return path === ''
      ? failWith({ message: 'the path of the socket is missing', suggestion: 'write unix:///run/service.sock' })
      : succeed({ kind: 'unix', path });
  const socket =
    options.get('socket') ??
    (options.get('host')?.startsWith('/') ? options.get('host') : null) ??
    (host.startsWith('/') ? host : null);
  if (socket !== null)
    return succeed({
      kind: 'unix',
      path: kind === 'postgres' && !/\.s\.PGSQL\.\d+$/.test(socket) ? `${socket}/.s.PGSQL.${port}` : socket,
    });
  if (bracketed === undefined && !/^[\w.-]+$/.test(host))
    return failWith({ message: 'the URL has no host', suggestion: example });
  if (!(port >= 1 && port <= 65_535))
    return failWith({
      message: usual === null ? 'the URL has no port' : 'this is no port',
      suggestion: 'write a port from 1 to 65535 behind the host',
    });
  return succeed({ kind: 'tcp', host, port });
}

function hostOf({ host, port }: Extract<EndpointAddress, { kind: 'tcp' }>, usual: number | null): string {
  return port === usual ? (host.includes(':') ? `[${host}]` : host) : hostPort(host, port);
}

function splitOnce(text: string, at: string): readonly string[] {
  const found = text.indexOf(at);
  return found === -1 ? [text] : [text.slice(0, found), text.slice(found + 1)];
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
