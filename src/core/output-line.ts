import type { OutputLineJson } from './schemas/output.ts';
/** `file`: a log of the application that Candor reads. */
type OutputSourceStream = 'stdout' | 'stderr' | 'file';

/** What `candor logs` and `candor explain` print for a stream, where the status of a request stands. */
export const streamWords: Readonly<Record<OutputSourceStream, string>> = { stdout: 'out', stderr: 'err', file: 'log' };

/** Where a line came from. */
export interface OutputSource {
  readonly application: string;
  /** The id of the instance; null for a file, which all instances may write. */
  readonly instance: string | null;
  /** The process that leads the instance; null for a file. */
  readonly pid: number | null;
  readonly stream: OutputSourceStream;
  /** Of a file. */
  readonly path: string | null;
}

/** A line of an application's output, as the store gets it: without secrets and control characters. */
export interface OutputLine {
  /** When Candor read it: milliseconds since 1970. */
  readonly at: number;
  readonly source: OutputSource;
  readonly text: string;
  /** Lines of the application that came before this one and were not stored. */
  readonly leftOut: number;
  /** Why those were not stored; absent: they came too fast. A line has one reason. */
  readonly leftOutWhy?: 'store_failed';
}

/** Why lines were not stored. */
export type LeftOutReason = 'too_fast' | 'store_failed';

/** What people read of lines that were left out, after their number. */
export const leftOutTexts: Readonly<Record<LeftOutReason, string>> = {
  too_fast: 'left out of the store: printed too fast',
  store_failed: 'lost: the store failed',
};

export function outputLineJson({ at, source, text, leftOut, leftOutWhy }: OutputLine): OutputLineJson {
  const { application, instance, pid, stream, path } = source;
  const time = new Date(at).toISOString();
  const why = leftOut === 0 ? null : (leftOutWhy ?? 'too_fast');
  return {
    ...{ kind: 'output', at: time, application, instance, pid, stream, path, text },
    ...{ left_out: leftOut, left_out_why: why },
  };
}
