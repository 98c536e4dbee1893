import { balanceChoices } from '../core/named-balancers.ts';
import { plainKey } from '../core/plain-key.ts';
import type { Path } from '../schema/findings.ts';

/** The sections of the file in which a key of another gateway means what it means there. */
type Section = 'file' | 'client' | 'listener' | 'route' | 'rewrite' | 'upstream' | 'application' | 'endpoint';

/** Something that other gateways do and this one does not, or does without a key. */
interface Unsupported {
  /** Their keys for it. Lowercase without hyphens and underscores, so that every style of writing is found. */
  readonly keys: readonly string[];
  /** What is so, and what to do. */
  readonly message: string;
  /** Where one of these keys is known, that one is meant. */
  readonly unless?: string;
  /** It limits clients, so that its keys are looked for in `client` too. */
  readonly ofClients?: true;
}

/** How the path that an application is asked for is made of that of the request. */
const rewriteForm = 'path: "~ ^/old/(.*)$", rewrite: { path: "/new/{capture.1}" }';

/** From nginx, Caddy, Traefik, HAProxy, Envoy, kamal-proxy and the annotations of ingresses. */
const unsupported: readonly Unsupported[] = [
  {
    keys: words('hsts stricttransportsecurity stsseconds hstsmaxage hstsseconds'),
    message: 'it belongs into "tls" of a listener, beside "auto" or "certificates": hsts: 180d',
    unless: 'hsts',
    ofClients: true,
  },
  {
    keys: words('fastcgi fastcgipass phpfastcgi fcgi fastcgiindex fastcgisplitpathinfo fcgiapp usefcgiapp'),
    message:
      'FastCGI is "protocol: fastcgi" of an upstream, and "php: { root: /srv/www }" of the routes to it says which program is meant (docs/php.md)',
  },
  {
    keys: words('fastcgiparam fastcgiparams'),
    message:
      'programs are told what nginx tells them by itself; others are "variables" of "php" in a route: php: { root: /srv/www, variables: { APP_ENV: production } }',
  },
  {
    keys: words('uwsgipass uwsgi scgipass scgi'),
    message:
      'uwsgi and SCGI are not spoken: let the server of the program speak HTTP (uWSGI: --http-socket), or FastCGI',
  },
  {
    keys: words('bandwidth bandwidthlimit limitrate limitrateafter bwlimit'),
    message: 'bandwidth is limited on a route: bandwidth: { response: 1MiB/s }',
    ofClients: true,
  },
  {
    keys: words('waf firewall modsecurity coraza'),
    message: 'a firewall for requests (WAF) is no part of Candor: put one before it',
    ofClients: true,
  },
  {
    keys: words('include includes import imports confd'),
    message:
      'a file or folder of routes is included where its routes stand: routes: [{ include: ./routes.d }]; its files may have "upstreams" and "applications" too',
  },
  {
    keys: words('stripprefix stripprefixregex uristripprefix strippath strippathprefix handlepath'),
    message:
      'a route with path: /api removes it from the path with "rewrite: { path: / }", which stands in place of what "path" has matched',
  },
  {
    keys: words('addprefix'),
    message:
      'it is "rewrite" of a route, with the path of the request as a variable: rewrite: { path: "/prefix{path}" }',
  },
  {
    keys: words('replacepathregex regexrewrite rewriteregex urirewrite pathregexrewrite setpath setpathq setquery'),
    message: `it is "rewrite" of a route: ${rewriteForm}, and "query: { set: … }" there for parameters`,
  },
  {
    keys: words('pattern from replacement substitution'),
    message: `the regular expression is "path" of the route: ${rewriteForm}, or redirect: "/new/{capture.1}"`,
  },
  {
    keys: words('httprequest httpresponse'),
    message:
      '"replace-path" and "set-path" are "rewrite: { path: … }" of a route, "set-query" is "rewrite: { query: … }", "set-header" is "request_headers" or "response_headers", and "redirect" is a key of a route',
  },
  {
    keys: words('redirectregex redirectmatch redirectregexp'),
    message:
      'it is "redirect" of a route whose "path" is a regular expression: path: "~ ^/old/(.*)$", redirect: "/new/{capture.1}"',
  },
  {
    keys: words('return redir redirectto redirectpermanent redirecttemp permanentredirect temporalredirect'),
    message:
      'a route answers with "redirect: { location: "https://{host}{path}{query}", status: 301 }", or with "respond: { status: 404 }"',
  },
  {
    keys: words('map maps mapfile redirects redirectmap redirectsfile'),
    message:
      'redirects from a file are "redirect: { map: redirects.txt }" of a route, with a line such as /old /new for each',
    unless: 'map',
  },
  {
    keys: words('absoluteredirect portinredirect servernameinredirect'),
    message: 'a location is sent as "redirect" has it: a path, or a URL with its host',
  },
  {
    keys: words('pathregex pathregexp pathmatch locationregex regex regexp'),
    message:
      'a regular expression stands behind "~" in "path" or "host" of a route: path: "~ ^/users/([0-9]+)$"; what a group has found is {capture.1} in "rewrite" and "redirect"',
  },
  {
    keys: words('query queries queryparams queryparameters querystring queryparam'),
    message: 'it is "query" of a route, with a value or what it is like by parameter: query: { debug: "1" }',
    unless: 'query',
  },
  {
    keys: words('cookies'),
    message:
      'it is "cookies" of a route, with a value or what it is like by name: cookies: { beta: { present: true } }',
    unless: 'cookies',
  },
  {
    keys: words(
      'tls ssl https acme letsencrypt autohttps certresolver certificate certificates cert certs sslcertificate',
      'sslcertificatekey tlscertificate tlscertificatepath tlsprivatekeypath mtls hsts ciphers sslprotocols sslciphers',
    ),
    message:
      'TLS for clients is "tls" of a listener: "auto" obtains certificates automatically, "certificates" are from files; for endpoints it is "tls" of an upstream',
    unless: 'tls',
    ofClients: true,
  },
  {
    keys: words('redirecthttps httpsredirect sslredirect forcessl redirecttohttps redirectscheme forcehttps'),
    message:
      'a listener with "tls" has requests in clear text redirected to it by itself, for the hosts of its certificates: see "redirect_http" there',
  },
  {
    keys: words(
      'limits ratelimit ratelimits ratelimiting limitreq limitreqzone throttle throttling sticktable rps requestspersecond',
    ),
    message:
      'requests of each client are limited by "rate_limits", on a route or at the top: rate_limits: { rate: 100/s }; "client.connections_per_address_max" limits connections',
    ofClients: true,
  },
  {
    keys: words('cache caching proxycache proxycachepath httpcache cachezone'),
    message:
      'the gateway does not cache responses yet; how long browsers keep files is "cache" of "files": files: { root: ./public, cache: { "*.js": 1h } }',
  },
  {
    keys: words('expires cachecontrol'),
    message:
      'how long browsers keep files is "cache" of "files": files: { root: ./public, cache: { "*.js": 1h } }; for other responses write the header: response_headers: { set: { Cache-Control: max-age=3600 } }',
  },
  {
    keys: words('handle match matches matcher rule rules location locations when conditions'),
    message:
      'conditions stand in the route, beside "to": host, path, methods, headers, query, …; of alternatives each is an entry of "any", and exceptions are "not"',
  },
  {
    keys: words('handlepath'),
    message: 'it is "path" of a route, and "rewrite: { path: / }", which takes that path away',
  },
  {
    keys: words('limitexcept'),
    message: 'it is "methods" of a route: methods: [GET, HEAD]; other requests take the next route that matches',
  },
  {
    keys: words('proxyhideheader hideheader hideheaders fastcgihideheader removeheader removeheaders'),
    message: 'it is "response_headers" of a route or of the file: response_headers: { remove: [X-Powered-By] }',
  },
  {
    keys: words('servertokens serversignature'),
    message:
      'the gateway sends no version of itself; what an application says of itself is removed with response_headers: { remove: [Server, X-Powered-By] }',
  },
  {
    keys: words('proxyredirect'),
    message: 'the gateway does not change the Location and Set-Cookie of an application yet',
  },
  {
    keys: words('httprequest httpresponse tcprequest'),
    message:
      'headers are changed with "request_headers" and "response_headers"; "redirect" sends clients elsewhere, and "respond: { status: 403 }" refuses them',
  },
  {
    keys: words('logformat accesslogformat'),
    message:
      'the log has one format: log: { format: "{client_address} {method} {path} {status}" } at the outermost level; a route adds values with log: { fields: … }',
  },
  {
    keys: words('charset defaulttype types mimetypes'),
    message:
      'the ending of its name says the type of a file, and texts are UTF-8; another type is written with response_headers: { set: { Content-Type: … } }',
  },
  {
    keys: words('basicauth auth authbasic authbasicuserfile authorize digestauth htpasswd userlist basicauthusers'),
    message:
      'how clients say who they are is "authentication" of a route, or at the top for all: authentication: { basic: { users_file: users } }',
    ofClients: true,
  },
  {
    keys: words('forwardauth extauthz authrequest authrequestset externalauth'),
    message:
      'a service that decides is named under "upstreams", and asked by "authentication" of a route: authentication: { forward: { upstream: authelia, path: /api/authz/forward-auth } }',
    ofClients: true,
  },
  {
    keys: words('jwt jwtauth authjwt bearer jwks apikey apikeys keyauth'),
    message:
      'tokens and keys are checked by "authentication" of a route, or at the top for all: authentication: { jwt: { … } } or { api_keys: { keys_file: api-keys } }',
    ofClients: true,
  },
  {
    keys: words('oauth oauth2 oidc openid openidconnect openidc sso'),
    message:
      'a login at a provider is "authentication" of a route, or at the top for all: authentication: { oidc: { issuer: https://id.example.org, … } } (docs/authentication.md)',
    ofClients: true,
  },
  {
    keys: words('satisfy'),
    message:
      'each rule of a route must hold. For clients that need no password, write a route before it: "client_address: 10.0.0.0/8" with "authentication: none"',
  },
  {
    keys: words('overload overloadmanager overloadprotection loadshedding shedding shed loadshed adaptiveconcurrency'),
    message:
      'a worker that is late sheds requests by itself, those of routes with "priority: low" first: workers: { delay_max: 500ms }; how many an application gets at once is "concurrency"',
    ofClients: true,
  },
  {
    keys: words('sticky stickysession stickysessions sessionaffinity affinity sessionpersistence persistence cookie'),
    message: 'it is "sticky" of an upstream or application: a signed cookie names the endpoint of a client',
    unless: 'sticky',
  },
  {
    keys: words('iphash hashon hash consistenthash hashpolicy'),
    message:
      'requests of one client go to one endpoint with "balance: { hash: address }", or by a "cookie" or "header" instead',
  },
  {
    keys: words(
      'loadbalancing loadbalancer lb lbpolicy lbalgorithm balance balancer algorithm strategy leastconn roundrobin',
    ),
    message: `it is "balance" of an upstream or application: ${balanceChoices}`,
    unless: 'balance',
  },
  {
    keys: words('weight weights weighted backup priority'),
    message:
      'an entry of "endpoints" has them: { address: "10.0.0.5:3000", weight: 3 }; one with "priority: 1" is a spare for those without',
  },
  {
    keys: words('slowstart slowstartwindow'),
    message: 'it is "slow_start" of an upstream or application: for how long an endpoint that became ready gets less',
    unless: 'slow_start',
  },
  {
    keys: words(
      'gzip compress compression encode encoding brotli br zstd deflate gziptypes gzipcomplevel gzipminlength',
    ),
    message:
      'it is "compress: true", of a route or of the file; { types: …, min_size: …, codings: …, levels: … } says how',
    unless: 'compress',
  },
  {
    keys: words('decompress decompressor decompression gunzip requestdecompression'),
    message: 'it is "decompress_requests: true", of a route or of the file; { max_size: …, max_ratio: … } limits it',
    unless: 'decompress_requests',
  },
  {
    keys: words('subfilter replace replaceresponse bodyrewrite rewritebody substitute textreplacement'),
    message: 'it is "replace_text" of a route: { "http://old.example": "https://new.example" }',
    unless: 'replace_text',
  },
  {
    keys: words(
      'errorpage errorpages errorfile errorfiles errorloc errorloc302 errorloc303 httperror httperrors errors customerrors',
      'errordocument handleerrors handleresponse interceptresponse proxyintercepterrors fastcgiintercepterrors',
      'intercepterrors customhttperrors customresponse applicationerrorpages',
    ),
    message:
      'pages are "error_pages: { 404: pages/404.html, 5xx: pages/error.html }"; with "replace_errors: [404, 5xx]" they also replace what applications answer',
  },
  {
    keys: words('upgrade upgrades upgradeconfigs proxyhttpversion'),
    message: 'WebSockets need no key: upgrades are passed on',
  },
  {
    keys: words('http2 h2 h2c alpn httpversion http2protocoloptions'),
    message:
      'HTTP/2 is offered to clients unless a listener has "http2: false"; "http2: true" of an upstream or an application is for endpoints (h2c without TLS)',
  },
  {
    keys: words('http3 h3 quic'),
    message: 'HTTP/3 is not supported yet',
  },
  {
    keys: words('grpc grpcpass'),
    message: 'gRPC needs no key of its own; it needs "http2: true" of the upstream or the application',
  },
  {
    keys: words(
      'middleware middlewares plugin plugins filter filters httpfilters snippets lua wasm modules loadmodule',
    ),
    message: 'plugins and middleware are not supported yet',
  },
  {
    keys: words(
      'xaccel xaccelredirect accelredirect xaccelmapping xaccelmappings internal xsendfile xsendfilepath allowxsendfile',
      'enablexsendfile sendfileheader',
    ),
    message:
      'files that an application names in X-Accel-Redirect or X-Sendfile are sent with "send_files" of a route: send_files: { /protected/: ./protected }',
  },
  {
    keys: words('sendfile sendfileon sendfilemaxchunk tcpnopush aio directio'),
    message:
      '"files" of a route has no key for how files are read; those that an application names in X-Sendfile or X-Accel-Redirect are sent with "send_files"',
  },
  {
    keys: words('root alias documentroot docroot'),
    message:
      'it is "files: ./public" of a route; "rewrite: { path: / }" beside it takes away the path of the route; the folder of PHP is "php: { root: /srv/www }"',
  },
  {
    keys: words('cleanurls prettyurls extensions tryextensions defaultextension'),
    message: 'it is a key of "files": files: { root: ./public, extensions: .html } has about.html at /about',
  },
  {
    keys: words('fileserver static tryfiles try autoindex browse staticfiles index gzipstatic spa'),
    message:
      'it is "files: ./public" of a route, or "files: { root: ./public, extensions: .html, fallback: /index.html, listing: true, precompressed: true }"; beside "to", what is not there goes to the upstream',
  },
  {
    keys: words(
      'allow deny whitelist blacklist allowlist denylist ipallow ipdeny ipallowlist ipwhitelist sourcerange',
      'whitelistsourcerange acl acls geoip geoblock geoipcountry remoteip clientip sourceip srcip remoteaddr',
      'useragents blockbots bots badbots ipfilter ipfiltering allowednetworks allowedips',
    ),
    message:
      'which clients may ask is "access" of a route, or at the top for all: access: { allow: 10.0.0.0/8 }; with "client_address: 10.0.0.0/8" a route takes the requests of a network alone, and others go on to the next one',
    ofClients: true,
  },
  {
    keys: words('securelink securelinkmd5 signedurl signedurls signedlink urlsigning presigned presignedurls'),
    message: 'it is "signed_links: { keys_file: link-keys }" of a route',
  },
  {
    keys: words('split splitclients trafficsplit abtest weightedclusters weightedservices'),
    message: '"to: { v1: 95, v2: 5 }" of a route divides requests, and "split_by" keeps each client at one upstream',
  },
  {
    keys: words('canary rollouts rollout'),
    message:
      'it is "releases: { strategy: canary }" of an application; "to: { v1: 95, v2: 5 }" of a route divides requests between upstreams',
    unless: 'releases',
  },
  {
    keys: words('mirror mirrors shadow'),
    message: 'mirroring traffic is not supported yet',
  },
  {
    keys: words('tcp udp stream streams l4 tcpservices'),
    message: 'proxying of TCP and UDP is not supported yet, only of HTTP',
  },
  {
    keys: words('tracing opentelemetry otel otlp jaeger zipkin telemetry traces'),
    message: 'traces, records and metrics go to an OpenTelemetry collector with "otlp: { endpoint: http://…:4318 }"',
    unless: 'otlp',
  },
  {
    keys: words('listener listeners listen entrypoints'),
    message: 'a route is for all listeners, or for those that its key "listener" names',
    unless: 'listeners',
  },
  {
    keys: words('server'),
    message:
      'a "server" of other gateways has three parts here: its address is an entry of "listeners", its locations are "routes", and where they lead is "upstreams"',
  },
  {
    keys: words('client clients'),
    message:
      'there are no limits for the clients of a single route yet: "client" at the outermost level has those for all; a route takes clients of some networks alone with "client_address: 10.0.0.0/8"',
    unless: 'client',
  },
  { keys: words('metrics prometheus'), message: 'metrics need no key: they are at /metrics of the admin API' },
  {
    keys: words('docker kubernetes providers provider consul etcd discovery servicediscovery'),
    message:
      'discovery of services is not supported yet; "endpoints" are addresses, and names that are looked up again and again',
  },
  {
    keys: words('user group daemon pid pidfile chroot'),
    message: 'it is for what starts Candor, such as User= of systemd',
  },
];

