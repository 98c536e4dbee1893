import { basename } from 'node:path';
import * as z from 'zod';
import { declare, describe } from '../../../schema/default.ts';
import { type ErrorDetail, quoted, reject } from '../../../schema/error-detail.ts';
import type { Findings, Path } from '../../../schema/findings.ts';
import { isToken, parseLoneHeaderName } from '../../../schema/format/field.ts';
import { duration, oneOrMany, parsed, path, text } from '../../../schema/leaves.ts';
import { hide } from '../../../schema/schema-parts.ts';
import { key, section } from '../../../schema/section.ts';
import { type Result, succeed } from '#failures/result.ts';
import { nearest } from '../../../core/nearest.ts';
import type { NamedFile } from '../../feature-keys.ts';
import { claimKeys, reviewClaimHeaders } from '../keys-claims.ts';
import { type SchemeBeside, type SchemeContext, schemeKeys, secretFile, type SchemeKeys } from '../keys-scheme.ts';
import { parseTarget, reviewAsked } from '../keys-values.ts';
import { fitsOne, readPublicKeys } from './key-file.ts';
import { jwtName, type JwtKeysSpec, type JwtSpec, publicAlgorithms, secretAlgorithms } from './settings.ts';

const clockSkewMs = 30_000;
/** RFC 7518 §3.2: as long as the hash. */
const secretLengthMin = 32;

const absent = {
  algorithms: describe(
    'all that public keys can make; `HS256` with `secret_file`',
    'A key makes signatures of its own kind alone, whatever a token says.',
  ),
  clockSkew: declare('30s', 'Clocks that are set over the network differ by less.'),
  from: describe('`Authorization: Bearer`', 'RFC 6750 has it so, and most programs can send it.'),
  userClaim: declare('sub', 'RFC 7519 §4.1.2: whom the token is about.'),
  groupsClaim: declare('groups', 'Most issuers call them so; Keycloak has `realm_access.roles`.'),
  passCredentials: declare(
    'false',
    'Applications that trust the gateway need no tokens, and may write them into their logs.',
  ),
};

const headerName = parsed(parseLoneHeaderName, { kind: 'header name', examples: ['X-Token'] });
const cookieName = parsed(
  (written) =>
    isToken(written) ? succeed(written) : reject(`${quoted(written)} is no name of a cookie`, 'write one word'),
  { kind: 'name', examples: ['token'] },
);

const algorithmNames: readonly string[] = [...publicAlgorithms, ...secretAlgorithms];

function parseAlgorithm(written: string): Result<string, ErrorDetail> {
  if (algorithmNames.includes(written)) return succeed(written);
  if (written.toLowerCase() === 'none')
    return reject(
      'tokens without a signature are never taken, since everybody can make them',
      'name the algorithm of the issuer',
    );
  const [near] = nearest(written.toUpperCase(), algorithmNames, 1);
  return reject(
    `${quoted(written)} is no algorithm of signatures that is understood here`,
    near === undefined ? `there are ${algorithmNames.join(', ')}` : `did you mean ${near}?`,
  );
}

const schema = section({
  keys_file: key(
    hide(path, 'file', 'jwksText'),
    'A file with the public keys of the issuer, as a JSON Web Key Set or PEM. It is read again at each reload.',
  ),
  keys_from: key(
    section({
      upstream: text.meta({ description: 'The upstream of the issuer, by its name. No route needs to lead to it.' }),
      path: parsed(parseTarget, { kind: 'path', examples: ['/.well-known/jwks.json'] }).meta({
        description: 'Where it has its JSON Web Key Set.',
      }),
    }),
    'Where the issuer tells its public keys. They are asked for again every five minutes, and when a token names an unknown one, every ten seconds at most. While the issuer is out, they are used on for a day.',
  ),
  secret_file: key(
    hide(path, 'file', 'secretText'),
    'A file with the secret by which tokens are signed, where issuer and gateway share one.',
  ),
  algorithms: key(
    oneOrMany(parsed(parseAlgorithm, { kind: 'algorithm', examples: ['ES256', 'RS256'] })),
    'The signatures that are believed.',
    absent.algorithms,
  ),
  issuer: key(oneOrMany(text), 'The claim `iss` that tokens must have, or several of which one is enough.'),
  audience: key(oneOrMany(text), 'The claim `aud` that tokens must have, or several of which one is enough.'),
  clock_skew: key(duration, 'By how much the clocks of issuer and gateway may differ.', absent.clockSkew),
  header: key(headerName, 'The header of requests that has the token, alone or after `Bearer`.', absent.from),
  cookie: key(cookieName, 'The cookie that has the token.', absent.from),
  user_claim: key(text, 'The claim that has the name of the user.', absent.userClaim),
  ...claimKeys(absent.groupsClaim),
  pass_credentials: key(z.boolean(), 'Whether applications get the token.', absent.passCredentials),
});

type JwtRead = z.output<typeof schema>;

function algorithmsOf({ algorithms, secret_file }: JwtRead): readonly string[] {
  return algorithms ?? (secret_file === undefined ? publicAlgorithms : ['HS256']);
}

function keysOf({ keys_file, keys_from, secret_file }: JwtRead, { contentOf }: SchemeContext): JwtKeysSpec {
  if (keys_file !== undefined)
    return { kind: 'set', jwksText: readPublicKeys(contentOf(keys_file)).jwksText ?? '{"keys":[]}' };
  if (keys_from !== undefined) return { kind: 'upstream', upstream: keys_from.upstream, target: keys_from.path };
  return { kind: 'secret', secretText: secret_file === undefined ? '' : contentOf(secret_file) };
}

