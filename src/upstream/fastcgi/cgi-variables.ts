import type { CgiFacts } from '../../core/cgi.ts';
import type { OutgoingRequest } from '../../core/message.ts';
import { portOf } from '../../wire/forwarded.ts';
import { FastCgiParams } from '../../wire/fastcgi-writer.ts';
import { plainPath } from '../../wire/plain-path.ts';
import { HeaderVariables } from './header-variables.ts';

/**
 * The variables of requests, in one buffer of a thread: they are composed and written within a call. What is mostly the same for one request after the
 * other is encoded again only where it has changed.
 */
export class CgiVariables extends FastCgiParams {
  readonly #headers = new HeaderVariables(this);
  readonly #ofServer = new KeptParams();
  readonly #ofPath = new KeptParams();
  readonly #ofRoute = new KeptParams();

  /**
   * What an application is told of a request (RFC 3875 §4.1), under the names of nginx's `fastcgi_params`. Names of headers that have another
   * mark than "-" are left out: "_" would make one variable of two headers.
   */
  compose(request: OutgoingRequest): void {
    this.clear();
    const { target, framing, method, authority } = request;
    const mark = target.indexOf('?');
    this.add('REQUEST_METHOD', method);
    this.add('QUERY_STRING', mark < 0 ? '' : target.slice(mark + 1));
    if (framing.kind === 'length') this.add('CONTENT_LENGTH', String(framing.bytes));
    const facts = request.cgi?.() ?? null;
    this.#addPath(facts, decoded(plainPath(mark < 0 ? target : target.slice(0, mark))));
    this.add('REQUEST_URI', facts?.target ?? target);
    if (facts !== null) {
      this.add('REMOTE_ADDR', facts.client.address);
      this.add('REMOTE_PORT', String(facts.client.port));
    }
    this.#addServer(facts, authority);
    this.#headers.begin();
    request.writeHeaders(this.#headers);
    this.#headers.end();
    if (facts?.script) this.#addOwn(facts.script.variables);
  }

  /** `path`: decoded. */
  #addPath(facts: CgiFacts | null, path: string): void {
    const script = facts?.script ?? null;
    const prefix = facts?.prefixRemoved ?? '';
    const pathInfo = script === null ? path : script.pathInfo;
    const kept = this.#ofPath;
    if (kept.isNew(prefix, pathInfo, script?.root, script?.name)) {
      const name = script === null ? prefix : prefix + script.name;
      kept.add('SCRIPT_NAME', name);
      kept.add('PATH_INFO', pathInfo);
      kept.add('DOCUMENT_URI', name + pathInfo);
      if (script !== null) {
        kept.add('DOCUMENT_ROOT', script.root);
        kept.add('SCRIPT_FILENAME', script.root + script.name);
        if (pathInfo !== '') kept.add('PATH_TRANSLATED', script.root + pathInfo);
      }
    }
    kept.appendTo(this);
  }

  #addServer(facts: CgiFacts | null, authority: string): void {
    const scheme = facts?.client.scheme;
    const address = facts?.client.connection.localAddress;
    const kept = this.#ofServer;
    if (kept.isNew(authority, scheme, address, facts?.version)) {
      kept.add('GATEWAY_INTERFACE', 'CGI/1.1');
      kept.add('SERVER_SOFTWARE', 'candor');
      // PHP that was built to be started by a web server alone refuses a request without it (cgi.force_redirect).
      kept.add('REDIRECT_STATUS', '200');
      if (facts !== null) {
        const { version, client } = facts;
        kept.add('SERVER_PROTOCOL', version === 'HTTP/2' ? 'HTTP/2.0' : version);
        kept.add('REQUEST_SCHEME', client.scheme);
        if (client.scheme === 'https') kept.add('HTTPS', 'on');
        kept.add('SERVER_ADDR', client.connection.localAddress);
        kept.add('SERVER_PORT', portOf(authority, client.scheme));
        kept.add('SERVER_NAME', authority.replace(/:\d*$/, ''));
      }
      if (authority !== '') kept.add('HTTP_HOST', authority);
    }
    kept.appendTo(this);
  }

  /** Last: of several values of a name programs get the last. */
  #addOwn(variables: Readonly<Record<string, string>>): void {
    const kept = this.#ofRoute;
    if (kept.isNew(variables)) for (const [name, value] of Object.entries(variables)) kept.add(name, value);
    kept.appendTo(this);
  }
}

/** Pairs that depend on some values alone. */
class KeptParams extends FastCgiParams {
  #a: unknown = this;
  #b: unknown;
  #c: unknown;
  #d: unknown;

  constructor() {
    super(1024);
  }

  /** Whether the pairs must be added again. */
  isNew(a: unknown, b?: unknown, c?: unknown, d?: unknown): boolean {
    if (a === this.#a && b === this.#b && c === this.#c && d === this.#d) return false;
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
    this.clear();
    return true;
  }

  appendTo(params: FastCgiParams): void {
    params.append(this.bytes, 0, this.length);
  }
}

/** Whether the decoded path would be another one than routes are found by: one with a slash that is none yet, or that ends at NUL for the system. */
export function hidesSlash(path: string): boolean {
  return path.includes('%') && /%(?:2f|00)/i.test(path);
}

/** A path as bytes, each a character. An escape that is none stays as it is. */
export function decoded(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(/%([\dA-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
