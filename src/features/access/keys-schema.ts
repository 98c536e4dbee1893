import * as z from 'zod';
import { declare, describe } from '../../schema/default.ts';
import { parseNetwork } from '../../schema/format/network.ts';
import { oneOrMany, parsed, path, text } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { agentWords } from './agent-groups.ts';
import { parseAgent, parseCountry, parseFingerprint } from './keys-values.ts';

const absent = {
  unknown: describe(
    '`deny` beside `allow`, else `allow`',
    'Who lets in some countries alone means those that are known.',
  ),
  dryRun: declare('false', 'Rules are written to hold.'),
};

const networks = oneOrMany(parsed(parseNetwork, { kind: 'network', examples: ['10.0.0.0/8'] }));
const countries = oneOrMany(parsed(parseCountry, { kind: 'code of a country', examples: ['DE'] }));
const agents = oneOrMany(parsed(parseAgent, { kind: 'pattern', examples: ['*BadBot*'] }));

const certificateRule = section({
  subject: key(text, 'The name in the certificate, such as `CN=ada,*`; `*` stands for any characters.'),
  issuer: key(text, 'The name of the authority that has signed it, likewise.'),
  fingerprint: key(
    parsed(parseFingerprint, { kind: 'fingerprint' }),
    'Its SHA-256, as `openssl x509 -fingerprint -sha256` writes it.',
  ),
});

const accessSection = section({
  allow: key(
    networks,
    'Networks of clients that may ask, by the address that trusted peers name. All others are refused.',
  ),
  allow_file: key(
    path,
    'A file with more of them, one in each line; what follows `#` or `;` is a remark. A reload reads it again.',
  ),
  deny: key(networks, 'Networks whose clients are refused, also those within `allow`.'),
  deny_file: key(path, 'A file with more of them.'),
  countries: key(
    section({
      allow: key(countries, 'Countries from which clients may ask: two letters of ISO 3166-1.'),
      deny: key(countries, 'Countries whose clients are refused.'),
      unknown: key(
        z.enum(['allow', 'deny']),
        'What becomes of clients whose country the file does not have, such as those of private networks.',
        absent.unknown,
      ),
    }),
    'Rules by the country of the address, for which `country_file` is needed.',
  ),
  user_agents: key(
    section({
      allow: key(agents, 'Patterns or groups as in `deny`: all other programs are refused.'),
      deny: key(
        agents,
        `Patterns of the header User-Agent, such as \`"*BadBot*"\` (\`*\` stands for any characters, and case does not matter), or groups: ${agentWords.map((word) => `\`${word}\``).join(', ')}.`,
      ),
    }),
    'Rules by the program that asks, as far as it says its name: a client may write any.',
  ),
  certificates: key(
    section({
      allow: key(z.array(certificateRule).min(1), 'The certificate of the client must be as one of these says.'),
      deny: key(z.array(certificateRule).min(1), 'Certificates that are refused, such as one whose key was stolen.'),
    }),
    'Rules by the certificate of the client, which `client_certificates` of a listener has verified.',
  ),
  dry_run: key(z.boolean(), 'Whether requests pass that would be refused. They are counted.', absent.dryRun),
});

export const accessKeys = {
  access: key(
    z.union([z.literal('none'), accessSection]),
    'Which clients may ask: by network, country, program and certificate. Each rule that is there must let a request pass; others are refused with 403. Or `none`.',
  ),
};

export const accessFileKeys = {
  ...accessKeys,
  country_file: key(
    path,
    'A file with the countries of addresses in the format of MaxMind, such as `GeoLite2-Country.mmdb`. A reload reads it again.',
  ),
};

export type AccessRead = z.output<typeof accessSection>;

export interface AccessRouteRead {
  readonly access?: AccessRead | 'none';
}

export interface AccessFileRead extends AccessRouteRead {
  readonly country_file?: string;
  readonly trusted_peers?: readonly string[];
}
