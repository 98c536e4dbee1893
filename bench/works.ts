/** A kind of request that gateways are measured with. */
export interface Work {
  readonly name: WorkName;
  /** The title in the table and the plot. */
  readonly title: string;
  readonly path: string;
  readonly method: 'GET' | 'POST';
  /** Size of the request body. */
  readonly bodyBytes: number;
  /** Each request uses a new connection. */
  readonly newConnection: boolean;
  /**
   * Request line, request headers and response headers change each time, so that a gateway cannot reuse what it parsed
   * before.
   */
  readonly freshHeaders: boolean;
  readonly setting: SettingName;
  /** Absent: 64. */
  readonly connections?: number;
  /** Absent: clients speak clear text, or stay connected. */
  readonly handshake?: Handshake;
}

/** Each request begins with a TLS handshake of its own. */
export interface Handshake {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** With a session of an earlier connection. */
  readonly resumes: boolean;
}

export type WorkName =
  | 'small-get'
  | 'fresh-get'
  | 'get-10k'
  | 'get-1m'
  | 'post-10k'
  | 'new-connection'
  | 'routes'
  | 'endpoints'
  | 'static-1k'
  | 'static-100k'
  | 'static-10m'
  | 'websocket'
  | 'tls-get'
  | 'tls13-full'
  | 'tls13-resumed'
  | 'tls12-full'
  | 'tls12-resumed'
  | 'h2-get'
  | 'h2-get-1m'
  | 'h2-tls-get'
  | 'grpc-unary'
  | 'fastcgi'
  | 'fastcgi-kept'
  | 'gzip-50k'
  | 'br-50k';

/** The configuration of the gateway: one route to one origin; a thousand routes; two hundred endpoints. */
export type SettingName =
  | 'plain'
  | 'routes'
  | 'endpoints'
  | 'tls'
  | 'h2'
  | 'h2-tls'
  | 'grpc'
  | 'gzip'
  | 'br'
  | 'files'
  | 'fastcgi'
  | 'fastcgi-kept';

export interface Setting {
  readonly routes: number;
  readonly endpoints: number;
  readonly tls: boolean;
  /** Clients speak HTTP/2: by ALPN within TLS, else because they know. */
  readonly http2: boolean;
  /** Endpoints get HTTP/2 in clear text, with gRPC. Absent: HTTP/1.1. */
  readonly grpc?: true;
  /** The gateway compresses, by gzip at level 1 or br at level 4. Absent: it does not. */
  readonly compress?: 'gzip' | 'br';
  /** The endpoint speaks FastCGI: over a connection for each request, as gateways do by default, or over connections that are kept. */
  readonly fastcgi?: 'usual' | 'kept';
  /** Files of a folder beside the origin. */
  readonly files?: true;
}

export const settings: Readonly<Record<SettingName, Setting>> = {
  plain: { routes: 1, endpoints: 1, tls: false, http2: false },
  routes: { routes: 1000, endpoints: 1, tls: false, http2: false },
  endpoints: { routes: 1, endpoints: 200, tls: false, http2: false },
  tls: { routes: 1, endpoints: 1, tls: true, http2: false },
  h2: { routes: 1, endpoints: 1, tls: false, http2: true },
  grpc: { routes: 1, endpoints: 1, tls: false, http2: true, grpc: true },
  'h2-tls': { routes: 1, endpoints: 1, tls: true, http2: true },
  gzip: { routes: 1, endpoints: 1, tls: false, http2: false, compress: 'gzip' },
  br: { routes: 1, endpoints: 1, tls: false, http2: false, compress: 'br' },
  fastcgi: { routes: 1, endpoints: 1, tls: false, http2: false, fastcgi: 'usual' },
  'fastcgi-kept': { routes: 1, endpoints: 1, tls: false, http2: false, fastcgi: 'kept' },
  files: { routes: 1, endpoints: 1, tls: false, http2: false, files: true },
};

const get = { method: 'GET', bodyBytes: 0, newConnection: false, freshHeaders: false, setting: 'plain' } as const;

const secure = { ...get, setting: 'tls', path: '/orders/1742?from=mail' } as const;

export const works: readonly Work[] = [
  { ...get, name: 'small-get', title: 'small GET', path: '/orders/1742?from=mail' },
  { ...get, name: 'fresh-get', title: 'small GET, new each time', path: '/fresh/1742', freshHeaders: true },
  { ...get, name: 'get-10k', title: 'GET of 10 KB', path: '/files/10k' },
  { ...get, name: 'get-1m', title: 'GET of 1 MB', path: '/files/1m' },
  { ...get, name: 'post-10k', title: 'POST of 10 KB', path: '/orders', method: 'POST', bodyBytes: 10_240 },
  { ...get, name: 'new-connection', title: 'small GET on a new connection', path: '/orders/1742', newConnection: true },
  { ...get, name: 'routes', title: 'small GET among 1,000 routes', path: '/r937/orders/1742', setting: 'routes' },
  { ...get, name: 'endpoints', title: 'small GET to 200 endpoints', path: '/orders/1742', setting: 'endpoints' },
  { ...secure, name: 'tls-get', title: 'small GET within TLS' },
  { ...secure, name: 'tls13-full', title: 'TLS 1.3 handshake', handshake: { version: 'TLSv1.3', resumes: false } },
  { ...secure, name: 'tls13-resumed', title: 'TLS 1.3, resumed', handshake: { version: 'TLSv1.3', resumes: true } },
  { ...secure, name: 'tls12-full', title: 'TLS 1.2 handshake', handshake: { version: 'TLSv1.2', resumes: false } },
  { ...secure, name: 'tls12-resumed', title: 'TLS 1.2, resumed', handshake: { version: 'TLSv1.2', resumes: true } },
  { ...get, name: 'h2-get', title: 'small GET, HTTP/2', path: '/orders/1742?from=mail', setting: 'h2' },
  { ...get, name: 'h2-get-1m', title: 'GET of 1 MB, HTTP/2', path: '/files/1m', setting: 'h2' },
  { ...secure, name: 'h2-tls-get', title: 'small GET, HTTP/2 within TLS', setting: 'h2-tls' },
  { ...get, name: 'grpc-unary', title: 'unary gRPC call', path: '/shop.Orders/Get', method: 'POST', setting: 'grpc' },
  { ...get, name: 'fastcgi', title: 'small GET, FastCGI', path: '/hello.php?from=mail', setting: 'fastcgi' },
  {
    ...get,
    name: 'fastcgi-kept',
    title: 'small GET, FastCGI, kept',
    path: '/hello.php?from=mail',
    setting: 'fastcgi-kept',
  },
  { ...get, name: 'gzip-50k', title: 'GET of 50 KB, gzip (1)', path: '/files/50k', setting: 'gzip' },
  { ...get, name: 'br-50k', title: 'GET of 50 KB, br (4)', path: '/files/50k', setting: 'br' },
  { ...get, name: 'static-1k', title: 'static file of 1 KB', path: '/static/1k.txt', setting: 'files' },
  { ...get, name: 'static-100k', title: 'static file of 100 KB', path: '/static/100k.txt', setting: 'files' },
  // Of 64 responses that are sent at a time, a run of some seconds would cut more than it completes.
  {
    ...get,
    name: 'static-10m',
    title: 'static file of 10 MB',
    path: '/static/10m.txt',
    setting: 'files',
    connections: 8,
  },
  { ...get, name: 'websocket', title: 'WebSocket echo, each message', path: '/echo' },
];

export const workNames: readonly WorkName[] = works.map(({ name }) => name);
