import * as z from 'zod';
import { declare, describe } from '../../../schema/default.ts';
import { parseLoneHeaderName } from '../../../schema/format/field.ts';
import { parsed, path } from '../../../schema/leaves.ts';
import { hide } from '../../../schema/schema-parts.ts';
import { key, section } from '../../../schema/section.ts';
import { reviewLines } from '../../keys-lines.ts';
import { hashesFile, schemeKeys, type SchemeKeys } from '../keys-scheme.ts';
import { readKeyFile } from './key-file.ts';
import { apiKeysName, type ApiKeysSpec } from './settings.ts';

const absent = {
  header: describe('`Authorization: Bearer`', 'Most programs and libraries have a setting for it.'),
  passCredentials: declare(
    'false',
    'Applications that trust the gateway need no keys, and may write them into their logs.',
  ),
};

const schema = section({
  keys_file: hide(
    path.meta({
      description:
        'A file with a line `name:hash` for each key, or `name:hash:group,group`; the hash is SHA-256 in hexadecimal digits. `candor key new` makes a key and its line. It is read again at each reload.',
    }),
    'file',
    'keysText',
  ),
  header: key(
    parsed(parseLoneHeaderName, { kind: 'header name', examples: ['X-API-Key'] }),
    'The header of requests that has the key alone.',
    absent.header,
  ),
  pass_credentials: key(z.boolean(), 'Whether applications get the header with the key.', absent.passCredentials),
});

export const apiKeys: SchemeKeys = schemeKeys<z.output<typeof schema>>({
  name: apiKeysName,
  schema,
  description:
    'Keys of programs. The gateway knows their hashes alone; logs name the owner of a key, and never the key.',
  example: '{ keys_file: api-keys }',
  believes: ({ keys_file }) => keys_file,
  knows: () => ['users', 'groups'],
  ofRoute: ({ keys_file, header, pass_credentials }, { contentOf }): ApiKeysSpec => ({
    keysText: contentOf(keys_file),
    header: header?.toLowerCase() ?? null,
    passesCredentials: pass_credentials ?? false,
  }),
  files: ({ keys_file }) => [
    {
      kind: hashesFile('a list of API keys', 'candor key new NAME >>'),
      path: keys_file,
      at: ['keys_file'],
      review(text, at, findings) {
        const { owners, flaws } = readKeyFile(text);
        const add = `with \`candor key new NAME >> ${keys_file}\``;
        reviewLines(keys_file, { flaws, isEmpty: owners.size === 0, what: 'key', add }, at, findings);
      },
    },
  ],
  usersIn(content) {
    const { owners, flaws } = readKeyFile(content);
    return flaws.length > 0 ? null : [...owners.values()];
  },
});
