import type { ClientFacts } from './exchange.ts';

/**
 * What the values of variables come from: an exchange (`exchange/state.ts`), which filters have as `FilterContext.variables`. While its request is
 * handled: `header` and what reads headers may not be called any more when the exchange has ended.
 */
export interface VariableSource {
  readonly id: string;
  readonly method: string;
  /** Host and port as the client sent them, lowercase; '' if it sent none. */
  readonly authority: string;
  /** Without the port. */
  readonly host: string;
  readonly target: string;
  /** In its normal form, without the query. */
  readonly path: string;
  readonly version: string;
  readonly client: ClientFacts;
  readonly route: string;
  readonly deployment: string;
  /** In milliseconds since the Unix epoch. */
  readonly startedWall: number;
  /** Null: the request has no such header. `name` is lowercase. */
  header(name: string): string | null;
  cookie(name: string): string | null;
  /** What the pattern of the route's path has found in the path. */
  capture(name: string): string | null;
}

interface Variable {
  readonly text: string;
  readonly example: string;
  readonly valueOf: (source: VariableSource, argument: string) => string | number | null | undefined;
  /** What may follow the dot; absent: nothing follows. */
  readonly argument?: RegExp;
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Every variable of header values, redirects, rewrites and lines of the log. A value that there is not is ''. */
const variables = {
  scheme: {
    text: 'Scheme of the request: `http` or `https`. A trusted peer may name it.',
    example: 'https',
    valueOf: ({ client }) => client.scheme,
  },
  host: {
    text: 'Host of the request in lowercase, without a port.',
    example: 'example.org',
    valueOf: ({ host }) => host,
  },
  port: {
    text: 'Port that the client asked: the one beside the host, else that of the scheme.',
    example: '443',
    valueOf: ({ authority, client }) => /:(\d+)$/.exec(authority)?.[1] ?? (client.scheme === 'https' ? '443' : '80'),
  },
  method: { text: 'Method of the request.', example: 'GET', valueOf: ({ method }) => method },
  path: {
    text: 'Path of the request in its normal form, without the query.',
    example: '/shop/cart',
    valueOf: ({ path }) => path,
  },
  query: {
    text: 'Query of the request with its `?`; empty without one.',
    example: '?page=2',
    valueOf: ({ target }) => /\?.*/s.exec(target)?.[0],
  },
  protocol: { text: 'Protocol of the request.', example: 'HTTP/1.1', valueOf: ({ version }) => version },
  client_address: {
    text: 'Address of the client. A trusted peer may name it.',
    example: '203.0.113.7',
    valueOf: ({ client }) => client.address,
  },
  client_port: { text: 'Port of the client.', example: '52114', valueOf: ({ client }) => client.port },
  request_id: {
    text: 'Request id, as in `X-Request-Id` and the log.',
    example: '019a2f4e-8c1b-7d20-9f3a-5b6c7d8e9f01',
    valueOf: ({ id }) => id,
  },
  route: { text: 'Id of the route.', example: 'shop', valueOf: ({ route }) => route },
  listener: { text: 'Name of the listener.', example: 'web', valueOf: ({ client }) => client.listener },
  deployment: { text: 'The key `deployment` of the file.', example: 'candor', valueOf: ({ deployment }) => deployment },
  server_name: {
    text: 'Server name that the client asked for in TLS (SNI).',
    example: 'example.org',
    valueOf: ({ client }) => client.tls?.serverName,
  },
  tls_version: { text: 'Version of TLS.', example: 'TLSv1.3', valueOf: ({ client }) => client.tls?.version },
  tls_cipher: {
    text: 'Cipher suite of TLS.',
    example: 'TLS_AES_128_GCM_SHA256',
    valueOf: ({ client }) => client.tls?.cipher,
  },
  certificate_subject: {
    text: "Subject of the client's verified certificate.",
    example: 'CN=visitor,O=Example',
    valueOf: ({ client }) => client.tls?.clientCertificate?.subject,
  },
  certificate_fingerprint: {
    text: 'Its SHA-256 in hexadecimal digits.',
    example: '9f86d081884c7d65…',
    valueOf: ({ client }) => client.tls?.clientCertificate?.fingerprint,
  },
  time: {
    text: 'When the request came, in UTC (RFC 3339).',
    example: '2026-05-04T10:20:30.000Z',
    valueOf: ({ startedWall }) => new Date(startedWall).toISOString(),
  },
  capture: {
    text: "What a group of the pattern in the route's `path` has found, by its name or number.",
    example: '42',
    argument: /^\w{1,64}$/,
    valueOf: (source, name) => source.capture(name),
  },
  header: {
    text: 'A header of the request as the client sent it, several lines joined by commas.',
    example: 'de-CH',
    argument: token,
    valueOf: (source, name) => source.header(name.toLowerCase()),
  },
  cookie: {
    text: 'A cookie of the request.',
    example: 'dark',
    argument: token,
    valueOf: (source, name) => source.cookie(name),
  },
  'query.': {
    text: 'A value of the query as the client spelt it, not decoded. Of several with the name, the first.',
    example: '2',
    argument: /^[\w.~-]{1,64}$/,
    valueOf: ({ target }, name) => queryValue(target, name),
  },
} as const satisfies Readonly<Record<string, Variable>>;

/** As they are written in braces, with NAME where a name follows the dot: for documents and messages. */
export const variableForms: readonly (readonly [form: string, variable: Pick<Variable, 'text' | 'example'>])[] =
  Object.entries<Variable>(variables).map(([name, variable]) => [
    variable.argument === undefined ? name : `${name.replace('.', '')}.NAME`,
    variable,
  ]);

export type ValueOf = (source: VariableSource) => string;

/** The value of the variable that is written so, such as `path` or `header.User-Agent`; null: there is none of that name. */
export function variableNamed(written: string): ValueOf | null {
  const dot = written.indexOf('.');
  const named = dot < 0 ? own(written) : (own(written.slice(0, dot + 1)) ?? own(written.slice(0, dot)));
  if (named === undefined || (named.argument === undefined) !== dot < 0) return null;
  const argument = written.slice(dot + 1);
  if (named.argument?.test(argument) === false) return null;
  return (source) => String(named.valueOf(source, argument) ?? '');
}

function own(name: string): Variable | undefined {
  return Object.hasOwn(variables, name) ? (variables as Readonly<Record<string, Variable>>)[name] : undefined;
}

function queryValue(target: string, name: string): string | null {
  let at = target.indexOf('?');
  while (at >= 0) {
    const begin = at + 1;
    at = target.indexOf('&', begin);
    if (target.startsWith(name, begin) && target[begin + name.length] === '=')
      return target.slice(begin + name.length + 1, at < 0 ? undefined : at);
  }
  return null;
}
