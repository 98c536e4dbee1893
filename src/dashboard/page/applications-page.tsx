import type { JSX } from 'preact';
import {
  type ApplicationRow,
  dependencyHeads,
  dependencyRows,
  jobHeads,
  jobRows,
  programHeads,
  programRows,
} from '../application-rows.ts';
import type { JobsJson } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { Answered, Section, Sentence, StateText, TableFrame } from './parts.tsx';
import { api, now, status } from './state.ts';
import { useAnswer } from './use-answer.ts';

/** Programs of applications, their jobs, and what they depend on. */
export function ApplicationsPage(): JSX.Element {
  const jobs = useAnswer(() => api.get<JobsJson>('/v1/jobs'), [], 5000);
  const { applications = [], dependencies = [] } = status.value ?? {};
  return (
    <>
      <h1>Applications</h1>
      <Rows title="Instances and workers" heads={programHeads} rows={programRows(applications)} />
      <Answered answer={jobs}>
        {(answer) => <Rows title="Jobs" heads={jobHeads} rows={jobRows(answer.jobs, now.value)} />}
      </Answered>
      <Rows title="Dependencies" heads={dependencyHeads} rows={dependencyRows(dependencies, now.value)} />
    </>
  );
}

function Rows({
  title,
  heads,
  rows,
}: {
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly ApplicationRow[];
}): JSX.Element {
  return (
    <Section title={title}>
      {rows.length === 0 ? (
        <p class="quiet">None in candor.yaml.</p>
      ) : (
        <TableFrame name={`Table: ${title}`}>
          <table class="cards">
            <thead>
              <tr>
                {['name', 'state', ...heads].map((head) => (
                  <th scope="col" key={head}>
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            {rows.map(({ name, state, cells, lines, prints }) => (
              <tbody class="endpoint" key={name}>
                <tr>
                  <th scope="row">{prints ? <a href={addressHash('applications', name)}>{name}</a> : name}</th>
                  <td>
                    <StateText state={state} />
                  </td>
                  {heads.map((head, at) => (
                    <td data-name={head} key={head}>
                      {cells[at]}
                    </td>
                  ))}
                </tr>
                {(state.reason !== '' || lines.length > 0) && (
                  <tr class="more">
                    <td colSpan={heads.length + 2}>
                      <p class="reason">
                        <Sentence text={state.reason} />
                      </p>
                      {lines.length > 0 && (
                        <details>
                          <summary>What {name} has printed last</summary>
                          <pre tabIndex={0} aria-label={`Output of ${name}`}>
                            {lines.join('\n')}
                          </pre>
                        </details>
                      )}
                    </td>
                  </tr>
                )}
              </tbody>
            ))}
          </table>
        </TableFrame>
      )}
    </Section>
  );
}
