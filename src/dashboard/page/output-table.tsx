import type { JSX } from 'preact';
import { countText } from '#failures/quantity-text.ts';
import { type LeftOutReason, leftOutTexts } from '../../core/output-line.ts';
import { type ShownOutput, clockTextMs } from '../shown-figures.ts';
import { TableFrame } from './parts.tsx';

interface ShownTable {
  readonly name: string;
  readonly rows: readonly ShownOutput[];
  readonly aboutClass?: string;
}

interface ShownRow {
  readonly row: ShownOutput;
  /** Null: no line of the table is about anything. */
  readonly aboutClass: string | null;
}

/** Lines that programs have printed. */
export function OutputTable({ name, rows, aboutClass = 'nowrap' }: ShownTable): JSX.Element {
  const hasAbout = rows.some(({ about }) => about !== '');
  return (
    <TableFrame name={name}>
      <table class="cards output">
        <thead>
          <tr>
            <th scope="col">time</th>
            <th scope="col">of</th>
            {hasAbout && <th scope="col">about</th>}
            <th scope="col">line</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <OutputRow row={row} aboutClass={hasAbout ? aboutClass : null} />
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
      {aboutClass !== null && <td class={aboutClass}>{about}</td>}
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
