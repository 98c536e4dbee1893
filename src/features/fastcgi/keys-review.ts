/** What is wrong with FastCGI beside other settings. */
import type { EndpointProtocol } from '../../core/upstream-spec.ts';
import type { Findings } from '../../schema/findings.ts';
import type { Written } from '../feature-keys.ts';
import type { PhpRead } from './settings.ts';

/** Of an upstream or an application: what it says elsewhere and FastCGI depends on. */
export interface FastCgiUpstreamRead {
  readonly protocol?: EndpointProtocol | undefined;
  readonly http2?: boolean | undefined;
  readonly tls?: unknown;
  readonly check?: unknown;
  readonly connections?: { readonly max?: number | undefined; readonly reuse?: string | undefined } | undefined;
}

interface RouteRead {
  readonly php?: PhpRead | undefined;
  readonly files?: unknown;
}

export function reviewFastCgi(
  { routes, upstreams }: Written<RouteRead, FastCgiUpstreamRead, object>,
  findings: Findings,
): void {
  const protocols = new Map(upstreams.map(({ name, read }) => [name, read.protocol]));
  for (const { path, read, to } of routes) {
    if (read.php === undefined) continue;
    if (read.php.root === undefined)
      findings.errorAtKey(
        [...path, 'php'],
        '"php" names no folder',
        'add root: /srv/www, the folder with the programs',
      );
    reviewFolder([...path, 'php'], read, findings);
    for (const name of Object.keys(read.php.variables ?? {}))
      reviewVariable([...path, 'php', 'variables', name], name, findings);
    if (to !== null && protocols.get(to) !== 'fastcgi')
      findings.errorAtKey(
        [...path, 'php'],
        `"php" needs FastCGI, and "${to}" is asked over HTTP`,
        `add protocol: fastcgi to "${to}"`,
      );
  }
  for (const { path, read } of upstreams) {
    reviewHttp2(path, read, findings);
    if (read.protocol === 'fastcgi') reviewUpstream(path, read, findings);
  }
}

function reviewFolder(at: readonly (string | number)[], { php, files }: RouteRead, findings: Findings): void {
  const { root, remote, static: sends } = php ?? {};
  if (remote === true && root?.startsWith('/') === false)
    findings.errorAtValue(
      [...at, 'root'],
      `"${root}" does not begin at "/", and the folder is on another machine`,
      'write the path of the folder there, such as /var/www/html',
    );
  if (sends === undefined) return;
  if (files !== undefined) findings.warnAtKey([...at, 'static'], '"static" has no effect beside "files"', 'remove it');
  else if (sends && remote === true)
    findings.warnAtKey(
      [...at, 'static'],
      '"static" has no effect where the folder is "remote"',
      'name a folder with a copy of the files as "files", or remove "static"',
    );
}

/** Of these the gateway knows the value, by what it has checked. */
const ofRequest = new Set(
  'SCRIPT_FILENAME SCRIPT_NAME PATH_INFO PATH_TRANSLATED REQUEST_METHOD REQUEST_URI QUERY_STRING CONTENT_LENGTH'.split(
    ' ',
  ),
);

function reviewVariable(at: readonly (string | number)[], name: string, findings: Findings): void {
  if (!/^[A-Za-z_]\w*$/.test(name))
    findings.errorAtKey(at, `"${name}" is no name of a variable`, 'write letters, digits and "_", such as APP_ENV');
  else if (name === 'DOCUMENT_ROOT') findings.errorAtKey(at, 'DOCUMENT_ROOT is "root"', 'remove it');
  else if (ofRequest.has(name))
    findings.errorAtKey(at, `${name} says what the request is, and the gateway makes it`, 'remove it');
}

function reviewHttp2(
  path: readonly (string | number)[],
  { protocol, http2 }: FastCgiUpstreamRead,
  findings: Findings,
): void {
  if (protocol === undefined || http2 === undefined || http2 === (protocol === 'http2')) return;
  findings.errorAtKey(
    [...path, 'http2'],
    `"protocol: ${protocol}" and "http2: ${http2}" contradict each other`,
    'remove "http2"',
  );
}

function reviewUpstream(
  path: readonly (string | number)[],
  { tls, check, connections }: FastCgiUpstreamRead,
  findings: Findings,
): void {
  if (tls !== undefined && tls !== false)
    findings.errorAtKey(
      [...path, 'tls'],
      'FastCGI is not spoken within TLS',
      'remove "tls"; a tunnel such as stunnel or WireGuard protects the way to another machine',
    );
  if (asksHttp(check))
    findings.errorAtKey(
      [...path, 'check'],
      'a FastCGI server answers no check over HTTP',
      'write check: tcp, or remove it',
    );
  const { max, reuse } = connections ?? {};
  if (reuse !== undefined && reuse !== 'never' && max === undefined)
    findings.errorAtValue(
      [...path, 'connections', 'reuse'],
      'a connection that is kept holds a child of php-fpm, also while it is idle',
      'add "max" to "connections", less than pm.max_children of php-fpm, or remove "reuse"',
    );
}

function asksHttp(check: unknown): boolean {
  if (typeof check === 'object' && check !== null) return 'path' in check || 'grpc' in check;
  return typeof check === 'string' && check !== 'tcp' && check !== 'none';
}
