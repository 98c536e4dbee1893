import type { CgiFacts } from '../../core/cgi.ts';
import type { OutgoingRequest } from '../../core/message.ts';
import { portOf } from '../../wire/forwarded.ts';
import type { FastCgiParams } from '../../wire/fastcgi-writer.ts';
import { HeaderVariables } from './header-variables.ts';

/** One for all requests of a thread: it is filled and written within a call. */
const headers = new HeaderVariables();

/**
 * Adds what an application is told of a request (RFC 3875 §4.1), under the names of nginx's `fastcgi_params`. Names of headers that have another
 * mark than "-" are left out: "_" would make one variable of two headers.
 */
export function addVariables(sink: FastCgiParams, request: OutgoingRequest): void {
  const { target, framing, method, authority } = request;
  const mark = target.indexOf('?');
  sink.add('GATEWAY_INTERFACE', 'CGI/1.1');
  sink.add('SERVER_SOFTWARE', 'candor');
  sink.add('REQUEST_METHOD', method);
  sink.add('QUERY_STRING', mark < 0 ? '' : target.slice(mark + 1));
  if (framing.kind === 'length') sink.add('CONTENT_LENGTH', String(framing.bytes));
  const facts = request.cgi?.() ?? null;
  addPath(sink, facts, decoded(mark < 0 ? target : target.slice(0, mark)));
  sink.add('REQUEST_URI', facts?.target ?? target);
  if (facts !== null) addConnection(sink, facts, authority);
  // PHP that was built to be started by a web server alone refuses a request without it (cgi.force_redirect).
  sink.add('REDIRECT_STATUS', '200');
  if (authority !== '') sink.add('HTTP_HOST', authority);
  headers.clear();
  request.writeHeaders(headers);
  headers.writeTo(sink);
  // Of several values of a name programs get the last.
  for (const [name, value] of Object.entries(facts?.script?.variables ?? {})) sink.add(name, value);
}

/** `path`: decoded. */
function addPath(sink: FastCgiParams, facts: CgiFacts | null, path: string): void {
  const script = facts?.script ?? null;
  const prefix = facts?.prefixRemoved ?? '';
  const name = script === null ? prefix : prefix + script.name;
  const pathInfo = script === null ? path : script.pathInfo;
  sink.add('SCRIPT_NAME', name);
  sink.add('PATH_INFO', pathInfo);
  sink.add('DOCUMENT_URI', name + pathInfo);
  if (script === null) return;
  sink.add('DOCUMENT_ROOT', script.root);
  sink.add('SCRIPT_FILENAME', script.root + script.name);
  if (pathInfo !== '') sink.add('PATH_TRANSLATED', script.root + pathInfo);
}

function addConnection(sink: FastCgiParams, { client, version }: CgiFacts, authority: string): void {
  const { address, port, scheme, connection } = client;
  sink.add('SERVER_PROTOCOL', version === 'HTTP/2' ? 'HTTP/2.0' : version);
  sink.add('REQUEST_SCHEME', scheme);
  if (scheme === 'https') sink.add('HTTPS', 'on');
  sink.add('REMOTE_ADDR', address);
  sink.add('REMOTE_PORT', String(port));
  sink.add('SERVER_ADDR', connection.localAddress);
  sink.add('SERVER_PORT', portOf(authority, scheme));
  sink.add('SERVER_NAME', authority.replace(/:\d*$/, ''));
}

/** A path as bytes, each a character. An escape that is none stays as it is. */
export function decoded(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(/%([\dA-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
