/** What a case needs of the machine. A case whose language is missing is not played. */
export type BootLanguage = 'node' | 'python' | 'ruby' | 'go' | 'java' | 'php' | 'shell';

/** What a reason may claim. Each case says which claims are true of it; every other one is wrong. */
export type Claim = keyof typeof claimPatterns;

export const claimPatterns = {
  memory: /out of memory|memory limit|\bOOM\b/i,
  'port taken': /EADDRINUSE|already in use|port .{0,40}\btaken\b/i,
  'wrong port': /\blistens (?:on|at) (?:port )?\S*\d+ instead|but (?:it )?listens|wrong port/i,
  signal: /\b(?:killed|ended|terminated|stopped) by (?:signal )?SIG/i,
  'no such command': /command not found|no such (?:command|program)|cannot be started|could not be started/i,
  permission: /permission denied|EACCES|EPERM|not executable/i,
  timeout: /timed out|no answer within|did not answer within|took longer than/i,
  tls: /\bTLS\b|\bSSL\b|\bHTTPS\b/,
  ipv6: /\[?::1\]?|IPv6/,
  'left running': /in the background|daemon/i,
} as const;

/**
 * A program, how it is started, and what a person who knows its language would say of it. Patterns and texts may hold
 * INSTANCEPORT (what PORT said), OTHERPORT (a free port of the case), OTHERPID (of `beside`), and SEEN (what the program wrote
 * into the file `seen`).
 */
export interface BootCase {
  readonly name: string;
  readonly language: BootLanguage;
  /** What the program does, in a line. */
  readonly what: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Runs in the folder before Candor starts: compiles, changes modes. By `sh -e`. */
  readonly before?: string;
  /** Runs in the folder, beside, until the case is over; it writes the file `beside-up` when it is up. */
  readonly beside?: readonly string[];
  readonly command: string | readonly string[];
  /** Further keys of the application. */
  readonly keys?: Readonly<Record<string, unknown>>;
  /** `candor run -- command` instead of a configuration; then its output is judged, and its exit code. */
  readonly byRun?: { readonly exitCode: number | null };
  /** Another user is taken for it. */
  readonly needsRoot?: true;
  readonly expected: BootFault | BootControl;
}

export interface BootFault {
  /**
   * When the failure can be seen: `exit`: its process has ended. `seen`: it has written the file `seen`. `start`: at once. A number:
   * so many milliseconds after its start. `plusMs` is added.
   */
  readonly from: 'exit' | 'seen' | 'start' | number;
  readonly plusMs?: number;
  /** The reason matches all of them. */
  readonly facts: readonly RegExp[];
  /** What would help besides, counted apart. */
  readonly better?: readonly RegExp[];
  /** Claims that are true here. */
  readonly may?: readonly Claim[];
  /** Further wrong claims. */
  readonly wrong?: readonly RegExp[];
  /** It may be ready at times. */
  readonly mayBeReady?: true;
  /** Neither the status nor the output of the gateway may hold it. */
  readonly secret?: string;
}

export interface BootControl {
  readonly readyWithinMs: number;
  readonly may?: readonly Claim[];
  readonly wrong?: readonly RegExp[];
}

export function isControl(expected: BootFault | BootControl): expected is BootControl {
  return 'readyWithinMs' in expected;
}

/** That nothing listens where it should, in whatever words. */
export const notListening: RegExp =
  /(?:nothing|\bnot\b|never|no process|without|\bno\b|\byet\b)[^.;]{0,60}\b(?:listen|bound|bind)|listen\w*[^.;]{0,30}\b(?:nothing|not|no)\b/i;

/** For a program that never listens: the limit is short, so that it is reported soon. */
export const shortStart: Readonly<Record<string, unknown>> = { readiness: { start_timeout: '4s' } };
export const shortStartMs = 4000;
