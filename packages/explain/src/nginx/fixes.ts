import type { Fix } from '../finding.ts';
import type { NginxProduct } from './verdict.ts';

/** Modules that use TLS to an application. Their directives begin with the name of the module. */
const withTls: ReadonlySet<string> = new Set(['proxy', 'grpc', 'uwsgi']);

interface TlsSetting {
  /** The directive without its prefix: `ssl_name`. */
  readonly name: string;
  readonly value: string;
  /** The annotation of ingress-nginx, if its name differs. */
  readonly annotated?: string;
}

/** `SETTING` in `text` stands for the first setting, which decides. Products without these settings get the text alone. */
function settingFix(text: string, settings: readonly TlsSetting[], { product, module }: FixContext): Fix {
  const [first] = settings;
  if (product === 'kong' || product === 'apisix')
    return fix(text.replace('SETTING', "the upstream's TLS settings"), null);
  if (product === 'ingress-nginx') {
    const annotation = (name: string): string => `proxy-${name.replaceAll('_', '-')}`;
    return fix(
      text.replace(
        'SETTING',
        `the annotation \`${annotation(first?.name ?? '').replace('-trusted-certificate', '-secret')}\``,
      ),
      settings
        .map(({ name, value, annotated }) =>
          annotated === undefined
            ? `nginx.ingress.kubernetes.io/${annotation(name)}: "${value}"`
            : `nginx.ingress.kubernetes.io/${annotated}`,
        )
        .join('\n'),
    );
  }
  const prefix = withTls.has(module) ? module : 'proxy';
  return fix(
    text.replace('SETTING', `\`${prefix}_${first?.name}\``),
    settings.map(({ name, value }) => `${prefix}_${name} ${value};`).join('\n'),
  );
}

const serverName: readonly TlsSetting[] = [
  { name: 'ssl_name', value: 'app.example.com' },
  { name: 'ssl_server_name', value: 'on' },
];

export const nameInCertificate = (context: FixContext): Fix =>
  settingFix('Set SETTING to the name in the certificate', serverName, context);

export const nameInHandshake = (text: string, context: FixContext): Fix => settingFix(text, serverName, context);

export const trustAuthority = (context: FixContext): Fix =>
  settingFix(
    'Put the authority that signed it into SETTING, or renew the certificate if it is out of date',
    [
      {
        name: 'ssl_trusted_certificate',
        value: '/etc/ssl/certs/ca-certificates.crt',
        annotated: 'proxy-ssl-secret: "NAMESPACE/SECRET"',
      },
      { name: 'ssl_verify_depth', value: '3' },
    ],
    context,
  );

export const commonVersion = (context: FixContext): Fix =>
  settingFix(
    'Configure a TLS version and ciphers that both sides support: SETTING',
    [{ name: 'ssl_protocols', value: 'TLSv1.2 TLSv1.3' }],
    context,
  );

/** The upstream's port does not speak TLS. */
export function speakPlainly({ product, module, isStream }: FixContext): Fix {
  if (product === 'ingress-nginx') {
    return fix(
      'Set the annotation `backend-protocol` to HTTP, or use the port on which the application speaks TLS in the Service',
      'nginx.ingress.kubernetes.io/backend-protocol: "HTTP"',
    );
  }
  if (product === 'kong')
    return fix('Set `protocol` of the service to `http`, or its `port` to the one that speaks TLS');
  if (product === 'apisix')
    return fix('Set `scheme` of the upstream to `http`, or the port to the one that speaks TLS');
  if (isStream)
    return fix('Switch `proxy_ssl` off, or use the port on which the application speaks TLS', 'proxy_ssl off;');
  if (module === 'grpc') {
    return fix(
      'Write `grpc://` in `grpc_pass`, or the port on which the application speaks TLS',
      'grpc_pass grpc://HOST:PORT;',
    );
  }
  return fix(
    'Write `http://` in `proxy_pass`, or the port on which the application speaks TLS',
    'proxy_pass http://HOST:PORT;',
  );
}

