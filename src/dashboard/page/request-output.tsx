import { type LeftOutReason, leftOutTexts } from '../../core/output-line.ts';
import type { JSX } from 'preact';
import { countText } from '#failures/quantity-text.ts';
import type { ShownRequest } from '../model.ts';
import { type ShownOutput, shownOutput } from '../shown-output.ts';
import { clockTextMs } from '../shown-figures.ts';
import { Section, TableFrame } from './parts.tsx';

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

interface ShownTable {
  readonly name: string;
  readonly rows: readonly ShownOutput[];
  readonly aboutClass?: string;
}

interface ShownRow {
  readonly row: ShownOutput;
  readonly aboutClass: string;
}

function OutputTable({ name, rows, aboutClass = 'nowrap' }: ShownTable): JSX.Element {
  return (
    <TableFrame name={name}>
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
            <OutputRow row={row} aboutClass={aboutClass} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function OutputRow({ row: { line, hasId, about }, aboutClass }: ShownRow): JSX.Element {
  const { at, application, instance, stream, path, text, left_out: leftOut, left_out_why: why } = line;
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
      <td class={aboutClass}>{about}</td>
      <td class="said">
        {leftOut > 0 && <span class="quiet">{leftOutText(leftOut, why ?? 'too_fast')} </span>}
        <code>{text}</code>
      </td>
    </tr>
  );
}

function leftOutText(leftOut: number, why: LeftOutReason): string {
  return `${countText(leftOut, 'line')} before this one ${leftOut === 1 ? 'was' : 'were'} ${leftOutTexts[why]}`;
}
