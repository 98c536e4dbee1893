/** The key `auto` of a listener's `tls`: certificates from CAs that speak ACME. */
import * as z from 'zod';
import { defaults } from './defaults.ts';
import { parseAcmeDirectory, parseAskUrl, parseMailAddress } from './format/acme-directory.ts';
import { splitCommandLine } from '../schema/format/command-line.ts';
import { parseAllowedHost, parseHostPattern } from './format/host-pattern.ts';
import { durationOrNone, oneOrMany, parsed, path, text } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';

const directory = parsed(parseAcmeDirectory, {
  kind: 'directory of a CA',
  examples: ['production', 'staging', 'https://ca.internal/acme/directory'],
});

export const automaticTls = z.union([
  z.boolean(),
  section({
    contact: key(
      oneOrMany(parsed(parseMailAddress, { kind: 'mail address', examples: ['ops@example.org'] })),
      'Where the CA may write to about the account.',
      defaults.automaticTls.contact,
    ),
    directory: key(
      hide(directory, 'query'),
      "The CA: `production` and `staging` are Let's Encrypt, or the URL of the directory of another one. Certificates of `staging` are trusted by no browser, and its limits are high. You agree to the terms of the CA.",
      defaults.automaticTls.directory,
    ),
    fallback: key(
      hide(oneOrMany(directory), 'query'),
      'CAs that are asked in this order: at once where the one before cannot issue for a host without a valid certificate, for a renewal after five failures in a row.',
      defaults.automaticTls.fallback,
    ),
    ca_file: key(
      oneOrMany(path),
      'Files of certificate authorities in PEM, by which the servers of these CAs are trusted besides the public ones.',
      defaults.automaticTls.caFile,
    ),
    external_account: key(
      section({
        key_id: text.meta({ description: 'The identifier of the key, as the CA shows it.' }),
        hmac_key_file: hide(path, 'file', 'hmacKey').meta({
          description:
            'A file with the key in base64url, as the CA shows it, which the user of the gateway alone may read.',
        }),
      }),
      'An account at the CA named as `directory` that exists elsewhere, to which the ACME account is bound (EAB, RFC 8555 §7.3.4): ZeroSSL, Google, Sectigo and CAs of companies want one.',
    ),
    hosts: key(
      oneOrMany(parsed(parseHostPattern, { kind: 'host', examples: ['example.org', '*.example.org'] })),
      'The host names; each gets a certificate of its own. Names that `certificates` have are left out.',
      defaults.automaticTls.hosts,
    ),
    on_demand: key(
      section({
        allow: key(
          oneOrMany(parsed(parseAllowedHost, { kind: 'host', examples: ['shop.example.org', '*.example.org'] })),
          'Names that get a certificate when a client asks for one; `*.example.org` is each name one label below.',
          defaults.automaticTls.onDemandAllow,
        ),
        ask: key(
          hide(parsed(parseAskUrl, { kind: 'URL', examples: ['http://127.0.0.1:3000/may-have-certificate'] }), 'path'),
          'A URL that says whether another name gets a certificate: `GET` with `?domain=<name>` is answered with a status from 200 to 299.',
        ),
      }),
      'Certificates for names that no route has literally, obtained when a client asks for the name in a handshake.',
    ),
    challenges: key(
      oneOrMany(z.enum(['http-01', 'tls-alpn-01', 'dns-01'])),
      'How the CA is shown that the names are ours, in this order: `http-01` over port 80, `tls-alpn-01` over port 443, `dns-01` by `dns_hook`.',
      defaults.automaticTls.challenges,
    ),
    dns_hook: key(
      hide(z.union([parsed(splitCommandLine, { kind: 'command' }), z.array(z.string()).min(1)]), 'command'),
      'A command that sets DNS records. `present` or `cleanup` follows as its last argument, and `CANDOR_ACME_NAME` and `CANDOR_ACME_VALUE` are the name and the value of the TXT record.',
    ),
    propagation_timeout: key(
      durationOrNone,
      'How long the record is waited for after `present`, until all name servers of its zone have it; then the CA is asked in any case. `none`: the CA is asked at once.',
      defaults.automaticTls.propagationTimeout,
    ),
  }),
]);

export type AutomaticTlsRead = Exclude<z.output<typeof automaticTls>, boolean>;
