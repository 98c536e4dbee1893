import { lowerFirst } from '#failures/first-letter.ts';
import { unreachable } from '../core/assert.ts';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { EndpointState, ReadinessFinding } from '../core/endpoint.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import { nextStepAfterExit, stepAfterNoStart } from '#failures/failure-texts.ts';
import type { LastWords } from '#failures/last-words.ts';
import type { SaidWords } from '#failures/words-text.ts';
import type { ListeningSocket, ProgramExit } from './host.ts';
import { failsMax, type InstanceLife } from './instance-life.ts';
import { checkText, type ReadinessResult, readinessResultText } from './readiness.ts';
import { findingOf, findingText } from './readiness-finding.ts';

/** The facts that sentences about an instance use. */
export interface InstanceFacts {
  readonly spec: ApplicationSpec;
  readonly port: number;
  readonly lastObservation: ReadinessResult | null;
  /** Where the program listens instead of on its port; null where that is not known. */
  readonly wrongListenSockets: readonly ListeningSocket[] | null;
  /** The last words of the present run; null: it wrote none. */
  readonly words: (SaidWords & Pick<LastWords, 'isError'>) | null;
  /** How the last run ended, or why it did not begin; null before the first end. */
  readonly ending: string | null;
  /** The program that runs was started by an earlier process. */
  readonly isAdopted: boolean;
}

/** Why an instance is in its phase, one sentence. */
export function reasonOf(life: InstanceLife, facts: InstanceFacts): string {
  const { readiness, stopMs } = facts.spec;
  switch (life.phase) {
    case 'starting':
      return `${startText(life, facts)}: ${life.passes > 0 ? passingText(life.passes, facts) : seenInRun(life, facts)}`;
    case 'ready':
      if (life.fails > 0) return failedOnceText(life.fails, facts);
      if (readiness.program !== undefined)
        return facts.lastObservation === null
          ? 'it was ready when this process took it over'
          : readinessResultText(facts.lastObservation, { ...readiness, port: facts.port });
      return facts.isAdopted && facts.lastObservation === null
        ? `it was ready when this process took it over (${checkText({ ...readiness, port: facts.port })})`
        : `${readiness.passes === 1 ? 'a check passed' : `${readiness.passes} checks in a row passed`} (${checkText({ ...readiness, port: facts.port })})`;
    case 'failing':
      return life.passes > 0
        ? `its checks had failed; ${passingText(life.passes, facts)}`
        : facts.lastObservation?.kind === 'refused'
          ? `it refuses connections; ${lastSeen(facts)}`
          : `${failsMax} checks in a row failed; ${lastSeen(facts)}`;
    case 'exited':
      return `${facts.ending ?? 'it ended'}; what it started is being ended too`;
    case 'backing_off':
      return `${facts.ending ?? 'it ended'}; starts again after ${durationText(life.until - life.since)}${inRowText(life.failures)}`;
    case 'draining':
      return 'it gets no new requests and may finish those it has';
    case 'stopping':
      return life.killedAt === null
        ? `asked to stop; it may take ${durationText(stopMs)}`
        : 'it did not stop in time and was killed';
    case 'stopped':
      return 'stopped';
    default:
      return unreachable(life);
  }
}

/** What the last check observed, and what to do about it. */
export function lastSeen(facts: InstanceFacts): string {
  const { lastObservation, spec, port } = facts;
  if (lastObservation === null) return 'no check has come back yet';
  const finding = readinessFinding(facts);
  return finding === null ? readinessResultText(lastObservation, { ...spec.readiness, port }) : findingText(finding);
}

/** What keeps the instance from being ready; null where nothing is known to. */
export function readinessFinding({
  spec,
  port,
  lastObservation,
  wrongListenSockets,
  words,
}: InstanceFacts): ReadinessFinding | null {
  const fromCommand = spec.fromCommand === true;
  const { command, directory, environment, readiness } = spec;
  const isRelease = spec.release !== undefined;
  const own = { ...readiness, port, fromCommand, isRelease, command, directory, host: environment['HOST'] };
  return findingOf(lastObservation, { ...own, wrongListenSockets, words });
}

/**
 * Why an instance is not ready whose program has ended by itself, or could not be started: how it ended last, and how often in a row. Null where neither
 * is so, or where `found`, what the checks of the present run show, lasts until a person changes something.
 */
export function exitFinding(
  life: InstanceLife,
  {
    ending,
    ownExit,
    exit = null,
    isSilent = false,
  }: {
    readonly ending: string | null;
    readonly ownExit: ProgramExit | null;
    /** The same exit, with its last line; absent: not known. */
    readonly exit?: Pick<InstanceExit, 'lastLine'> | null;
    readonly isSilent?: boolean;
  },
  found: ReadinessFinding | null,
): ReadinessFinding | null {
  if (life.phase !== 'exited' && life.phase !== 'backing_off' && life.phase !== 'starting') return null;
  const exits = life.failures;
  if (exits === 0 || ending === null || found?.lasting === true) return null;
  const step =
    ownExit === null || ownExit.fault !== undefined
      ? stepAfterNoStart
      : ownExit.left !== undefined
        ? stepAfterBackground
        : nextStepAfterExit({
            ...ownExit,
            outOfMemory: ownExit.outOfMemory === true,
            lastLine: exit?.lastLine ?? null,
            isSilent,
          });
  const now = found === null ? '' : `${found.reason}; `;
  const start = life.phase === 'backing_off' ? { startsAtInstant: life.until } : {};
  return {
    reason: `${now}${oftenText(exits, ownExit !== null)}: ${ending.replace(/\.$/, '')}`,
    fix: lowerFirst(step.replace(/\.$/, '')),
    lasting: false,
    exits,
    ...start,
  };
}

