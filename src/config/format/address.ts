import { isIP, isIPv6, SocketAddress } from 'node:net';
import { dirname } from 'node:path';
import { type EndpointAddress, hostPort } from '../../core/endpoint.ts';
import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { reject, quoted } from '../../schema/error-detail.ts';
import { normalHost } from '../../schema/format/host-name.ts';

/** `sun_path` of `sockaddr_un` has 108 bytes on Linux, the last of which ends it. */
const unixPathBytesMax = 107;

/** Where `:8080` listens. Not `::`, which fails where IPv6 is switched off, as in many containers. */
const allAddresses = '0.0.0.0';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** An endpoint as it was written, with what its scheme said of TLS; null where it had none. */
export interface WrittenEndpoint {
  readonly address: EndpointAddress;
  readonly scheme: 'http' | 'https' | null;
}

/** `8080`, `:8080`, `localhost:8080`, `0.0.0.0:80`, `[::]:443`. Port 0 lets the system choose. */
export function parseListenAddress(text: string): Result<HostPort, ErrorDetail> {
  const scheme = /^(https?):\/\/([^/]*)\/?$/.exec(text);
  if (scheme !== null) return reject('a listener has an address, no scheme', `write ${quoted(scheme[2])}`);
  if (/^(?:unix:|\/|\.\/)/.test(text))
    return reject('listeners on unix sockets are not offered', 'write a host and a port, such as localhost:8080');
  if (/^\d+$/.test(text)) return withPort(allAddresses, text);
  if (text.startsWith(':') && !isIPv6(text)) return withPort(allAddresses, text.slice(1));
  if (text.startsWith('*:')) return withPort(allAddresses, text.slice(2));
  return parseHostPort(text, null);
}

/** `127.0.0.1:3000`, `app.internal:3000`, `[::1]:3000`, `unix:/run/app.sock`, and URLs without a path. */
export function parseEndpoint(text: string): Result<WrittenEndpoint, ErrorDetail> {
  const service = /^(?:srv:|dns\+srv:|srv\+)|^_[\w-]+\._(?:tcp|udp)\./i.test(text);
  if (service)
    return reject(
      'SRV records are not looked up',
      'write the name of a machine and a port, such as app.internal:3000; every address of the name is an endpoint',
    );
  if (text.startsWith('unix:')) return parseUnixEndpoint(text.slice('unix:'.length).replace(/^\/\/(?=\/)/, ''));
  if (/^:?\d+$/.test(text)) return { ok: false, failure: barePortError(text.replace(':', '')) };
  if (text.startsWith('/') || text.startsWith('./'))
    return reject(`${quoted(text)} has no host and port`, `write ${quoted(`unix:${text}`)} for a unix socket`);
  const url = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text);
  if (url === null) return endpointOf(parseHostPort(text, null), null);
  const scheme = url[1]!.toLowerCase();
  const rest = url[2]!.replace(/\/$/, '');
  if (scheme === 'fastcgi' || scheme === 'fcgi')
    return reject(
      'an endpoint does not name FastCGI by its scheme',
      `write ${quoted(rest)}, and "protocol: fastcgi" beside "endpoints"`,
    );
  if (scheme !== 'http' && scheme !== 'https') {
    return reject(
      `${quoted(`${scheme}://`)} is not a scheme that endpoints speak`,
      'write http://, https:// or no scheme',
    );
  }
  const path = /^([^/?#]*)([/?#].*)$/.exec(rest);
  if (path !== null) {
    return reject(
      'an endpoint is an address and has no path',
      `write ${quoted(`${scheme}://${path[1]}`)}, and the path as "rewrite: { path: … }" in the route`,
    );
  }
  if (rest.includes('@'))
    return reject(
      'an endpoint has no user name or password',
      'set the Authorization header in the route: request_headers: { set: … }',
    );
  return endpointOf(parseHostPort(rest, scheme === 'https' ? 443 : 80), scheme);
}

/** What to say of an endpoint that is a port and nothing else. */
export function barePortError(port: string | number): ErrorDetail {
  return { message: 'a port alone is no endpoint', suggestion: `write "127.0.0.1:${port}" if it is on this machine` };
}

/** `10.0.0.2`, `127.0.0.1:5353`, `[fd00::53]:53`, into address and port. A name would have to be looked up itself. */
export function parseNameServer(text: string): Result<string, ErrorDetail> {
  const parsed = parseHostPort(isIPv6(text) ? `[${text}]` : text, 53);
  if (!parsed.ok) return parsed;
  const { host, port } = parsed.value;
  if (isIP(host) === 0) return reject('a name server is an address', 'write an address such as 10.0.0.2');
  if (port === 0) return reject('port 0 is not a port to connect to', 'write a port from 1 to 65535, or none for 53');
  return succeed(hostPort(host, port));
}

function endpointOf(
  parsed: Result<HostPort, ErrorDetail>,
  scheme: WrittenEndpoint['scheme'],
): Result<WrittenEndpoint, ErrorDetail> {
  if (!parsed.ok) return parsed;
  const { host, port } = parsed.value;
  if (port === 0) return reject('port 0 is not a port to connect to', 'write a port from 1 to 65535');
  return succeed({ address: { kind: 'tcp', host, port }, scheme });
}

function parseUnixEndpoint(path: string): Result<WrittenEndpoint, ErrorDetail> {
  if (path === '')
    return reject('the path of the unix socket is missing', 'write it after the colon, such as unix:/run/app.sock');
  return succeed({ address: { kind: 'unix', path }, scheme: null });
}

function parseHostPort(text: string, defaultPort: number | null): Result<HostPort, ErrorDetail> {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) {
    if (!isIPv6(bracketed[1]!)) return reject(`${quoted(bracketed[1])} in brackets is not an IPv6 address`);
    return withPort(normalIpv6(bracketed[1]!), bracketed[2] ?? portText(defaultPort));
  }
  if (isIPv6(text))
    return reject('an IPv6 address needs brackets to keep it apart from its port', `write "[${text}]:8080"`);
  const colon = text.lastIndexOf(':');
  const written = colon === -1 ? text : text.slice(0, colon);
  if (written === '') return reject(`${quoted(text)} has no host`, `write ${quoted(`localhost${text}`)}`);
  const host = normalHost(written);
  if (host === null) return reject(`${quoted(written)} is not a host name or an address`);
  return withPort(host, colon === -1 ? portText(defaultPort) : text.slice(colon + 1));
}