function fromOf({ header, cookie }: JwtRead): JwtSpec['from'] {
  if (cookie !== undefined) return { kind: 'cookie', name: cookie };
  if (header === undefined || header.toLowerCase() === 'authorization')
    return { kind: 'bearer', name: 'authorization' };
  return { kind: 'header', name: header.toLowerCase() };
}

export const jwt: SchemeKeys = schemeKeys<JwtRead>({
  name: jwtName,
  schema,
  description:
    'Signed tokens (JSON Web Tokens, RFC 7519), as OAuth and OpenID Connect give them to programs. They must have an end (`exp`), and are never taken without a signature.',
  example: '{ keys_file: issuer.pem }',
  believes: ({ issuer, keys_file, secret_file, keys_from }) =>
    issuer?.join(' ') ?? keys_file ?? secret_file ?? keys_from?.upstream ?? '',
  knows: () => ['users', 'groups', 'claims'],
  ofRoute: (read, context): JwtSpec => ({
    keys: keysOf(read, context),
    algorithms: algorithmsOf(read),
    issuers: read.issuer ?? null,
    audiences: read.audience ?? null,
    clockSkewMs: read.clock_skew ?? clockSkewMs,
    from: fromOf(read),
    userClaim: read.user_claim ?? absent.userClaim.written,
    groupsClaim: read.groups_claim ?? absent.groupsClaim.written,
    claimHeaders: Object.entries(read.claim_headers ?? {}),
    passesCredentials: read.pass_credentials ?? false,
  }),
  files: (read) => filesOf(read),
  headersSet: ({ claim_headers = {} }) => Object.keys(claim_headers),
  upstreams: ({ keys_from }) => (keys_from === undefined ? [] : [keys_from.upstream]),
  review: reviewJwt,
});

function filesOf(read: JwtRead): readonly NamedFile[] {
  const { keys_file, secret_file } = read;
  const files: NamedFile[] = [];
  if (keys_file !== undefined)
    files.push({
      kind: { what: 'a list of public keys', bytesMax: 256 * 1024 },
      ...{ path: keys_file, at: ['keys_file'] },
      review: (content, at, findings) => reviewKeys(content, keys_file, read, at, findings),
    });
  if (secret_file !== undefined)
    files.push({
      ...{ kind: secretFile, path: secret_file, at: ['secret_file'] },
      review(content, at, findings) {
        const { length } = content.trim();
        if (length < secretLengthMin)
          findings.errorAtValue(
            at,
            `the secret in ${quoted(basename(secret_file))} has ${length} characters, and ${secretLengthMin} are the least that nobody guesses (RFC 7518 §3.2)`,
            `openssl rand -base64 48 > ${secret_file}`,
          );
      },
    });
  return files;
}

function reviewKeys(content: string, file: string, read: JwtRead, at: Path, findings: Findings): void {
  const { flaw, types } = readPublicKeys(content);
  const name = quoted(basename(file));
  if (flaw !== null) return findings.errorAtValue(at, `${name}: ${flaw.message}`, flaw.suggestion);
  const algorithms = algorithmsOf(read);
  if (read.secret_file === undefined && types.every((type) => !fitsOne(type, algorithms)))
    findings.errorAtValue(
      at,
      `no key of ${name} makes a signature by ${algorithms.join(', ')}: nobody could enter`,
      'name the algorithm of the issuer in "algorithms"',
    );
}

const sources = ['keys_file', 'keys_from', 'secret_file'] as const;

function reviewJwt(read: JwtRead, at: Path, beside: SchemeBeside, findings: Findings): void {
  const [first, second] = sources.filter((name) => read[name] !== undefined);
  if (first === undefined)
    findings.errorAtKey(
      at,
      'nothing says which signatures are believed',
      'add "keys_file", "keys_from" or "secret_file"',
    );
  if (second !== undefined)
    findings.errorAtKey(
      [...at, second],
      `${quoted(first as string)} says already which keys are believed`,
      'remove one of them',
    );
  if (read.header !== undefined && read.cookie !== undefined)
    findings.errorAtKey([...at, 'cookie'], 'the token is in "header" already', 'remove one of them');
  if (read.keys_from !== undefined)
    reviewAsked(read.keys_from.upstream, [...at, 'keys_from', 'upstream'], beside, findings);
  reviewClaimHeaders(read.claim_headers ?? {}, at, findings);
  reviewAlgorithms(read, at, findings);
  if (read.clock_skew !== undefined && read.clock_skew > 5 * 60_000)
    findings.warnAtValue(
      [...at, 'clock_skew'],
      'tokens are believed long after their end',
      'set the clocks over the network (NTP)',
    );
  // A secret is shared with one issuer; with public keys of an issuer, tokens for all of its clients have the same signature.
  if (first !== 'secret_file' && first !== undefined && read.audience === undefined)
    findings.warnAtKey(
      at,
      'tokens that the issuer has made for any other application are let in',
      'add "audience", with what tokens for this one have as "aud"',
    );
}

function reviewAlgorithms({ algorithms = [], secret_file }: JwtRead, at: Path, findings: Findings): void {
  const secret = algorithms.find((name) => name.startsWith('HS'));
  if (secret !== undefined && secret_file === undefined)
    findings.errorAtKey(
      [...at, 'algorithms'],
      `${secret} needs a secret, and public keys are none: everybody could sign with them`,
      'remove it, or name the secret in "secret_file"',
    );
  const open = algorithms.find((name) => !name.startsWith('HS'));
  if (open !== undefined && secret_file !== undefined)
    findings.errorAtKey(
      [...at, 'algorithms'],
      `${open} needs public keys, and "secret_file" is a secret`,
      'write HS256',
    );
}
