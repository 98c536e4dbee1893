import { stoppedStep, stoppedText, whoStopped } from '#failures/process-text.ts';
import type { StoppedProcesses } from '#failures/process-note.ts';
import { instanceOf } from './seen-releases.ts';
import { listOf, type SuspectContext, type SuspectFinding, type SeenOf } from './suspect-facts.ts';
import type { WatchedUpstream } from './watched-upstream.ts';
import { heapExhaustionOf } from '#failures/heap-exhaustion.ts';
import type { ExitKind } from './incident-additions.ts';

/** When the exits that may explain an incident came first. Kept with the incident: of a long crash loop, the oldest events are dropped. */
export class FirstExits {
  readonly #ms = new Map<ExitKind, number>();

  /** `exits`: the kept ones, the oldest first, of an incident that started at `startedMs`. Returns the first of each kind, in milliseconds after the start. */
  note(exits: readonly SeenOf<'instance_exited'>[], startedMs: number): ReadonlyMap<ExitKind, number> {
    for (const { event, afterMs } of exits) this.#add(exitKindOf(event), startedMs + afterMs);
    return new Map([...this.#ms].map(([kind, ms]) => [kind, ms - startedMs]));
  }

  /** Takes over those of another incident, which has the same reason. */
  absorb(other: FirstExits): void {
    for (const [kind, ms] of other.#ms) this.#add(kind, ms);
  }

  #add(kind: ExitKind, ms: number): void {
    this.#ms.set(kind, Math.min(ms, this.#ms.get(kind) ?? Infinity));
  }
}

/** A runtime that gets no more memory ends its program itself. */
export const exitKindOf = ({ evidence }: SeenOf<'instance_exited'>['event']): ExitKind =>
  evidence.outOfMemory || heapExhaustionOf(evidence.output) !== null ? 'out_of_memory' : 'crash';

type Known = Pick<SuspectContext, 'incident' | 'watched'>;

interface StoppedInstance extends StoppedProcesses {
  readonly instance: string;
  readonly hasEnded?: true;
}

/** What is said of an application that does not answer, where a signal has stopped processes of it; null: none is known. */
export function stoppedFinding(
  context: Known,
): (Omit<SuspectFinding, 'evidence'> & { readonly isWhole?: true }) | null {
  const all = stoppedInstances(context.watched);
  const [ended, now] = [all.filter(hasEnded), all.filter((one) => !hasEnded(one))];
  const [wholeNow, wholeEnded] = [now.filter(isWhole), ended.filter(isWhole)];
  if (explains(context, wholeNow))
    return {
      // The processes show it themselves: whatever else is found follows from it, or came besides.
      fit: 0.99,
      isWhole: true,
      sentence: `${whatStopped(context, wholeNow, 'is')}: a signal has suspended ${itsProcess(wholeNow)}.`,
      nextStep: stoppedStep(wholeNow.flatMap(({ pids }) => pids)),
    };
  if (explains(context, wholeEnded))
    return {
      fit: 0.85,
      isWhole: true,
      sentence: `${whatStopped(context, wholeEnded, 'was')} for a while: a signal had suspended ${itsProcess(wholeEnded)}.`,
      nextStep: endedStep,
    };
  if (now.length > 0)
    return {
      fit: 0.6,
      sentence: partSentence(now, {
        is: 'is stopped by a signal',
        are: 'are stopped by a signal',
        doesNot: 'does not',
        doNot: 'do not',
      }),
      nextStep: `See with \`ps -o pid,ppid,stat,args -p ${pidsOf(now).join()}\` what it does for the application, and ${whoStopped}.`,
    };
  if (ended.length === 0) return null;
  const past = 'stopped by a signal for a while';
  return {
    fit: 0.57,
    sentence: partSentence(ended, { is: `was ${past}`, are: `were ${past}`, doesNot: 'did not', doNot: 'did not' }),
    nextStep: endedStep,
  };
}

/** Each one clause. */
export function stoppedEvidence(watched: Pick<WatchedUpstream, 'processes'>): readonly string[] {
  return stoppedInstances(watched).map((one) =>
    hasEnded(one)
      ? `${one.instance}: ${listOf(one.pids.map((pid) => `process ${pid}`))} had been stopped (state T)`
      : `${one.instance}: ${stoppedText(one)}`,
  );
}

const endedStep = 'It is no longer stopped: find out what had stopped it, such as SIGSTOP or Ctrl-Z (SIGTSTP).';

function stoppedInstances({ processes = [] }: Pick<WatchedUpstream, 'processes'>): readonly StoppedInstance[] {
  return processes.flatMap(({ instance, stopped }) => (stopped === undefined ? [] : [{ instance, ...stopped }]));
}

const isWhole = (one: StoppedInstance): boolean => one.isWhole;
const hasEnded = (one: StoppedInstance): boolean => one.hasEnded === true;

/** Whether most failures were at these instances, as far as it is known where they were. */
function explains({ incident }: Known, stopped: readonly StoppedInstance[]): boolean {
  const names = new Set(stopped.map(({ instance }) => instance));
  const failedOf = (endpoints: typeof incident.endpoints): number =>
    endpoints.reduce((sum, { failed }) => sum + failed, 0);
  const there = incident.endpoints.filter(({ endpoint }) => names.has(instanceOf(incident.upstream, endpoint)));
  return stopped.length > 0 && failedOf(there) * 2 >= failedOf(incident.endpoints);
}

/** 'The application is stopped', 'web/1 and web/2 were stopped'. */
function whatStopped({ watched }: Known, stopped: readonly StoppedInstance[], verb: 'is' | 'was'): string {
  if (stopped.length >= watched.endpoints.length) return `The application ${verb} stopped`;
  const areSeveral = stopped.length > 1;
  const verbs = { is: 'are', was: 'were' } as const;
  return `${listOf(stopped.map(({ instance }) => instance))} ${areSeveral ? verbs[verb] : verb} stopped`;
}

const itsProcess = (stopped: readonly StoppedInstance[]): string =>
  stopped.length > 1 ? 'their processes' : pidsOf(stopped).length > 1 ? 'its processes' : 'its process';

interface Tense {
  readonly is: string;
  readonly are: string;
  readonly doesNot: string;
  readonly doNot: string;
}

/** 'Process 77 of web/1 is stopped by a signal; it may be the one that does not answer.' */
function partSentence(stopped: readonly StoppedInstance[], { is, are, doesNot, doNot }: Tense): string {
  const all = listOf(stopped.map(({ instance, pids: [pid] }) => `${pid} of ${instance}`));
  return stopped.length === 1
    ? `Process ${all} ${is}; it may be the one that ${doesNot} answer.`
    : `The processes ${all} ${are}; they may be those that ${doNot} answer.`;
}

const pidsOf = (stopped: readonly StoppedInstance[]): readonly number[] => stopped.flatMap(({ pids }) => pids);
