/** The part of `clientClaimNames` at the end of `knownHeaderNames`. */
const laterClaimNames = [
  'x-client-ip',
  'client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'fastly-client-ip',
  'fly-client-ip',
  'do-connecting-ip',
  'x-cluster-client-ip',
  'x-azure-clientip',
  'x-envoy-external-address',
  'x-appengine-user-ip',
  'x-remote-ip',
  'x-remote-addr',
  'x-rewrite-url',
  'x-azure-socketip',
  'x-vercel-forwarded-for',
  'x-nf-client-connection-ip',
  'ali-cdn-real-ip',
  'cdn-src-ip',
  'akamai-client-ip',
  'incap-client-ip',
  'wl-proxy-client-ip',
  'proxy-client-ip',
  'x-proxyuser-ip',
  'x-originating-ip',
  'forwarded-for',
  'x-forward-for',
  'remote-addr',
  'remote-user',
  'x-remote-user',
  'x-scheme',
  'x-url-scheme',
  'front-end-https',
  'x-host',
  'x-http-host-override',
  'client-cert',
  'client-cert-chain',
  'x-arr-clientcert',
  'x-amzn-mtls-clientcert',
  'x-amzn-mtls-clientcert-leaf',
  'x-amzn-mtls-clientcert-subject',
] as const;

/**
 * The header names that the gateway itself uses, each with a small number. A parser stores the number with a header line once;
 * every later test ("is this Host?", "is it dropped?") compares numbers.
 */
export const knownHeaderNames = [
  '', // 0: any other name
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'content-type',
  'expect',
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
  'x-request-id',
  'traceparent',
  'tracestate',
  'cdn-loop',
  'accept',
  'accept-encoding',
  'accept-language',
  'authorization',
  'cookie',
  'set-cookie',
  'user-agent',
  'referer',
  'origin',
  'date',
  'server',
  'proxy-status',
  'cache-control',
  'retry-after',
  'last-event-id',
  'max-forwards',
  'grpc-timeout',
  'priority',
  'destination',
  'if',
  ...laterClaimNames,
] as const;

/** Names below this number have a bit in the masks of the headers present. For other names the lines are searched. */
export const seenMax = 64;

type KnownHeaderName = Exclude<(typeof knownHeaderNames)[number], ''>;

const ids = new Map<string, number>(knownHeaderNames.map((name, id) => [name, id]));

/** The number of a lowercase header name; 0 for a name that the gateway itself does not use. */
export function headerId(name: string): number {
  return ids.get(name) ?? 0;
}

/** A set of header names with a fast lookup: by number if the name has one, else by name. */
export interface HeaderFilter {
  /** One byte per known name: 1 if the name belongs to the set. */
  readonly known: Uint8Array;
  /** Lowercase names without a number; null when there are none. */
  readonly others: ReadonlySet<string> | null;
  /** Whether every name that begins with one of `claimPrefixes` belongs to it. */
  readonly claims: boolean;
  /** A bit for each length of `others`, modulo 32: it excludes nearly every name without a lookup. */
  readonly otherLengths: number;
}

export function headerFilter(
  names: Iterable<string>,
  base: HeaderFilter | null = null,
  claims: boolean = base?.claims ?? false,
): HeaderFilter {
  const known = base === null ? new Uint8Array(knownHeaderNames.length) : base.known.slice();
  const others = new Set<string>(base?.others ?? []);
  for (const name of names) {
    const lowercase = name.toLowerCase();
    const id = headerId(lowercase);
    if (id === 0) others.add(lowercase);
    else known[id] = 1;
  }
  let otherLengths = 0;
  for (const { length } of others) otherLengths |= 1 << length;
  return { known, others: others.size === 0 ? null : others, claims, otherLengths };
}

/** Fields of a request that the gateway writes itself. It never forwards those of a client, in a head or in trailers. */
export const gatewayHeaderNames = [
  'via',
  'cdn-loop',
  'max-forwards',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-request-id',
  'traceparent',
  'tracestate',
] as const;

/**
 * Fields that name the client, or another URL than that of the request line. Applications believe that the gateway wrote them,
 * so that the gateway passes on those of trusted peers only. docs/configuration.md lists all of them.
 */
export const clientClaimNames = ['x-real-ip', ...laterClaimNames] as const satisfies readonly KnownHeaderName[];

const originalPrefix = 'x-original-';

/** The claims that begin so. Applications have headers of their own that do, such as X-Original-Filename: those go on. */
const originalClaims: ReadonlySet<string> = new Set(
  [
    ...[
      'url',
      'uri',
      'request-uri',
      'path',
      'prefix',
      'method',
      'host',
      'scheme',
      'proto',
      'port',
      'for',
      'ip',
      'client-ip',
    ],
    ...['remote-addr', 'forwarded-for', 'forwarded-host', 'forwarded-proto', 'forwarded-port'],
  ].map((rest) => originalPrefix + rest),
);

/** Prefixes of further such headers, such as X-Forwarded-Ssl and X-Original-URL. */
export const forwardedPrefixes = ['x-forwarded', originalPrefix] as const;

/**
 * These, and the prefixes of headers in which a TLS terminator, or this gateway, names the authenticated client: X-SSL-Client-Verify,
 * SSL_CLIENT_S_DN, X-Client-Cert-Subject. The latter are usually written with "_", so that a trusted peer's pass in either spelling. All prefixes
 * have the same length.
 */
export const claimPrefixes = [...forwardedPrefixes, 'ssl-client-', 'x-ssl-clien', 'x-client-ce'] as const;

/** `name` is lowercase, with "-" in place of every "_". */
export function beginsAsClaim(name: string, prefixes: readonly string[] = claimPrefixes): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix)) && isClaimIfOriginal(name);
}

/** Of a name that begins as a claim, in the same form: whether it is one. */
export function isClaimIfOriginal(name: string): boolean {
  return !name.startsWith(originalPrefix) || originalClaims.has(name);
}