function portText(port: number | null): string | null {
  return port === null ? null : String(port);
}

function withPort(host: string, port: string | null): Result<HostPort, ErrorDetail> {
  const authority = isIPv6(host) ? `[${host}]` : host;
  if (port === null || port === '')
    return reject(
      `${quoted(authority)} has no port`,
      `write ${quoted(`${authority}:8080`)}, with the port that is meant`,
    );
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    return reject(`${quoted(port)} is not a port`, 'write a number from 1 to 65535');
  return succeed({ host, port: Number(port) });
}

/** As the system writes it, since `::1` and `0:0:0:0:0:0:0:1` are one address (RFC 5952). */
export function normalIpv6(text: string): string {
  if (text.includes('%')) return text.toLowerCase();
  return new SocketAddress({ address: text, family: 'ipv6' }).address;
}

/** An objection where the path of an endpoint's unix socket is too long for the system, else null. */
export function socketPathError(path: string): ErrorDetail | null {
  return lengthError(Buffer.byteLength(path), 'give the socket a shorter one, such as /run/app.sock');
}

/**
 * The same for a socket that we make: it is made in a folder of its own beside its place, so that nobody can
 * connect before its mode is right, and the path of that must fit too.
 */
export function ownSocketPathError(path: string): ErrorDetail | null {
  const temporary = Buffer.byteLength(dirname(path)) + '/.xxxxxx/s'.length;
  return lengthError(Math.max(Buffer.byteLength(path), temporary), 'write a shorter one, such as /run/candor.sock');
}

function lengthError(bytes: number, suggestion: string): ErrorDetail | null {
  if (bytes <= unixPathBytesMax) return null;
  return { message: `the socket needs a path of ${bytes} bytes; the system allows ${unixPathBytesMax}`, suggestion };
}
