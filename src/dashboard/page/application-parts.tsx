import type { JSX } from 'preact';
import { durationText } from '#failures/quantity-text.ts';
import type { DependencyJson, JobJson, JobsJson } from '../model.ts';
import type { Tone } from '../overall-state.ts';
import { Elapsed, Mark, Section, Sentence, Since, Time } from './parts.tsx';
import { api, now } from './state.ts';
import { useAnswer } from './use-answer.ts';

const tones: Readonly<Record<DependencyJson['state'], Tone>> = {
  ...{ unknown: 'unknown', up: 'good', degraded: 'warn', down: 'bad' },
};

/** What applications depend on, as the checks of the gateway see it. */
export function Dependencies({ dependencies }: { readonly dependencies: readonly DependencyJson[] }): JSX.Element {
  return (
    <Section title="Dependencies">
      <ul class="problems">
        {dependencies.map(({ name, address, state, reason, next_step: nextStep, since_s: sinceS, dependents }) => (
          <li key={name}>
            <Mark tone={tones[state]} />
            <div>
              <p>
                <strong>{name}</strong> <span class="quiet">{address}</span>{' '}
                {state === 'unknown' ? 'not checked yet' : `${state} for `}
                {state !== 'unknown' && <Elapsed since={now.value - sinceS * 1000} />}
                {dependents.length > 0 && <span class="quiet">, for {dependents.join(', ')}</span>}
              </p>
              {nextStep !== null && (
                <p class="next-step">
                  <Sentence text={`It ${reason}. ${nextStep}`} />
                </p>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** As often as a person expects to see the end of a run. */
const jobsEveryMs = 15_000;

/** Jobs of applications, when each is due, and how its last run ended. Nothing where there are none. */
export function Jobs(): JSX.Element | null {
  const answer = useAnswer(() => api.get<JobsJson>('/v1/jobs'), [], jobsEveryMs);
  if (answer?.kind !== 'ok' || answer.value.jobs.length === 0) return null;
  return (
    <Section title="Jobs">
      <ul class="problems">
        {answer.value.jobs.map((job) => (
          <Job job={job} key={job.job} />
        ))}
      </ul>
    </Section>
  );
}

function Job({ job }: { readonly job: JobJson }): JSX.Element {
  const [last] = job.runs;
  const tone = job.failing !== null ? 'bad' : last === undefined ? 'idle' : last.state === 'failed' ? 'bad' : 'good';
  return (
    <li>
      <Mark tone={tone} />
      <div>
        <p>
          <strong>{job.job}</strong> <span class="quiet">{job.schedule ?? 'by hand'}</span>{' '}
          {last === undefined ? (
            'never run'
          ) : (
            <>
              {last.state === 'running' ? 'runs since' : last.state} <Since at={last.started_at} />
            </>
          )}
          {last?.ms != null && <span class="quiet">, {durationText(last.ms)} long</span>}
          {job.next_at !== null && (
            <span class="quiet">
              , due next <Time at={job.next_at} />
            </span>
          )}
        </p>
        {job.failing !== null && (
          <p class="next-step">
            <Sentence text={`It fails: ${job.failing}. See \`candor jobs ${job.job}\`.`} />
          </p>
        )}
      </div>
    </li>
  );
}
