import type { CaseTexts } from '../failure-spec.ts';
import type { RequestRule } from '../rules.ts';

type RuleTexts = Required<Pick<CaseTexts, 'usualCauses' | 'nextStep'>> & Pick<CaseTexts, 'whose' | 'forClient'>;

const framing: RuleTexts = {
  usualCauses: [
    'an attacker tries to hide a second request in the body of the first (request smuggling)',
    'a proxy or library before the gateway changes the body and keeps the old header',
  ],
  nextStep:
    'Find the sender by the address in the record; if it is a program of your own, let its HTTP library write Content-Length and Transfer-Encoding.',
};

const chunks: RuleTexts = {
  usualCauses: [
    'a hand-written client counts the bytes of a chunk wrongly',
    'an attacker tries to hide a second request in the body of the first (request smuggling)',
  ],
  nextStep: 'Send the same body with curl (`-H "Transfer-Encoding: chunked"`): if that passes, the client is wrong.',
};

const host: RuleTexts = {
  usualCauses: [
    'a scanner, or a health check of a load balancer, sends a request by hand',
    'a hand-written client, or a proxy that writes the header itself',
  ],
  nextStep: 'Let the client send one Host header with the name of the site; health checks have a setting for it.',
};

const headers: RuleTexts = {
  usualCauses: [
    'a hand-written client, or a program that puts user input into headers without removing line ends',
    'a scanner sends malformed headers on purpose',
  ],
  nextStep:
    'Compare with the request that `curl -v` sends; the record names the place, and has the address of the client.',
};

const size: Readonly<Record<'head' | 'count' | 'target' | 'body', RuleTexts>> = {
  head: {
    usualCauses: ['cookies of the site have grown', 'a token in a header has grown with the groups of its user'],
    nextStep: 'Delete the cookies of the site to see whether they are the reason; raise `client.head_max` if not.',
  },
  count: {
    usualCauses: ['several proxies in a row add headers of their own', 'a scanner sends many headers on purpose'],
    nextStep: 'Raise `client.headers_max` if the headers are wanted.',
  },
  target: {
    usualCauses: ['a form sends its fields by GET', 'a page links to itself with a query that grows each time'],
    nextStep: 'Let the form use POST, or raise `client.target_max`.',
  },
  body: {
    usualCauses: ['an upload is larger than the limit'],
    nextStep:
      'If uploads of this size are wanted, raise `body_max` of the route; routes without it have `client.body_max`. The record says which one it was.',
  },
};

/**
 * What to do about a request that breaks a rule. Rules that are not here are broken by scanners and hand-written clients: the
 * general texts hold.
 */
