import type { JSX } from 'preact';
import type { OutputPageJson } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { OutputTable } from './output-table.tsx';
import { Answered } from './parts.tsx';
import { api } from './state.ts';
import { useAnswer } from './use-answer.ts';

const linesMax = 200;

/** What an instance, a worker or a job has printed last. `id`: 'shop/1', 'shop.mail/1', 'shop.report'. */
export function OutputPage({ id }: { readonly id: string }): JSX.Element {
  const asked = new URLSearchParams({ query: `kind:output instance:${id}`, limit: String(linesMax) });
  const output = useAnswer(() => api.get<OutputPageJson>(`/v1/output?${asked.toString()}`), [id], 5000);
  return (
    <>
      <p>
        <a href={addressHash('applications')}>All applications</a>
      </p>
      <h1>Output of {id}</h1>
      <Answered answer={output}>
        {({ lines }) =>
          lines.length === 0 ? (
            <p class="quiet">Nothing that it has printed is stored.</p>
          ) : (
            <OutputTable
              name={`Output of ${id}, the newest first`}
              rows={lines.map((line) => ({ line, hasId: true, about: '' }))}
            />
          )
        }
      </Answered>
    </>
  );
}
