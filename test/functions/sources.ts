import type { FunctionPeer } from './functions-table.ts';

// How functions.tsv names pages of the documents of other gateways, in short.

interface Source {
  readonly address: string;
  /** What to look for on the page. */
  readonly title: string;
}

/** An address as it is, or the short form of a peer. An empty source is the index of the documents. */
export function sourceAddress(peer: FunctionPeer, source: string): Source {
  if (source === '') return { address: indexes[peer], title: '' };
  if (source.startsWith('https://')) return { address: source, title: source.replace('https://', '') };
  return shortForms[peer](source);
}

const haproxyManual = 'https://docs.haproxy.org/3.2';
const caddyDocuments = 'https://caddyserver.com/docs';
const traefikDocuments = 'https://doc.traefik.io/traefik';
const envoyDocuments = 'https://www.envoyproxy.io/docs/envoy/latest';
const kamalFiles = 'https://github.com/basecamp/kamal-proxy/blob/main';

const indexes: Readonly<Record<FunctionPeer, string>> = {
  nginx: 'https://nginx.org/en/docs/dirindex.html',
  HAProxy: `${haproxyManual}/configuration.html`,
  Caddy: `${caddyDocuments}/modules/`,
  Traefik: `${traefikDocuments}/`,
  Envoy: `${envoyDocuments}/`,
  'kamal-proxy': `${kamalFiles}/README.md`,
};

const shortForms: Readonly<Record<FunctionPeer, (source: string) => Source>> = {
  // `core#location` is ngx_http_core_module, `stream/proxy` ngx_stream_proxy_module, `doc/control` a page of its own.
  nginx(source) {
    const { page, anchor, words } = partsOf(source);
    const [kind, name] = page.includes('/')
      ? [page.slice(0, page.indexOf('/')), page.slice(page.indexOf('/') + 1)]
      : ['http', page];
    const path = kind === 'doc' ? name : `${kind}/ngx_${kind}_${name}_module`;
    return { address: `https://nginx.org/en/docs/${path}.html${hash(anchor)}`, title: words || anchor || name };
  },
  // A keyword of the configuration manual or, after `management`, of the management guide. Their headings are numbered
  // differently in each version, so that links lead to the whole.
  HAProxy(source) {
    const [, guide, keyword = ''] = /^(management )?(.*)$/.exec(source) ?? [];
    return { address: `${haproxyManual}/${guide === undefined ? 'configuration' : 'management'}.html`, title: keyword };
  },
  // `rewrite` is a directive, `matchers#path` the page of matchers, and others are pages.
  Caddy(source) {
    const { page, anchor, words } = partsOf(source);
    const path =
      page === 'matchers' ? 'caddyfile/matchers' : caddyPages.test(page) ? page : `caddyfile/directives/${page}`;
    return { address: `${caddyDocuments}/${path}${hash(anchor)}`, title: words || anchor || page };
  },
  // `retry` is a middleware, `R` the rules of routers; others are pages.
  Traefik(source) {
    const path =
      source === 'R'
        ? 'reference/routing-configuration/http/routing/rules-and-priority'
        : /^(?:user-guides|getting-started)\//.test(source)
          ? source
          : source.includes('/')
            ? `reference/${source}`
            : `reference/routing-configuration/http/middlewares/${source}`;
    return { address: `${traefikDocuments}/${path}/`, title: path.slice(path.lastIndexOf('/') + 1) };
  },
  // `cors_filter` is an HTTP filter, `route#RouteMatch.path` a field of the API; others are pages.
  Envoy(source) {
    const { page, anchor } = partsOf(source);
    const api = envoyApi[page];
    if (api !== undefined) {
      const kind = anchor.includes('.') ? 'field' : 'msg';
      const id = `envoy-v3-api-${kind}-${api.slice(0, api.lastIndexOf('/'))}-${anchor}`
        .toLowerCase()
        .replaceAll(/[/._]/g, '-');
      return { address: `${envoyDocuments}/api-v3/${api}.proto#${id}`, title: anchor };
    }
    const path = page.includes('/') ? page : `configuration/http/http_filters/${page}`;
    return { address: `${envoyDocuments}/${path}`, title: path.slice(path.lastIndexOf('/') + 1) };
  },
  // A file of its repository; `deploy.go` has the options of its command.
  'kamal-proxy'(source) {
    const { page, anchor, words } = partsOf(source);
    const path = kamalPaths[page] ?? page;
    return { address: `${kamalFiles}/${path}${hash(anchor)}`, title: words || anchor || path };
  },
};

const caddyPages = /\/|^(?:api|automatic-https|command-line|extending-caddy|install|running)$/;

const envoyApi: Readonly<Record<string, string>> = {
  route: 'config/route/v3/route_components',
  routecfg: 'config/route/v3/route',
  listener: 'config/listener/v3/listener',
  lcomp: 'config/listener/v3/listener_components',
  endpoint: 'config/endpoint/v3/endpoint_components',
  address: 'config/core/v3/address',
  accesslog: 'config/accesslog/v3/accesslog',
  hcm: 'extensions/filters/network/http_connection_manager/v3/http_connection_manager',
  tls: 'extensions/transport_sockets/tls/v3/tls',
  tlscommon: 'extensions/transport_sockets/tls/v3/common',
  proxyprotocol: 'extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol',
};

const kamalPaths: Readonly<Record<string, string>> = {
  'deploy.go': 'internal/cmd/deploy.go',
  'rollout_controller.go': 'internal/server/rollout_controller.go',
};

function partsOf(source: string): { page: string; anchor: string; words: string } {
  const [, page = '', anchor = '', words = ''] = /^([^# ]+)(?:#(\S+))?(?: (.*))?$/.exec(source) ?? [];
  return { page, anchor, words };
}

function hash(anchor: string): string {
  return anchor === '' ? '' : `#${anchor}`;
}
