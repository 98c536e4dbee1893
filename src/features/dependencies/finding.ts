/** What a check of a dependency has found, and its words. */

interface Words {
  readonly state: 'degraded' | 'down';
  /** After the name of the dependency: now, and of a moment that is over. */
  readonly now: string;
  readonly then: string;
  readonly nextStep: string;
}

/** How a dependency fails. The words are for people; the keys are in events and metrics. */
export const faults = {
  refused: {
    state: 'down',
    now: 'refuses connections',
    then: 'refused connections',
    nextStep: 'See whether its service runs, and start it.',
  },
  unreachable: {
    state: 'down',
    now: 'cannot be reached',
    then: 'could not be reached',
    nextStep: 'Check the address, its host, and the network between.',
  },
  name: {
    state: 'down',
    now: 'has a name that does not resolve',
    then: 'had a name that did not resolve',
    nextStep: 'Check the host in its URL, and the DNS record.',
  },
  no_connection: {
    state: 'down',
    now: 'takes no connection in time',
    then: 'took no connection in time',
    nextStep: 'See whether its host runs, and whether a firewall drops the packets.',
  },
  no_answer: {
    state: 'down',
    now: 'accepts connections and does not answer in time',
    then: 'accepted connections and did not answer in time',
    nextStep: 'See whether its process is stopped or overloaded, and what it waits for: locks, disk or memory.',
  },
  closed: {
    state: 'down',
    now: 'closes connections without an answer',
    then: 'closed connections without an answer',
    nextStep: 'See its log.',
  },
  tls: {
    state: 'down',
    now: 'does not complete the TLS handshake',
    then: 'did not complete the TLS handshake',
    nextStep: 'Check its certificate, or write a URL without TLS if it has none.',
  },
  not_ready: {
    state: 'down',
    now: 'takes no requests yet or any more: it starts, recovers or stops',
    then: 'took no requests: it started, recovered or stopped',
    nextStep: 'Wait for the end of its start, and see its log for how far it is.',
  },
  full: {
    state: 'down',
    now: 'takes no more connections',
    then: 'took no more connections',
    nextStep: 'See which programs hold its connections; use smaller pools, or raise its limit.',
  },
  login: {
    state: 'down',
    now: 'rejects the login',
    then: 'rejected the login',
    nextStep: 'Check user and password, here and in the application.',
  },
  denied: {
    state: 'down',
    now: 'lets this host not in',
    then: 'let this host not in',
    nextStep: 'Check its rules for hosts (pg_hba.conf, the host of the user, protected mode).',
  },
  blocked: {
    state: 'down',
    now: 'has blocked this host',
    then: 'had blocked this host',
    nextStep: 'Run `mariadb-admin flush-hosts`, and look for the program that breaks off its connections.',
  },
  absent: {
    state: 'down',
    now: 'does not have the database',
    then: 'did not have the database',
    nextStep: 'Create it, or correct its name in the URL.',
  },
  garbage: {
    state: 'down',
    now: 'answers in another protocol',
    then: 'answered in another protocol',
    nextStep: 'Check the scheme and the port of its URL: another program listens there.',
  },
  error: {
    state: 'down',
    now: 'answers with an error',
    then: 'answered with an error',
    nextStep: 'See its log.',
  },
  status: {
    state: 'down',
    now: 'answers with an error status',
    then: 'answered with an error status',
    nextStep: 'See its log; if the status is 404, correct the path in its URL.',
  },
  busy: {
    state: 'down',
    now: 'is occupied by a script',
    then: 'was occupied by a script',
    nextStep: 'End the script with `SCRIPT KILL`.',
  },
  no_writes: {
    state: 'degraded',
    now: 'takes no writes: it cannot save its data',
    then: 'took no writes: it could not save its data',
    nextStep: 'See in its log why it cannot save: mostly a full disk.',
  },
  replica: {
    state: 'degraded',
    now: 'is a replica and takes no writes',
    then: 'was a replica and took no writes',
    nextStep: 'Use the address of the primary; write `read_only: true` if the application only reads.',
  },
  stale: {
    state: 'degraded',
    now: 'is a replica without connection to its primary',
    then: 'was a replica without connection to its primary',
    nextStep: 'See whether the primary runs.',
  },
  warns: {
    state: 'degraded',
    now: 'says that something is wrong',
    then: 'said that something was wrong',
    nextStep: 'Look at what it names.',
  },
} as const satisfies Readonly<Record<string, Words>>;

export type DependencyFault = keyof typeof faults;

export type DependencyFinding =
  /** `detail`: what was seen; one clause that begins with a verb. */
  | { readonly fault: null; readonly detail: string }
  /** `detail`: what it said itself, or a number; null: nothing more is known. */
  | { readonly fault: DependencyFault; readonly detail: string | null };

export const up = (detail: string): DependencyFinding => ({ fault: null, detail });
export const faulty = (fault: DependencyFault, detail: string | null = null): DependencyFinding => ({ fault, detail });

export const stateOf = ({ fault }: DependencyFinding): 'up' | 'degraded' | 'down' =>
  fault === null ? 'up' : faults[fault].state;

/** One clause after the name of the dependency. */
export function findingText({ fault, detail }: DependencyFinding): string {
  if (fault === null) return detail;
  return detail === null ? faults[fault].now : `${faults[fault].now} (${detail})`;
}