const stepAfterBackground =
  'Let the program stay in the foreground: without the option that makes it a daemon, without `&`, and by `exec` in a script.';

function oftenText(exits: number, wasStarted: boolean): string {
  if (wasStarted) return exits === 1 ? 'it has ended' : `it has ended ${exits} times in a row, the last time`;
  return exits === 1 ? 'it could not be started' : `it has failed ${exits} times in a row, and could not be started`;
}

/** The instance is ready, and a check failed: one alone may be a garbage collection. */
function failedOnceText(fails: number, facts: InstanceFacts): string {
  if (facts.lastObservation?.kind === 'refused')
    return `its last check was refused a connection, and one more takes it out: ${lastSeen(facts)}`;
  return `its last check failed, ${fails} of ${failsMax} in a row that take it out: ${lastSeen(facts)}`;
}

/** Checks pass, but not enough of them yet. */
function passingText(passed: number, { spec: { readiness }, port }: InstanceFacts): string {
  return `${passed} of ${readiness.passes} checks passed (GET ${readiness.path} on port ${port})`;
}

/** Of a late start it is a text behind 'web/1 is' (`control/application-watch.ts`). */
function startText({ late }: Extract<InstanceLife, { phase: 'starting' }>, { spec, isAdopted }: InstanceFacts): string {
  if (late) return `not ready after ${durationText(spec.readiness.startMs)}`;
  return isAdopted ? 'taken over from an earlier process; it must pass its checks first' : 'starting';
}

/** What the checks of this run observed. After an exit: that it does not listen yet says less than how the last run ended. */
function seenInRun({ failures }: { readonly failures: number }, facts: InstanceFacts): string {
  const { ending, lastObservation, wrongListenSockets } = facts;
  const isAwaited = lastObservation?.kind === 'program';
  const isSilent =
    lastObservation === null || isAwaited || (lastObservation.kind === 'refused' && wrongListenSockets === null);
  if (failures === 0 || ending === null || !isSilent) return lastSeen(facts);
  const now =
    lastObservation === null
      ? 'no check has come back yet'
      : isAwaited
        ? lastObservation.text
        : 'nothing listens on its port yet';
  return `${now} (the run before: ${ending})`;
}

function inRowText(failures: number): string {
  return failures > 1 ? ` (failed ${failures} times in a row)` : '';
}

/** How a program ended, one sentence without its full stop. `said`: its last words (`#failures/words-text.ts`). */
export function exitText(exit: ProgramExit, said: string | null): string {
  if (exit.fault !== undefined) return `${endText(exit)}: ${exit.fault}`;
  return said === null ? endText(exit) : `${endText(exit)}; last line: ${said}`;
}

function endText({ code, signal, outOfMemory, killed, left }: ProgramExit): string {
  if (killed !== undefined) return killed;
  if (outOfMemory === true) return 'killed by the kernel: out of memory';
  if (signal === 'SIGKILL') {
    return outOfMemory === null
      ? 'killed by SIGKILL (out of memory? the kernel log would say)'
      : 'killed by SIGKILL, not by the kernel for memory';
  }
  if (signal !== null) return `killed by ${signal}`;
  if (code === null) return 'ended; how is not known, since an earlier Candor process had started it';
  if (left !== undefined)
    return `exited with code ${code}, and left ${left.command} (pid ${left.pid}) running in the background${left.hasOwnGroup ? ' in a process group of its own, which Candor does not end' : ''}`;
  // A shell reports its command's death by signal n as 128 + n (POSIX, Shell Command Language §2.8.2).
  return code > 128 && code <= 128 + 64
    ? `exited with code ${code} (what a shell says of a command killed by signal ${code - 128})`
    : `exited with code ${code}`;
}

function durationText(durationMs: number): string {
  return durationMs < 1_000 ? `${durationMs} ms` : `${Math.round(durationMs / 100) / 10} s`;
}

/** What the gateway may do with the endpoint behind an instance. */
export function endpointStateOf(life: InstanceLife): EndpointState {
  switch (life.phase) {
    case 'starting':
      return 'starting';
    case 'ready':
      return 'healthy';
    case 'failing':
    case 'exited':
    case 'backing_off':
      return 'unhealthy';
    case 'draining':
    case 'stopping':
      return 'draining';
    case 'stopped':
      return 'gone';
    default:
      return unreachable(life);
  }
}
