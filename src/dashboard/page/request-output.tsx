import type { JSX } from 'preact';
import type { ShownRequest } from '../model.ts';
import { shownOutput } from '../shown-figures.ts';
import { OutputTable } from './output-table.tsx';
import { Section } from './parts.tsx';

/** What the application printed about the request, and meanwhile. Nothing for a request that no application of the gateway has seen. */
export function RequestOutput({ record, context }: ShownRequest): JSX.Element | null {
  if (context === null) return null;
  const { ofAttempts: rows, others } = shownOutput(context);
  if (rows.length === 0 && others.length === 0 && record.application === null) return null;
  return (
    <Section title="Output of the application">
      {rows.length === 0 ? (
        record.application !== null && (
          <p class="quiet">
            Nothing is stored: {record.application} printed no line with the id of this request or of its trace at that
            time, and its instance none while it had the request.
          </p>
        )
      ) : (
        <>
          <p class="quiet">
            {rows.some(({ hasId }) => !hasId)
              ? 'Lines marked “meanwhile” have no id: the same instance printed them while it had the request, perhaps for another one.'
              : 'Lines with the id of this request or of its trace.'}
          </p>
          <OutputTable name="Lines of output" rows={rows} />
        </>
      )}
      {others.length > 0 && (
        <>
          <h3>Other lines with an id of this request</h3>
          <p class="quiet">
            They came more than 5 s before it began or after it had ended, or from applications that had no attempt of
            it: every client knows the ids of its requests and can make an application print them.
          </p>
          <OutputTable name="Other lines with an id of this request" rows={others} aboutClass="" />
        </>
      )}
    </Section>
  );
}