/** Where the settings for a failure are: in which product, and in which of its modules. */
export interface FixContext {
  readonly product: NginxProduct;
  /** The prefix of the module's directives: `proxy`, `fastcgi`, `grpc`. */
  readonly module: string;
  readonly isStream: boolean;
}

const modules: Readonly<Record<string, string>> = {
  fastcgi: 'fastcgi',
  uwsgi: 'uwsgi',
  suwsgi: 'uwsgi',
  scgi: 'scgi',
  grpc: 'grpc',
  grpcs: 'grpc',
  memcached: 'memcached',
};

/** The module that connects to this upstream, by the scheme in the error log: `fastcgi://…`. */
export function moduleOf(upstream: string | null): string {
  const scheme = upstream === null ? '' : upstream.slice(0, Math.max(0, upstream.indexOf('://')));
  return Object.hasOwn(modules, scheme) ? (modules[scheme] ?? 'proxy') : 'proxy';
}

export const fix = (text: string, snippet: string | null = null): Fix => ({ text, snippet });

const kongTimeouts = { connect: 'connect_timeout', send: 'write_timeout', read: 'read_timeout' } as const;

/** The settings of this product for longer timeouts. */
export function raiseTimeout(which: 'connect' | 'send' | 'read', { product, module, isStream }: FixContext): Fix {
  if (product === 'ingress-nginx') {
    return fix(
      `Raise the annotation \`proxy-${which}-timeout\` above what the application needs, or make the application faster`,
      `nginx.ingress.kubernetes.io/proxy-${which}-timeout: "120"`,
    );
  }
  if (product === 'kong') {
    return fix(
      `Raise the service's \`${kongTimeouts[which]}\` (milliseconds) above what the application needs, or make the application faster`,
      `curl -X PATCH http://localhost:8001/services/SERVICE --data ${kongTimeouts[which]}=120000`,
    );
  }
  if (product === 'apisix') {
    return fix(
      `Raise \`timeout.${which}\` (seconds) of the route or upstream above what the application needs, or make the application faster`,
      '"timeout": { "connect": 6, "send": 120, "read": 120 }',
    );
  }
  const isWhole = isStream && which !== 'connect';
  const directive = isWhole ? 'proxy_timeout' : `${module}_${which}_timeout`;
  return fix(
    `Raise \`${directive}\` (${isWhole ? '10m' : '60s'} unless set) above what the application needs, or make the application faster`,
    `${directive} ${isWhole ? '20m' : '120s'};`,
  );
}

/** Either the configured address is wrong, or the application is down or cannot be reached. */
export function checkAddress(what: string, { product, module, isStream }: FixContext): Fix {
  if (product === 'ingress-nginx') {
    return fix(
      `${what}; check the pods, and that the Service's \`targetPort\` is the port on which the container listens`,
      'kubectl get endpointslices -l kubernetes.io/service-name=SERVICE',
    );
  }
  if (product === 'kong') return fix(`${what}; check \`host\` and \`port\` of the service or its targets`, null);
  if (product === 'apisix') return fix(`${what}; check \`nodes\` of the upstream`, null);
  const directive = isStream ? 'proxy_pass' : `${module}_pass`;
  return fix(
    `${what}; check the address in \`${directive}\` or in the \`server\` lines of its \`upstream\` block`,
    null,
  );
}

/** Modules that use one buffer for the head and the body. */
const unbuffered: ReadonlySet<string> = new Set(['grpc', 'memcached']);

