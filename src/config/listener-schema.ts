/** What may be written about listeners and their TLS. */
import * as z from 'zod';
import { automaticTls } from './automatic-tls-schema.ts';
import { defaults } from './defaults.ts';
import { parseListenAddress } from './format/address.ts';
import { ageOrNone, oneOrMany, parsed, path, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';

export const listenAddress = z.union([
  parsed(parseListenAddress, { kind: 'address', examples: [':8080', 'localhost:8080'] }),
  whole(0, 65_535),
]);

const certificateFiles = {
  certificate_file: path.meta({ description: 'A certificate in PEM, followed by its intermediate certificates.' }),
  key_file: hide(path, 'file', 'key').meta({
    description: 'The private key of that certificate, in PEM, without a passphrase.',
  }),
};

const tlsVersions = {
  version_min: key(
    z.enum(['1.2', '1.3']),
    'The oldest version of TLS that is accepted.',
    defaults.listenerTls.versionMin,
  ),
  profile: key(
    z.enum(['intermediate', 'modern']),
    "Mozilla's profile: `intermediate` accepts TLS 1.2 with ciphers that are still secure; `modern` is TLS 1.3 alone.",
    defaults.listenerTls.profile,
  ),
};

export const adminTls = section({ ...certificateFiles, ...tlsVersions });

const listenerTls = section({
  certificates: key(
    z.array(section(certificateFiles)).min(1),
    'Certificates from files. A client gets the one that has the host name that it asks for (SNI), a client that asks for none the first one.',
  ),
  auto: key(
    automaticTls,
    '`true`, or how to obtain certificates automatically (ACME) for the hosts that `certificates` do not have.',
    defaults.listenerTls.auto,
  ),
  internal: key(
    z.boolean(),
    'Certificates from a CA of this gateway, for development: see `candor trust`.',
    defaults.listenerTls.internal,
  ),
  unknown_names: key(
    z.enum(['refuse', 'first']),
    'What clients get that ask for a host name which no certificate has: `refuse` ends the handshake with the alert `unrecognized_name`; `first` shows them the first certificate.',
    defaults.listenerTls.unknownNames,
  ),
  ...tlsVersions,
  redirect_http: key(
    z.union([z.boolean(), whole(1, 65_535)]),
    'Whether requests in clear text for a host of these certificates are redirected to this listener (308), or the port at which clients reach it where that is another one than in `bind`. Routes with `readiness` are not redirected, nor is a host before its certificate has been obtained.',
    defaults.listenerTls.redirectHttp,
  ),
  hsts: key(
    ageOrNone,
    'How long browsers that were here use TLS alone for the host (Strict-Transport-Security), such as `365d`, or `none`.',
    defaults.listenerTls.hsts,
  ),
  client_certificates: key(
    section({
      ca_file: oneOrMany(path).meta({
        description: 'Files of the certificate authorities, in PEM, whose certificates clients may show.',
      }),
      required: key(
        z.boolean(),
        'Whether clients without a certificate are refused. With `false` applications see whether there is one.',
        defaults.listenerTls.clientCertificateRequired,
      ),
    }),
    'Clients are asked for a certificate.',
  ),
});

export const listener = z.union([
  listenAddress,
  section({
    bind: listenAddress.meta({
      description: 'Address and port, such as `localhost:8080`; `:8080` is every IPv4 address, `[::]:8080` IPv6 too.',
    }),
    proxy_protocol: key(
      z.boolean(),
      'Connections begin with a PROXY protocol header, which trusted peers alone may send.',
      defaults.proxyProtocol,
    ),
    http2: key(
      z.boolean(),
      'Whether clients may speak HTTP/2: as TLS clients choose (ALPN), and in clear text where they know it beforehand. `false`: HTTP/1.1 alone.',
      defaults.http2,
    ),
    tls: key(
      z.union([z.enum(['auto', 'internal']), listenerTls]),
      '`auto`: TLS with certificates that are obtained automatically; `internal`: with those of a CA of this gateway, for development; or how to speak TLS. Absent: connections are in clear text.',
    ),
  }),
]);

export type ListenerRead = z.output<typeof listener>;
export type AdminTlsRead = z.output<typeof adminTls>;
export type ListenerTlsRead = z.output<typeof listenerTls>;
