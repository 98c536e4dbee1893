import { headerValue } from '../core/template.ts';
import type { HeaderSink } from '../core/message.ts';
import type { VariableSource } from '../core/variables.ts';
import type { CompiledLine, ResponseHeaderChange } from './ports.ts';

/** Writes lines of a route. One whose variables have no value is left out. */
export function writeLines(
  sink: Pick<HeaderSink, 'header'>,
  lines: readonly CompiledLine[],
  source: VariableSource,
): void {
  for (const [name, value] of lines) {
    const text = headerValue(value, source);
    if (text !== '' || value === '') sink.header(name, text);
  }
}

/** Of the gateway's own answers: what they are, and what they promise, depends on no setting. */
const always: readonly string[] = ['content-type', 'proxy-status', 'x-request-id', 'date'];

/**
 * The headers that a route adds to an answer of the gateway, which has written `own`. A header that it has written itself stays alone, but for Vary, whose
 * lines add up.
 */
export function writeBesideOwn(
  sink: Pick<HeaderSink, 'header'>,
  { lines, ifAbsent, ofRequest }: ResponseHeaderChange,
  own: readonly (readonly [name: string, value: string])[],
  source: VariableSource,
): void {
  const written = new Set([...always, ...own.map(([name]) => name.toLowerCase())]);
  written.delete('vary');
  const beside = {
    header(name: string, value: string): void {
      if (!written.has(name.toLowerCase())) sink.header(name, value);
    },
  };
  writeLines(beside, lines, source);
  writeLines(beside, ifAbsent, source);
  ofRequest?.(source, sink);
}
