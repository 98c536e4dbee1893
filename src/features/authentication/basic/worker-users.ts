import { createHmac, hash } from 'node:crypto';
import type { Clock, Instant } from '../../../core/time.ts';
import type { Random } from '../../../core/random.ts';
import { type PasswordUser, readPasswordFile } from './password-file.ts';
import type { PasswordHash } from './password-hash.ts';
import type { Credentials } from './worker-credentials.ts';

/** A browser sends the password with each request. */
const keptMs = 60_000;
const keptMax = 4096;

/** What was found out of credentials a short while ago, by a keyed hash of them: nobody can read passwords out of the memory of a worker. */
class KeptResults {
  readonly #until = new Map<string, Instant>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(id: string): boolean {
    const until = this.#until.get(id);
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#until.delete(id);
    return false;
  }

  add(id: string): void {
    this.#until.delete(id);
    this.#until.set(id, (this.#clock.now() + keptMs) as Instant);
    if (this.#until.size > keptMax) for (const oldest of this.#until.keys()) return void this.#until.delete(oldest);
  }
}

/** The users of one file, in one worker, for all routes that name it. */
export class Users {
  readonly #users: ReadonlyMap<string, PasswordUser>;
  readonly #hashes: readonly PasswordHash[];
  readonly #key = new Uint8Array(32);
  /** The same in all workers, which one client may ask in turn: each of them must take as long as the others for a name. */
  readonly #namesKey: Buffer;
  readonly #right: KeptResults;
  /** Apart from the right ones, so that wrong ones do not push them out. */
  readonly #wrong: KeptResults;

  constructor(text: string, random: Random, clock: Clock) {
    this.#users = readPasswordFile(text).users;
    this.#hashes = [...this.#users.values()].map(({ hash }) => hash);
    random.fill(this.#key);
    // Nobody knows the salts in the file who may not read it.
    this.#namesKey = hash('sha256', text, 'buffer');
    this.#right = new KeptResults(clock);
    this.#wrong = new KeptResults(clock);
  }

  groupsOf(name: string): readonly string[] {
    return this.#users.get(name)?.groups ?? [];
  }

  idOf({ name, password }: Credentials): string {
    return createHmac('sha256', this.#key).update(`${name}\0${password}`).digest('base64');
  }

  /** Null: it has to be checked. */
  known(id: string): boolean | null {
    return this.#right.has(id) ? true : this.#wrong.has(id) ? false : null;
  }

  keep(id: string, isRight: boolean): void {
    (isRight ? this.#right : this.#wrong).add(id);
  }

  /**
   * What to check the password against. For an unknown name it is the hash of some user, always the same for the same name: how long the check
   * takes does not say whether there is such a user, also where users have hashes of several kinds.
   */
  hashOf(name: string): { readonly hash: PasswordHash; readonly isUser: boolean } | null {
    const own = this.#users.get(name);
    if (own !== undefined) return { hash: own.hash, isUser: true };
    const at = createHmac('sha256', this.#namesKey).update(name).digest().readUInt32BE(0) % this.#hashes.length;
    const other = this.#hashes[at];
    return other === undefined ? null : { hash: other, isUser: false };
  }
}
