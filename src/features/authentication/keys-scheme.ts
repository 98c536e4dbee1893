/** What a scheme of authentication is in a configuration. Each scheme is a folder beside this file; `keys-schemes.ts` names them. */
import type * as z from 'zod';
import type { Findings, Path } from '../../schema/findings.ts';
import type { NamedFile, TextFile } from '../feature-keys.ts';
import type { ListedUser } from './keys-required.ts';

export interface SchemeContext {
  /** What stands in a file that the scheme has named; '' if it could not be read, which is an error by itself. */
  readonly contentOf: (path: string) => string;
}

/** What a scheme stands beside. */
export interface SchemeBeside {
  /** A listener has `tls`, or a proxy in front is trusted, which may have it. */
  readonly mayComeByTls: boolean;
  /** Upstreams and applications, by name. */
  readonly upstreams: ReadonlySet<string>;
  /** Those that are asked over the internet without TLS, each with one of their hosts. */
  readonly inClear: ReadonlyMap<string, string>;
  /** Headers in which any route tells endpoints who the user is, in lower case. */
  readonly headersReserved: ReadonlySet<string>;
  /** How long the route waits for a response, and for its filters. */
  readonly responseHeadMs: number;
}

/** Ten thousand lines of names and hashes; each worker holds it. */
export const hashesFile = (what: string, maker: string): TextFile => ({
  ...{ what, maker, bytesMax: 2 * 1024 * 1024 },
  isSecret: true,
});

export const secretFile: TextFile = { what: 'a secret', bytesMax: 4 * 1024, isSecret: true };

type KnownOfUsers = 'users' | 'groups' | 'claims';

export interface SchemeKeys<R = object> {
  /** Its key in `authentication`, and its name in metrics and records. */
  readonly name: string;
  readonly schema: z.ZodType<R>;
  readonly description: string;
  /** A value that the key takes, in one line. */
  readonly example: string;
  readonly ofRoute: (read: R, context: SchemeContext) => object;
  /** Files that it names; `at` is below its key. */
  readonly files?: (read: R) => readonly NamedFile[];
  /** Who stands in its file, of which it has one then; null: a line of it is wrong. */
  readonly usersIn?: (text: string) => readonly ListedUser[] | null;
  /** Names of headers in which it tells endpoints something of the user: clients may not send them. */
  readonly headersSet?: (read: R) => readonly string[];
  /** Upstreams that it asks, by name. */
  readonly upstreams?: (read: R) => readonly string[];
  /** The path below which it answers requests itself, and who does: a route with this login must get them. */
  readonly answersAt?: (read: R) => { readonly path: string; readonly by: string };
  /** The file, service or issuer whose word counts: `candor route` shows it. */
  readonly believes: (read: R) => string;
  /** What it may find out of a user: the name ('users'), and what else. */
  readonly knows: (read: R) => readonly KnownOfUsers[];
  /** What to do so that it finds out more. */
  readonly toKnow?: Partial<Readonly<Record<KnownOfUsers, string>>>;
  /** Finds what is wrong beside other settings; `at` is the path of its key. */
  readonly review?: (read: R, at: Path, beside: SchemeBeside, findings: Findings) => void;
}

/** The scheme, as the registry has it. */
export function schemeKeys<R extends object>(scheme: SchemeKeys<R>): SchemeKeys {
  return scheme as unknown as SchemeKeys;
}
