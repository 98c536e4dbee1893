/**
 * What the check of a token costs beside verifying its signature alone, in microseconds: `npm run bench:tokens -- [rounds]`. Tokens of ES256, one key
 * that is imported already. *alone* is `jwtVerify` of jose; *first* is the scheme `jwt` with tokens that it has not seen; *again* with one that it has.
 * Prints the best of the rounds, because other programs on the machine can only make a round slower.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { importJWK, jwtVerify } from 'jose';
import type { FilterContext } from '../src/core/filter.ts';
import type { JwtSpec } from '../src/features/authentication/jwt/settings.ts';
import { jwt } from '../src/features/authentication/jwt/worker.ts';
import type { SchemePorts } from '../src/features/authentication/worker-scheme.ts';
import { systemClock } from '../src/system/system.ts';

const rounds = Number(process.argv[2] ?? 20);
const perRound = 200;
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one' };

function token(number: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    ...{ iss: 'https://login.example.org', aud: 'shop', sub: `user${number}`, groups: ['deploy', 'read'] },
    exp: Math.floor(Date.now() / 1000) + 3600,
  };
  const input = `${part({ alg: 'ES256', kid: 'one' })}.${part(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const spec: JwtSpec = {
  ...{ keys: { kind: 'set', jwksText: JSON.stringify({ keys: [jwk] }) }, algorithms: ['ES256'] },
  ...{ issuers: ['https://login.example.org'], audiences: ['shop'], clockSkewMs: 30_000 },
  ...{ from: { kind: 'bearer', name: 'authorization' }, userClaim: 'sub', groupsClaim: 'groups' },
  ...{ claimHeaders: [['X-Sub', 'sub']], passesCredentials: false },
};

function contextOf(text: string): FilterContext {
  const variables = { header: () => `Bearer ${text}` };
  return { variables, removeRequestHeader: () => {} } as unknown as FilterContext;
}

await jwt.load?.(spec);
const part = jwt.prepare(spec, { clock: systemClock, route: 'r', realm: 'R' } as unknown as SchemePorts, null);
const key = await importJWK(jwk, 'ES256');
const options = {
  algorithms: ['ES256'],
  issuer: ['https://login.example.org'],
  audience: ['shop'],
  clockTolerance: 30,
};

function checked(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (decision: { kind: string }): void =>
      decision.kind === 'user' ? resolve() : reject(new Error(JSON.stringify(decision)));
    const decision = part.authenticate(contextOf(text), { settle, onCancelled: null });
    if (decision !== null) settle(decision);
  });
}

const best = { alone: Number.POSITIVE_INFINITY, first: Number.POSITIVE_INFINITY, again: Number.POSITIVE_INFINITY };

async function measured(
  name: keyof typeof best,
  texts: readonly string[],
  run: (text: string) => Promise<unknown>,
): Promise<void> {
  const began = process.cpuUsage();
  for (const text of texts) await run(text);
  const { user, system } = process.cpuUsage(began);
  best[name] = Math.min(best[name], (user + system) / texts.length);
}

for (let round = 0; round < rounds; round++) {
  const texts = Array.from({ length: perRound }, (_, index) => token(round * perRound + index));
  await measured('alone', texts, (text) => jwtVerify(text, key, options));
  await measured('first', texts, checked);
  await measured(
    'again',
    Array.from({ length: perRound }, () => texts[0] as string),
    checked,
  );
}
const shown = (us: number): string => us.toFixed(1).padStart(8);
console.log(`alone ${shown(best.alone)} µs of processor time for each token`);
console.log(`first ${shown(best.first)} µs, ${(best.first / best.alone).toFixed(2)} times`);
console.log(`again ${shown(best.again)} µs`);
