import type { PoolQueue } from '../../../core/pool-classes.ts';
import { fail } from '#failures/failure.ts';
import type { FilterContext } from '../../../core/filter.ts';
import {
  authenticationScheme,
  type PendingDecision,
  type SchemeDecision,
  type SchemePart,
  type SchemePorts,
} from '../worker-scheme.ts';
import { inAuthorization } from '../worker-scheme-credentials.ts';
import { ParsedFiles } from '../worker-parsed-files.ts';
import type { PasswordHash } from './password-hash.ts';
import { basicName, type BasicSpec } from './settings.ts';
import type { PasswordThread } from './worker-password-thread.ts';
import { type Check, CheckQueue, type OnChecked } from './worker-check-queue.ts';
import { type Credentials, credentialsIn } from './worker-credentials.ts';
import { Users } from './worker-users.ts';

const absent: SchemeDecision = { kind: 'absent' };
const malformed: SchemeDecision = {
  ...{ kind: 'refused', fault: 'malformed' },
  because: 'the header Authorization has no name and password that can be read',
};
/** The same for both, so that nobody learns which names there are. */
const wrong: SchemeDecision = {
  ...{ kind: 'refused', fault: 'wrong_password' },
  because: 'the name or the password is wrong',
};

/** Those of this worker, whichever route asks. */
const queues: WeakMap<PoolQueue, CheckQueue> = new WeakMap();
let passwords: PasswordThread | null = null;
let loading: Promise<void> | null = null;

export const basic = authenticationScheme<BasicSpec, SchemePart>({
  name: basicName,

  load() {
    if (passwords !== null) return null;
    loading ??= import('./worker-password-thread.ts').then(({ PasswordThread: Thread }) => {
      passwords = new Thread();
    });
    return loading;
  },

  prepare({ usersText, passesCredentials }, ports) {
    const { realm } = ports;
    const users = usersOf(usersText, ports);
    const queue = queueOf(ports);
    return {
      asksFor: 'a password',
      credentials: inAuthorization('basic', passesCredentials),
      challenge: `Basic realm="${realm}", charset="UTF-8"`,
      authenticate(exchange, pending) {
        const credentials = credentialsIn(exchange.variables.header('authorization'));
        if (credentials === null) return absent;
        if (credentials === 'malformed') return malformed;
        const decide = (isRight: boolean): SchemeDecision => (isRight ? admit(credentials.name, users) : wrong);
        const id = users.idOf(credentials);
        const known = users.known(id);
        if (known !== null) return decide(known);
        return check(exchange, pending, { users, queue, id, credentials, decide });
      },
    };
  },
});

function admit(name: string, users: Users): SchemeDecision {
  return { kind: 'user', user: { name, by: basicName, claims: { groups: users.groupsOf(name) } } };
}

interface CheckOf {
  readonly users: Users;
  readonly queue: CheckQueue;
  readonly id: string;
  readonly credentials: Credentials;
  readonly decide: (isRight: boolean) => SchemeDecision;
}

/** Requests with the same credentials, such as those of one page, wait for one check. */
const running = new WeakMap<Users, Map<string, { readonly check: Check; readonly waiters: Set<OnChecked> }>>();
const waitersMax = 256;

function check(
  exchange: FilterContext,
  pending: PendingDecision,
  { users, queue, id, credentials, decide }: CheckOf,
): SchemeDecision | null {
  const against = users.hashOf(credentials.name);
  if (against === null) return wrong;
  const ofUsers = running.get(users) ?? new Map<string, { check: Check; waiters: Set<OnChecked> }>();
  running.set(users, ofUsers);
  let isReturned = false;
  let early: SchemeDecision | null = null;
  const onChecked: OnChecked = (result) => {
    const decision = typeof result === 'boolean' ? decide(result) : failed(result, queue);
    if (isReturned) pending.settle(decision);
    else early = decision;
  };
  const there = ofUsers.get(id);
  if (there !== undefined && there.waiters.size >= waitersMax) return failed('busy', queue);
  const entry = there ?? {
    waiters: new Set<OnChecked>(),
    check: {
      address: exchange.client.address,
      run: async () => (await verify(credentials.password, against.hash)) && against.isUser,
      onDone: (result: Parameters<OnChecked>[0]): void => {
        ofUsers.delete(id);
        if (typeof result === 'boolean') users.keep(id, result);
        for (const waiter of entry.waiters) waiter(result);
      },
    },
  };
  entry.waiters.add(onChecked);
  pending.onCancelled = () => {
    entry.waiters.delete(onChecked);
    if (entry.waiters.size > 0) return;
    if (queue.cancel(entry.check)) ofUsers.delete(id);
  };
  if (there === undefined) {
    ofUsers.set(id, entry);
    queue.add(entry.check);
  }
  isReturned = true;
  return early;
}

function verify(password: string, hash: PasswordHash): Promise<boolean> {
  return passwords === null ? Promise.reject(new Error('the thread is not loaded')) : passwords.verify(password, hash);
}

function failed(result: 'busy' | 'broken', queue: CheckQueue): SchemeDecision {
  const { waiting, retryAfterS } = queue;
  if (result === 'busy')
    return { kind: 'failed', fault: 'busy', failure: fail('authentication_busy', 'filter', { waiting, retryAfterS }) };
  const reason = 'a password could not be checked';
  const failure = fail('authentication_unavailable', 'filter', { service: 'passwords', reason, retryAfterS });
  return { kind: 'failed', fault: 'unavailable', failure };
}

function queueOf({ pool, clock }: SchemePorts): CheckQueue {
  const ofHashes = pool.of('hash');
  const queue = queues.get(ofHashes) ?? new CheckQueue(ofHashes, clock);
  queues.set(ofHashes, queue);
  return queue;
}

/** Those of a file, which several routes may have in common, by the clock that they are kept by: there is one in a worker. */
const known = new WeakMap<object, ParsedFiles<Users>>();

function usersOf(text: string, { random, clock }: SchemePorts): Users {
  const ofClock = known.get(clock) ?? new ParsedFiles((written: string) => new Users(written, random, clock));
  known.set(clock, ofClock);
  return ofClock.of(text);
}
