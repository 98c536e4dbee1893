import type { Fix } from '../finding.ts';
import { fix, type FixContext } from './fixes.ts';

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
