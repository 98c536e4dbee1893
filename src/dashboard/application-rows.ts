import { sentenceOf } from '#failures/first-letter.ts';
import { elapsedText } from '#failures/quantity-text.ts';
import type { DependencyJson, JobJson, StatusJson } from './model.ts';
import type { ShownState, Tone } from './overall-state.ts';
import { sizeFigure } from './release-rows.ts';
import { agoText, durationFigure, timeText } from './shown-figures.ts';

/** A row of one of the tables of the page Applications. */
export interface ApplicationRow {
  readonly name: string;
  /** Its reason stands below the row. */
  readonly state: ShownState;
  readonly cells: readonly string[];
  /** What the program has printed last; empty: nothing to show. */
  readonly lines: readonly string[];
  /** It is a program, with a page of its output. */
  readonly prints: boolean;
}

type Application = StatusJson['applications'][number];

const tones: Readonly<Record<Application['instances'][number]['phase'] | DependencyJson['state'], Tone>> = {
  ...{ ready: 'good', starting: 'warn', failing: 'bad', backing_off: 'bad', stopping: 'idle', stopped: 'idle' },
  ...{ up: 'good', degraded: 'warn', down: 'bad', unknown: 'unknown' },
};

export const programHeads = ['process', 'restarts', 'memory'] as const;

/** Instances of applications and of their workers. */
export function programRows(applications: readonly Application[]): readonly ApplicationRow[] {
  return applications.flatMap(({ id, wanted, instances }) => [
    ...(wanted === 0 && instances.length === 0
      ? [
          {
            name: id,
            state: { tone: 'idle', word: 'stopped', reason: '' },
            cells: [],
            lines: [],
            prints: false,
          } as const,
        ]
      : []),
    ...instances.map(({ id: name, phase, reason, pid, restarts, usage, last_lines: lines }) => {
      const isReady = phase === 'ready';
      return {
        name,
        state: { tone: tones[phase], word: phase.replace('_', ' '), reason: isReady ? '' : sentenceOf(reason) },
        cells: [String(pid ?? '–'), String(restarts), sizeFigure(usage?.resident_bytes ?? 0)],
        lines: isReady ? [] : lines,
        prints: true,
      };
    }),
  ]);
}

export const jobHeads = ['last run', 'took', 'next'] as const;

export function jobRows(jobs: readonly JobJson[], now: number): readonly ApplicationRow[] {
  return jobs.map(({ job: name, failing, missed, runs, next_at: next, schedule }) => {
    const [last] = runs;
    const ended = runs.find(({ state }) => state !== 'running');
    const missedText = missed === null ? '' : `Not run at ${timeText(Date.parse(missed.last), now)}: ${missed.reason}.`;
    const [tone, word] = stateOf(last?.state, failing !== null);
    return {
      name,
      state: { tone, word, reason: [failing === null ? '' : sentenceOf(failing), missedText].join(' ').trim() },
      cells: [
        last === undefined ? '–' : agoText(Date.parse(last.started_at), now),
        durationFigure(ended?.ms),
        next === null ? (schedule ?? 'by hand') : timeText(Date.parse(next), now),
      ],
      lines: ended?.output ?? [],
      prints: true,
    };
  });
}

function stateOf(last: JobJson['runs'][number]['state'] | undefined, isFailing: boolean): readonly [Tone, string] {
  if (last === 'running') return [isFailing ? 'warn' : 'good', last];
  if (isFailing) return ['bad', 'failing'];
  return last === undefined ? ['idle', 'never run'] : ['good', last];
}

export const dependencyHeads = ['since', 'check', 'needed by', 'address'] as const;

export function dependencyRows(dependencies: readonly DependencyJson[], now: number): readonly ApplicationRow[] {
  return dependencies.map(
    ({ name, state, since, reason, next_step: step, check_ms: checkMs, dependents, address }) => ({
      name,
      state: { tone: tones[state], word: state, reason: step === null ? '' : `${sentenceOf(`it ${reason}`)} ${step}` },
      cells: [elapsedText((now - since) / 1000), durationFigure(checkMs), dependents.join(', ') || '–', address],
      lines: [],
      prints: false,
    }),
  );
}
