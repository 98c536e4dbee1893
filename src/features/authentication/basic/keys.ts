import * as z from 'zod';
import { declare } from '../../../schema/default.ts';
import { path } from '../../../schema/leaves.ts';
import { hide } from '../../../schema/schema-parts.ts';
import { key, section } from '../../../schema/section.ts';
import { reviewLines } from '../../keys-lines.ts';
import { hashesFile, schemeKeys, type SchemeKeys } from '../keys-scheme.ts';
import { readPasswordFile } from './password-file.ts';
import { basicName, type BasicSpec } from './settings.ts';

const absent = {
  passCredentials: declare(
    'false',
    'Applications that trust the gateway need no passwords, and may write them into their logs.',
  ),
};

const schema = section({
  users_file: hide(
    path.meta({
      description:
        'A file with a line `name:hash` for each user, as `candor password` and htpasswd write it, with hashes of argon2id, scrypt or bcrypt, or `name:hash:group,group`. It is read again at each reload.',
    }),
    'file',
    'usersText',
  ),
  pass_credentials: key(
    z.boolean(),
    'Whether applications get the header `Authorization` with the password.',
    absent.passCredentials,
  ),
});

export const basic: SchemeKeys = schemeKeys<z.output<typeof schema>>({
  name: basicName,
  schema,
  description:
    'A name and a password, which browsers ask people for (HTTP Basic, RFC 7617). Passwords are checked one at a time, so that nobody can try many.',
  example: '{ users_file: users }',
  believes: ({ users_file }) => users_file,
  knows: () => ['users', 'groups'],
  ofRoute: ({ users_file, pass_credentials }, { contentOf }): BasicSpec => ({
    usersText: contentOf(users_file),
    passesCredentials: pass_credentials ?? false,
  }),
  files: ({ users_file }) => [
    {
      kind: hashesFile('a list of users and their passwords', 'candor password NAME >>'),
      path: users_file,
      at: ['users_file'],
      review(text, at, findings) {
        const { users, flaws } = readPasswordFile(text);
        const add = `with \`candor password NAME >> ${users_file}\``;
        reviewLines(users_file, { flaws, isEmpty: users.size === 0, what: 'user', add }, at, findings);
      },
    },
  ],
  usersIn(content) {
    const { users, flaws } = readPasswordFile(content);
    return flaws.length > 0 ? null : [...users].map(([name, { groups }]) => ({ name, groups }));
  },
  review(_, at, { mayComeByTls }, findings) {
    if (!mayComeByTls)
      findings.warnAtKey(
        at,
        'passwords come in clear text: no listener has TLS, and no proxy in front is named in "trusted_peers"',
        'add "tls" to a listener',
      );
  },
});
