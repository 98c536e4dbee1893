import type { JSX } from 'preact';
import { countText } from '../../core/quantity-text.ts';
import type { ShownRequest } from '../model.ts';
import { type ShownOutput, shownOutput } from '../shown-output.ts';
import { clockTextMs } from '../shown-figures.ts';
import { Section, TableFrame } from './parts.tsx';

/** What the application printed about the request, and meanwhile. Nothing for a request that no application of the gateway has seen. */
export function RequestOutput({ record, context }: ShownRequest): JSX.Element | null {
  if (context === null) return null;
  const rows = shownOutput(context);
  if (rows.length === 0 && record.application === null) return null;
  return (
    <Section title="Output of the application">
      {rows.length === 0 ? (
        <p class="quiet">
          Nothing is stored: {record.application} printed no line with the id of this request or of its trace, and its
          instance none while it had the request.
        </p>
      ) : (
        <>
          <p class="quiet">
            {rows.some(({ hasId }) => !hasId)
              ? 'Lines marked “no id” came from the same instance while it had the request; they may be about another one.'
              : 'Lines with the id of this request or of its trace.'}
          </p>
          <OutputTable rows={rows} />
        </>
      )}
    </Section>
  );
}

function OutputTable({ rows }: { readonly rows: readonly ShownOutput[] }): JSX.Element {
  return (
    <TableFrame name="Output of the application">
      <table class="cards output">
        <thead>
          <tr>
            <th scope="col">time</th>
            <th scope="col">of</th>
            <th scope="col">about</th>
            <th scope="col">line</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <OutputRow row={row} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function OutputRow({ row: { line, hasId } }: { readonly row: ShownOutput }): JSX.Element {
  const { at, application, instance, stream, path, text, left_out: leftOut } = line;
  return (
    <tr class={hasId ? 'own' : 'nearby'}>
      <td class="nowrap">
        <time dateTime={at} title={at}>
          {clockTextMs(Date.parse(at))}
        </time>
      </td>
      <td class="nowrap" title={path ?? undefined}>
        {instance ?? application} {stream}
      </td>
      <td class="nowrap">{hasId ? 'this request' : 'no id'}</td>
      <td class="said">
        {leftOut > 0 && <span class="quiet">{countText(leftOut, 'line')} before it came too fast to be stored </span>}
        <code>{text}</code>
      </td>
    </tr>
  );
}