export const refusedRequests: Readonly<Partial<Record<RequestRule, RuleTexts>>> = {
  'plain-on-tls-port': {
    usualCauses: [
      'a URL with `http://` and the port of HTTPS',
      'a load balancer or a health check speaks HTTP to a port that expects HTTPS',
    ],
    nextStep:
      'Use `https://` in the URL, or the port of a listener without `tls`; health checks have a setting for it.',
  },
  'tls-on-plain-port': {
    usualCauses: ['a URL with `https://` and the port of HTTP', 'a listener lacks `tls` in the configuration'],
    nextStep: 'Use the port of a listener with `tls`, or give this listener `tls` (docs/https.md).',
  },
  misdirected: {
    usualCauses: [
      'a client or a CDN uses an open connection for a second host at the same address; browsers then try again on a new one',
      'a proxy before the gateway, which is not among `trusted_peers`, names another host in the handshake (SNI) than in the Host header, or uses one connection for many hosts',
      'the host has a certificate of its own at this listener, or none',
    ],
    nextStep:
      'If clients see the 421, add the address of the proxy to `trusted_peers`: it may use a connection for every host. If it is not yours to trust, let it send the requested host as SNI and keep no connections (nginx: `proxy_ssl_server_name on`, `proxy_ssl_name $host`, and no `keepalive` in the `upstream`, which shares them among hosts), or use one certificate for both hosts.',
  },
  'connection-authentication': {
    forClient: 'You can log in here over HTTP/1.1 alone, which your program has not offered.',
    usualCauses: [
      'the application asks for NTLM or Negotiate alone; a browser, and curl, then comes again over HTTP/1.1 by itself',
      'the client speaks HTTP/2 alone: gRPC, HTTP/2 without TLS, or a load balancer with HTTP/2 to the gateway',
    ],
    nextStep:
      'Nothing where the gateway sent HTTP_1_1_REQUIRED: the next request of this client comes over HTTP/1.1. Else let the client, or the load balancer, speak HTTP/1.1, set `http2: false` on the listener, or let the application offer credentials that are sent with each request (Basic, Bearer).',
  },
  'client-certificate': {
    usualCauses: [
      'the certificate has expired, or is not valid yet',
      'an authority that `client_certificates.ca_file` does not have has issued it, or the client does not send the intermediate one',
    ],
    nextStep:
      "Look at the client's certificate: `openssl verify -CAfile CA_FILE CERTIFICATE` says what the listener says; the code in the sentence above is OpenSSL's.",
  },
  'http2-connection': {
    usualCauses: [
      'an HTTP/2 library with a defect, or a hand-written client',
      'a scanner or a fuzzer sends wrong frames on purpose',
    ],
    nextStep:
      'Find the client by the address and the User-Agent in the record: the frame was its own, but perhaps one of another request, because all requests of the connection ended with it. `candor_http2_connection_errors_total` says how often that happens.',
  },
  'http2-limit': {
    usualCauses: [
      'a client floods the gateway with frames that cost their sender nothing',
      'a load test or a client with a defect cancels or refuses far more than browsers do',
    ],
    nextStep:
      'Look the limit up in docs/limits.md; the event `http2_limit_reached` has its name and the address of the client.',
  },
  'http2-not-offered': {
    usualCauses: [
      'the listener has `http2: false`, and a client is set to HTTP/2 without asking (`--http2-prior-knowledge`, gRPC)',
      'the connection had begun with HTTP/1.1: HTTP/2 must begin with the first byte',
    ],
    nextStep: 'Remove `http2: false` from the listener, or let the client speak HTTP/1.1.',
  },
  'proxy-protocol': {
    whose: 'operator',
    usualCauses: [
      'the load balancer does not send the header, or a client reaches the port without the load balancer',
      'its TLVs are larger than 16 KiB',
    ],
    nextStep:
      'Enable the PROXY protocol in the load balancer (HAProxy: `send-proxy-v2`), or remove `proxy_protocol` of the listener.',
  },
  'connect-not-offered': {
    usualCauses: [
      'somebody looks for an open proxy',
      'the gateway is set as the proxy of a browser or a program (`https_proxy`)',
    ],
    nextStep:
      'Nothing, unless a program of your own has the gateway as its proxy: Candor is a gateway to applications.',
  },
  'connect-protocol': {
    usualCauses: [
      'a client asks for a UDP or IP proxy (`connect-udp`, `connect-ip`)',
      'a scanner tries what is offered',
    ],
    nextStep:
      'Nothing, unless a program of your own needs that protocol: over HTTP/1.1 the gateway passes each Upgrade on to the application.',
  },
  'connect-unanswerable': {
    usualCauses: ['a page opens its WebSocket at a path that another route takes, such as a fixed response'],
    nextStep:
      'Compare the path of the request with `routes`: the route with the WebSocket must come to an upstream (`to`).',
  },
  'expectation-unknown': {
    usualCauses: ['a client sends an Expect header that no server knows'],
    nextStep: 'Let the client leave out the Expect header; `100-continue` is the only one.',
  },
  'header-section-too-large': size.head,
  'too-many-headers': size.count,
  'target-too-long': size.target,
  'content-too-large': size.body,
  'content-coding': {
    usualCauses: [
      'the client names a coding and sends the body as it is, or codes it twice and says so once',
      'the upload was cut before it was compressed whole',
    ],
    nextStep:
      'Save a body of the client and decode it (`gzip -t`, `brotli -t`, `zstd -t`); a route that passes bodies on as they are has `decompress_requests: false`.',
  },
  'decoded-too-large': {
    usualCauses: ['an upload is larger than the limit', 'an attacker sends a small body that becomes a large one'],
    nextStep: 'Raise `decompress_requests.max_size` if bodies of this size are wanted.',
  },
  'decoded-ratio': {
    usualCauses: [
      'an attacker sends a small body that becomes a large one (a "zip bomb")',
      'a body that repeats itself, such as a table of zeros',
    ],
    nextStep: 'Raise `decompress_requests.max_ratio` if the body is wanted.',
  },
  'decoders-busy': {
    usualCauses: ['many clients send bodies in br or zstd at once, or slowly'],
    nextStep: 'Let the clients use gzip, which takes less memory and has no such limit, or add workers.',
  },
  'host-missing': host,
  'host-repeated': host,
  'host-invalid': host,
  'host-disagrees': host,
  'header-name': headers,
  'header-value': headers,
  'line-ending': headers,
  'line-folding': headers,
  'space-before-colon': headers,
  'content-length-invalid': framing,
  'content-length-differs': framing,
  'length-and-transfer-encoding': framing,
  'transfer-encoding-version': framing,
  'transfer-encoding-final': framing,
  'transfer-encoding-unknown': framing,
  'chunk-size': chunks,
  'chunk-extension': chunks,
  'chunk-ending': chunks,
};
