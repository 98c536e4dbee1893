import * as z from 'zod';
import type { Described } from './inferred.ts';
import { adminRoles } from '../admin-roles.ts';

const time = z.iso.datetime({ precision: 3 }).describe('ISO 8601, UTC.');
export const sessionSchema = z.object({
  actor: z.string().describe('As in events.'),
  role: z.enum(adminRoles).describe('`read`: may only read. `operate`: may do everything.'),
  ends_at: time.nullable().describe('Null: the requester has no session.'),
});

export const sessionRequestSchema = z.object({ token: z.string() });

export const linkSchema = z.object({
  path: z.string().describe('Path and query of the link. It holds a secret.'),
  url: z.string().nullable().describe('The link; null if no URL over TLS leads to the gateway.'),
  ends_at: time,
});

export type SessionStatus = Described<typeof sessionSchema>;

/** The answer to `POST /v1/session/link`. */
export type LinkStatus = Described<typeof linkSchema>;