const atBalancing: readonly Section[] = ['file', 'route', 'upstream'];
const atSpares: readonly Section[] = [...atBalancing, 'endpoint'];
const atFiles: readonly Section[] = ['file', 'listener', 'route'];
const atRewrites: readonly Section[] = ['route', 'rewrite'];
const atProcess: readonly Section[] = ['file', 'application'];

/** Ordinary words, which mean this in fewer sections than the others. */
const sectionsOf: ReadonlyMap<string, readonly Section[]> = new Map<string, readonly Section[]>([
  ...each('strategy algorithm hash weight weights priority', atBalancing),
  ...each('backup', atSpares),
  ...each('limits', ['file', 'route']),
  ...each('internal aio', ['file', 'listener', 'route']),
  ...each('encoding index root alias static browse spa try types charset', atFiles),
  ...each('handle match matches matcher rule rules location locations when conditions', ['route']),
  ...each('include includes import imports confd', atFiles),
  ...each('query queries cookies', ['route']),
  ...each('pathregex pathregexp pathmatch locationregex regex regexp', atRewrites),
  ...each('stripprefix stripprefixregex uristripprefix strippath strippathprefix handlepath addprefix', atRewrites),
  ...each(
    'replacepathregex regexrewrite rewriteregex urirewrite pathregexrewrite setpath setpathq setquery',
    atRewrites,
  ),
  ...each('pattern from replacement substitution', ['rewrite']),
  ...each('return redir map maps redirects', ['file', 'route']),
  ...each('listener listeners listen entrypoints client clients', ['route']),
  ...each('server', ['file']),
  ...each('stream streams', ['file', 'listener', 'upstream']),
  ...each('user group daemon pid pidfile chroot', atProcess),
]);

