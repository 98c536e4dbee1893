import { hash } from 'node:crypto';
import type { FilterContext } from '../../../core/filter.ts';
import { authenticationScheme, type SchemeDecision, type SchemePart } from '../worker-scheme.ts';
import { type ApiKeyOwner, readKeyFile } from './key-file.ts';
import { inAuthorization, inHeader } from '../worker-scheme-credentials.ts';
import { apiKeysName, type ApiKeysSpec } from './settings.ts';
import { ParsedFiles } from '../worker-parsed-files.ts';

const keyLengthMax = 512;
const absent: SchemeDecision = { kind: 'absent' };
const malformed: SchemeDecision = {
  ...{ kind: 'refused', fault: 'malformed' },
  because: `the key is empty or longer than ${keyLengthMax} characters`,
};
const unknown: SchemeDecision = { kind: 'refused', fault: 'unknown_key', because: 'no such key is known' };

/** Files of keys, which several routes may have in common. */
const files = new ParsedFiles((text) => ({ owners: readKeyFile(text).owners }));

export const apiKeys = authenticationScheme<ApiKeysSpec, SchemePart>({
  name: apiKeysName,
  prepare(spec, { realm }) {
    const { owners } = files.of(spec.keysText);
    return {
      asksFor: 'an API key',
      // RFC 9110 §15.5.2: a 401 says what is asked for. A key in a header of its own has no registered scheme.
      credentials:
        spec.header === null
          ? inAuthorization('bearer', spec.passesCredentials)
          : inHeader(spec.header, spec.passesCredentials),
      challenge: spec.header === null ? `Bearer realm="${realm}"` : `ApiKey realm="${realm}", header="${spec.header}"`,
      authenticate: (exchange) => decide(exchange, spec, owners),
    };
  },
});

function decide(
  exchange: FilterContext,
  { header }: ApiKeysSpec,
  owners: ReadonlyMap<string, ApiKeyOwner>,
): SchemeDecision {
  const sent = exchange.variables.header(header ?? 'authorization');
  if (sent === null) return absent;
  const key = header === null ? /^bearer +(.*)$/i.exec(sent)?.[1] : sent;
  if (key === undefined) return absent;
  if (key === '' || key.length > keyLengthMax) return malformed;
  // Keys are found by their hash: how long that takes says nothing of any key.
  const owner = owners.get(hash('sha256', key, 'hex'));
  if (owner === undefined) return unknown;
  return { kind: 'user', user: { name: owner.name, by: apiKeysName, claims: { groups: owner.groups } } };
}
