import type { Event } from '../core/event.ts';
import {
  isSignalOfOthers,
  nextStepAfterExit,
  notStartedText,
  stepAfterNoStart,
  stepAfterSilentEnd,
} from '#failures/failure-texts.ts';
import { heapExhaustionOf } from '#failures/heap-exhaustion.ts';
import { wordsAfterExit } from '#failures/last-words.ts';
import type { SuspectKind } from '../core/live-incident.ts';
import { wasStopped } from '../core/recorded-exit.ts';
import { explainedShare, countedLines } from './evidence-lines.ts';
import { exitKindOf } from './stopped-processes.ts';
import type { ExitKind } from './incident-additions.ts';
import { settingAside } from './present-settings.ts';
import {
  beforeText,
  changeMs,
  isOf,
  listOf,
  type Rule,
  seen,
  soonMs,
  type SeenOf,
  type SuspectContext,
  type SuspectFinding,
} from './suspect-facts.ts';
import { applicationsOf } from './watched-upstream.ts';

/** An exit is reported so much later than the failures that follow from it. */
const exitLateMs = 2000;

/** Processes of the application that could not be started, or ended without the gateway having asked them to. */
export const exits = {
  out_of_memory: (context) => exited(context, 'out_of_memory'),
  crash: (context) => exited(context, 'crash'),
  not_started: (context) => notStarted(context),
} satisfies Partial<Record<SuspectKind, Rule>>;

type Known = Pick<SuspectContext, 'events' | 'watched'>;

/**
 * Exits of processes that serve the upstream, which neither an operator nor a deployment asked for: shortly before the failures, or while they go on;
 * of an instance that has not been ready since, also longer before.
 */
export function ownExits(context: Known): readonly SeenOf<'instance_exited'>[] {
  const isDown = downSinceExit(context.watched);
  return seen(
    context,
    'instance_exited',
    (event) => !wasStopped(event) && isOfUpstream(event, context.watched),
    changeMs,
  ).filter(({ event, afterMs }) => afterMs >= -soonMs || isDown(event));
}

/** Programs of instances that could not be started, and have not run since. */
export function failedStarts(context: Known): readonly SeenOf<'instance_not_started'>[] {
  const exits = ownExits(context);
  const found = seen(context, 'instance_not_started', (event) => isOfUpstream(event, context.watched), changeMs);
  return found.filter(
    ({ event, afterMs }) => !exits.some((exit) => exit.event.subject === event.subject && exit.afterMs > afterMs),
  );
}

function isOfUpstream({ subject }: Event, watched: SuspectContext['watched']): boolean {
  return applicationsOf(watched).some((application) => subject.startsWith(`instance:${application}/`));
}

/** Whether the program of an instance has ended, or could not be started, and it has not been ready since. */
function downSinceExit({ endpoints }: SuspectContext['watched']): (event: Event) => boolean {
  const ids = endpoints.filter(({ finding }) => (finding?.exits ?? 0) > 0).map(({ id }) => id);
  // The id of an endpoint is UPSTREAM/INSTANCE/ADDRESS.
  return (event) => ids.some((id) => id.includes(`/${nameOf(event)}/`));
}

function notStarted(context: SuspectContext): SuspectFinding | null {
  const { incident, watched } = context;
  if (!isOf(incident, 'gone', 'not_ready')) return null;
  // Others that serve are why no request needs this one.
  if (watched.endpoints.some(({ state }) => state === 'healthy')) return null;
  const found = failedStarts(context);
  const [first] = found;
  const last = found.at(-1);
  if (first === undefined || last === undefined) return null;
  const own = found.filter(({ event }) => event.subject === last.event.subject);
  const often = own.length === 1 ? '' : `${own.length} times`;
  return {
    fit: 0.93 * explainedShare(context, first.afterMs, exitLateMs),
    sentence: `${notStartedText(nameOf(last.event), often, last.event.reason)}.`,
    evidence: countedLines(found).map(({ text, afterMs }) => `${text} (${beforeText(afterMs)} the first failure)`),
    nextStep: stepAfterNoStart,
  };
}