function each(line: string, sections: readonly Section[]): [string, readonly Section[]][] {
  return words(line).map((word) => [word, sections]);
}

function words(...lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split(' '));
}

/**
 * What to say of an unknown key that other gateways have, where `path` leads to it; null where it is no key of theirs, or
 * means something else in this section. `known`: the keys of the section.
 */
export function explainUnsupported(written: string, path: Path, known: readonly string[]): string | null {
  const section = sectionAt(path.slice(0, -1));
  if (section === null) return null;
  const plain = plainKey(written);
  const found = unsupported.find(({ keys }) => keys.includes(plain));
  if (found === undefined || sectionsOf.get(plain)?.includes(section) === false) return null;
  if (section === 'client' && found.ofClients !== true) return null;
  if (section === 'rewrite' && sectionsOf.get(plain) === undefined) return null;
  if (section === 'endpoint') return sectionsOf.get(plain) === atSpares ? 'write "priority: 1"' : null;
  return found.unless !== undefined && known.includes(found.unless) ? `did you mean "${found.unless}"?` : found.message;
}

const namedSections: Readonly<Record<string, Section>> = {
  listeners: 'listener',
  routes: 'route',
  upstreams: 'upstream',
  applications: 'application',
};

/** Null within another section, such as `log` or `check` of an upstream. */
function sectionAt(path: Path): Section | null {
  const [first] = path;
  if (first === undefined) return 'file';
  if (path.length === 1) return first === 'client' ? 'client' : null;
  if (path.length === 2) return namedSections[String(first)] ?? null;
  if (path.length === 3 && first === 'routes')
    return ['rewrite', 'redirect'].includes(String(path[2])) ? 'rewrite' : null;
  return first === 'upstreams' && typeof path.at(-1) === 'number' ? 'endpoint' : null;
}
