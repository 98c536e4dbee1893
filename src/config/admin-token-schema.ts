/** What may be written about a token of the admin API. */
import * as z from 'zod';
import { adminRoles } from '../core/admin-roles.ts';
import { defaults } from './defaults.ts';
import { parseTokenHash } from './format/token-hash.ts';
import { parsed } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';

const hash = hide(parsed(parseTokenHash, { kind: 'hash', examples: [`sha256:${'0'.repeat(64)}`] }), 'hash');

/** A token as its hash, or with its role. */
export const adminToken = z.union([
  hash.transform((one) => ({ hash: one, role: undefined })),
  section({
    hash: hash.meta({ description: 'The hash that `candor token` prints.' }),
    role: key(
      hide(z.enum(adminRoles), 'hash'),
      'What its holder may do: `read` only what changes nothing, `operate` everything.',
      defaults.adminRole,
    ),
  }),
]);
