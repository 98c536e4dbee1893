import { afterEndText, type ContextLineJson } from '../core/context-line.ts';
import type { OutputLineJson } from '../core/output-line.ts';
import type { RequestContextJson } from '../core/request-context.ts';

/** A line of an application as the page of a request shows it. */
export interface ShownOutput {
  readonly line: OutputLineJson;
  readonly hasId: boolean;
  /** 'this request', 'its trace' or 'no id'; of another line also when it came. */
  readonly about: string;
}

/** Each list in the order in which the lines were printed. */
export interface ShownOutputs {
  readonly ofAttempts: readonly ShownOutput[];
  /** Lines with an id of the request that were printed long before or after it, or by applications that had no attempt of it. */
  readonly others: readonly ShownOutput[];
}

export function shownOutput({ lines, nearby }: RequestContextJson): ShownOutputs {
  const own = lines.filter(({ relation }) => relation === 'attempt');
  const withId = own.map((line) => ({ line, hasId: true, about: idText(line) }));
  const withoutId = nearby.map((line) => ({ line, hasId: false, about: 'no id' }));
  return {
    ofAttempts: [...withId, ...withoutId].toSorted((a, b) => Date.parse(a.line.at) - Date.parse(b.line.at)),
    others: lines
      .filter(({ relation }) => relation !== 'attempt')
      .map((line) => ({ line, hasId: true, about: otherText(line) })),
  };
}

const idText = ({ has }: ContextLineJson): string => (has === 'request_id' ? 'this request' : 'its trace');

function otherText(line: ContextLineJson): string {
  const of = line.relation === 'no_attempt' ? '; its application had no attempt' : '';
  return `${idText(line)}, ${afterEndText(line.after_end_ms)}${of}`;
}
