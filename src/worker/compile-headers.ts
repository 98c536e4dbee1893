import { type HeaderFilter, headerFilter } from '../core/header-names.ts';
import type { HeaderEdits, ResponseHeaderEdits } from '../core/route-spec.ts';
import { compileTemplate } from '../core/template.ts';
import { ownResponseHeaders } from '../exchange/forward.ts';
import type { CompiledLine, HeaderChange, ResponseHeaderChange } from '../exchange/ports.ts';
import type { RequestedHeaders } from '../features/worker-feature.ts';

export function isEmpty({ remove, set, add }: HeaderEdits): boolean {
  return remove.length === 0 && set.length === 0 && add.length === 0;
}

export function headerChange(edits: HeaderEdits, own: HeaderFilter): HeaderChange {
  const names = [...edits.remove, ...edits.set.map(([name]) => name)];
  return { drop: names.length === 0 ? own : headerFilter(names, own), lines: compiled([...edits.set, ...edits.add]) };
}

function compiled(lines: HeaderEdits['set']): readonly CompiledLine[] {
  return lines.map(([name, value]) => [name, compileTemplate(value)]);
}

const responseUnedited: ResponseHeaderChange = { drop: ownResponseHeaders, lines: [], ifAbsent: [], ofRequest: null };

/** Most routes have the same edits, those of the file: a snapshot has them once. */
const known = new WeakMap<ResponseHeaderEdits, ResponseHeaderChange>();

export function responseChange(
  edits: ResponseHeaderEdits,
  removed: readonly string[],
  requested: RequestedHeaders | null,
): ResponseHeaderChange {
  const change = known.get(edits) ?? compiledResponse(edits);
  known.set(edits, change);
  if (requested === null && removed.length === 0) return change;
  const isWritten = ([name, value]: CompiledLine): boolean =>
    typeof value === 'string' && name.toLowerCase() === 'vary' && value.toLowerCase() === requested?.vary;
  return {
    ...{ ...change, lines: change.lines.filter((line) => !isWritten(line)) },
    drop: headerFilter([...removed, ...(requested?.names ?? [])], change.drop),
    ofRequest: requested?.write ?? null,
  };
}

function compiledResponse(edits: ResponseHeaderEdits): ResponseHeaderChange {
  const { ifAbsent = [] } = edits;
  if (isEmpty(edits) && ifAbsent.length === 0) return responseUnedited;
  return { ...headerChange(edits, ownResponseHeaders), ifAbsent: compiled(ifAbsent), ofRequest: null };
}
