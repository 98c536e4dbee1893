import { isInAttempts, outputGroups } from '../core/output-groups.ts';
import type { OutputLineJson, RequestContextJson } from '../core/schemas/output.ts';

/** A line of an application as the page of a request shows it. */
export interface ShownOutput {
  readonly line: OutputLineJson;
  /** False: perhaps it is about another request. */
  readonly hasId: boolean;
  /** 'this request', 'its trace' or 'meanwhile'; of another line when it came. */
  readonly about: string;
}

/** Each in the order of `outputGroups`, which `candor explain` prints too. */
export interface ShownOutputs {
  readonly ofAttempts: readonly ShownOutput[];
  /** Lines with an id of the request that were printed long before or after it, or by applications that had no attempt of it. */
  readonly others: readonly ShownOutput[];
}

export function shownOutput(context: RequestContextJson): ShownOutputs {
  const shown = outputGroups(context).flatMap(({ lines, about, relation }) =>
    lines.map(({ line, note }) => ({
      isInAttempts: isInAttempts(relation),
      output: {
        line,
        hasId: relation !== 'nearby',
        about: [note, about].filter((text) => text !== null).join('; '),
      },
    })),
  );
  const rows = (wanted: boolean): readonly ShownOutput[] =>
    shown.filter((one) => one.isInAttempts === wanted).map(({ output }) => output);
  return { ofAttempts: rows(true), others: rows(false) };
}