/** The settings of this product for a larger response head. */
export function enlargeHeadBuffer({ product, module }: FixContext): Fix {
  if (product === 'ingress-nginx') {
    return fix(
      'Raise the annotation `proxy-buffer-size` above the size of the response head, or have the application send smaller cookies and headers',
      'nginx.ingress.kubernetes.io/proxy-buffer-size: "16k"',
    );
  }
  if (product === 'kong') {
    return fix(
      'Raise `nginx_proxy_proxy_buffer_size` above the size of the response head, or have the application send smaller cookies and headers',
      'nginx_proxy_proxy_buffer_size = 16k\nnginx_proxy_proxy_buffers = 8 16k\nnginx_proxy_proxy_busy_buffers_size = 32k',
    );
  }
  const directive = `${module}_buffer_size`;
  return fix(
    `Raise \`${directive}\` above the size of the response head, or have the application send smaller cookies and headers`,
    unbuffered.has(module)
      ? `${directive} 16k;`
      : `${directive} 16k;\n${module}_buffers 8 16k;\n${module}_busy_buffers_size 32k;`,
  );
}

export const keepApplicationConnected = ({ product, module }: FixContext): Fix =>
  fix(
    product === 'nginx' || product === 'openresty'
      ? 'Find out why the application closed the connection: a crash or restart at that second, or its keep-alive timeout, which must be longer than `keepalive_timeout` of the `upstream` block'
      : "Find out why the application closed the connection: a crash or restart at that second, or its keep-alive timeout, which must be longer than the gateway's",
    product === 'ingress-nginx'
      ? 'upstream-keepalive-timeout: "4"'
      : product === 'kong'
        ? 'upstream_keepalive_idle_timeout = 4'
        : (product === 'nginx' || product === 'openresty') && module === 'proxy'
          ? 'upstream NAME { server HOST:PORT; keepalive 32; keepalive_timeout 4s; }'
          : null,
  );

/** The variables that an access log needs to distinguish failures. */
export const wantedVariables = [
  'upstream_addr',
  'upstream_status',
  'upstream_connect_time',
  'upstream_header_time',
  'upstream_bytes_received',
] as const;

const shortLabels: Readonly<Record<(typeof wantedVariables)[number], string>> = {
  upstream_addr: 'ua',
  upstream_status: 'us',
  upstream_connect_time: 'uct',
  upstream_header_time: 'uht',
  upstream_bytes_received: 'ubr',
};

const completeFormat = `log_format upstream '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                    '"$http_referer" "$http_user_agent" rt=$request_time conn=$connection '
                    'ua="$upstream_addr" us="$upstream_status" uct="$upstream_connect_time" '
                    'uht="$upstream_header_time" urt="$upstream_response_time" ubr="$upstream_bytes_received"';
access_log /var/log/nginx/access.log upstream;`;

const completeLine = completeFormat
  .slice(completeFormat.indexOf("'"), completeFormat.lastIndexOf("'") + 1)
  .split('\n')
  .map((line) => line.trim().replace(/^'|'$/g, ''))
  .join('');

/** The variables to add to the format, so that the next such failure can be explained; `has` are those that it has already. */
export function logMore(product: NginxProduct, has: ReadonlySet<string>): Fix {
  const lacks = wantedVariables.filter((name) => !has.has(name));
  if (lacks.length === 0) return readErrorLog(product);
  const names = lacks.map((name) => `\`$${name}\``).join(', ');
  const text = `Add ${names} to the log format, and read the error log at that second: it has the cause`;
  if (product === 'ingress-nginx') return fix(text, `log-format-upstream: '${completeLine}'`);
  if (product === 'apisix') return fix(text, `nginx_config:\n  http:\n    access_log_format: '${completeLine}'`);
  if (product === 'kong') {
    return fix(text, `nginx_http_log_format = upstream '${completeLine}'\nproxy_access_log = /dev/stdout upstream`);
  }
  if (lacks.length === wantedVariables.length) return fix(text, completeFormat);
  return fix(text, lacks.map((name) => `${shortLabels[name]}="$${name}"`).join(' '));
}

export function readErrorLog(product: NginxProduct): Fix {
  const text = 'Read the error log at that second: it has the cause, and the access log never does';
  if (product === 'ingress-nginx') return fix(text, 'error-log-level: "notice"');
  if (product === 'kong') return fix(text, 'log_level = notice');
  if (product === 'apisix') return fix(text, 'nginx_config:\n  error_log_level: "warn"');
  return fix(text, 'error_log /var/log/nginx/error.log warn;');
}