function exited(context: SuspectContext, kind: ExitKind): SuspectFinding | null {
  const { incident, watched } = context;
  if (!isOf(incident, 'gone', 'not_ready', 'slow')) return null;
  const found = ownExits(context).filter(({ event }) => exitKindOf(event) === kind);
  const last = found.at(-1);
  if (last === undefined) return null;
  const [oldest = last] = found;
  const firstAfterMs = Math.min(oldest.afterMs, context.firstExits.get(kind) ?? Infinity);
  const name = nameOf(last.event);
  const ended = [...new Set(found.map(({ event }) => nameOf(event)))];
  const often = oftenText(found.length, ended, firstAfterMs < oldest.afterMs);
  const outOfMemory = kind === 'out_of_memory';
  const heap = last.event.evidence.outOfMemory ? null : heapExhaustionOf(last.event.evidence.output);
  const areSeveral = applicationsOf(watched).length > 1;
  const { beforeExit = null, openAtExit = [] } = watched.processes?.find(({ instance }) => instance === name) ?? {};
  return {
    // Memory is short before the process is killed.
    fit: outOfMemory ? 0.98 : 0.92 * explainedShare(context, firstAfterMs, exitLateMs),
    sentence:
      heap !== null
        ? `${listOf(ended)} ended because ${heap.why}${often}.`
        : outOfMemory
          ? killedSentence(ended, often, areSeveral)
          : exitSentence(
              ended,
              found.map(({ event }) => event.evidence.signal),
              often,
            ),
    evidence: [
      ...(beforeExit === null ? [] : [`${name}: ${beforeExit}`]),
      ...countedLines(found).map(({ text, afterMs }) => `${text} (${beforeText(afterMs)} the first failure)`),
      ...wordsOf(last.event),
      ...(openAtExit.length === 0 ? [] : [`requests that ${name} had when it ended: ${openAtExit.join(', ')}`]),
    ],
    nextStep:
      heap !== null
        ? heap.nextStep
        : outOfMemory
          ? memoryStep(context, areSeveral && ended.length > 1)
          : nextStepOf(last.event.evidence),
  };
}

function killedSentence(ended: readonly string[], often: string, areSeveral: boolean): string {
  return !areSeveral || ended.length === 1
    ? `${ended[0]} was killed because it had used too much memory${often}.`
    : `The machine had no memory left: ${listOf(ended)} were killed${often}.`;
}

/** `signals`: of each exit, null without one. */
function exitSentence(ended: readonly string[], signals: readonly (string | null)[], often: string): string {
  const sent = [...new Set(signals.filter(isSignalOfOthers))];
  const isOne = ended.length === 1;
  const notSent = `${sent.join(' and ')}, which the gateway did not send`;
  if (sent.length > 0 && signals.every(isSignalOfOthers))
    return `${listOf(ended)} ${isOne ? 'was' : 'were'} ended by ${notSent}${often}.`;
  if (sent.length > 0) return `${listOf(ended)} ended${often}, not each time by itself: also by ${notSent}.`;
  return `${listOf(ended)} ended by ${isOne ? 'itself' : 'themselves'}${often}.`;
}

/** `areMore`: older ones are no longer kept. */
function oftenText(count: number, ended: readonly string[], areMore: boolean): string {
  if (areMore) return `, more than ${count} times`;
  return count > ended.length ? `, ${count} times` : '';
}

/** What the reason of the exit does not say: where the error arose, and what it was caused by. */
function wordsOf(event: Extract<Event, { kind: 'instance_exited' }>): readonly string[] {
  const name = nameOf(event);
  const words = wordsAfterExit(event.evidence.output, event.evidence);
  if (words === null) return [`${name} had printed nothing before it ended`];
  const { error, cause, position } = words;
  const more = [...(position === null ? [] : [`at ${position}`]), ...(cause === null ? [] : [`caused by ${cause}`])];
  if (more.length === 0 && event.reason.includes(error)) return [];
  return [[`${name} printed: ${short(error)}`, ...more.map(short)].join(', ')];
}

function memoryStep(context: SuspectContext, isMachine: boolean): string {
  return isMachine
    ? "Look at what uses the machine's memory (`free -m`, `dmesg`), and give it more, or run less on it."
    : `Give the process more memory, or look for what it keeps; fewer requests at a time ${settingAside('concurrency', context)} need less.`;
}

function nextStepOf(evidence: SeenOf<'instance_exited'>['event']['evidence']): string {
  if (isSignalOfOthers(evidence.signal)) return nextStepAfterExit({ ...evidence, outOfMemory: false });
  return wordsAfterExit(evidence.output, evidence) === null
    ? stepAfterSilentEnd
    : 'Fix the error that the application printed last; `candor events --full` shows what it printed before, with its exit.';
}

const nameOf = ({ subject }: Event): string => subject.slice('instance:'.length);

const charactersMax = 300;
const short = (text: string): string => (text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1)}…`);
