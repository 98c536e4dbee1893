import type { LineVerdict } from '../../diagnose/log-explainer.ts';
import { type Style, styleFor } from '../style.ts';
import type { ProcessContext } from '../process-context.ts';
import type { ExplainLogFlags } from './explain-log-flags.ts';
import { harmlessJson, lineObject, verdictLine } from './line-verdicts.ts';

/** Text that is buffered before it is written: one write per line would be most of the work. */
const heldCharactersMax = 64 * 1024;

/** Prints lines as they are judged: with `--lines`, and while a log is followed. */
export class LinePrinter {
  readonly isWanted: boolean;
  readonly print: (verdict: LineVerdict, text: string, number: number) => void;
  readonly #context: ProcessContext;
  #held = '';

  constructor(flags: ExplainLogFlags, context: ProcessContext) {
    this.isWanted = flags.lines || (flags.follow && !flags.json);
    this.#context = context;
    const style = styleFor(context.stdout, context.env);
    this.print = flags.json
      ? (verdict, text, number) => this.#write(`${harmlessJson(lineObject(verdict, text, number))}\n`)
      : (verdict, _text, number) => this.#printVerdict(verdict, number, style);
  }

  /** Writes the buffered text. Returns a promise if the reader of the output is slower than we are. */
  flush(): Promise<void> | null {
    if (this.#held !== '') this.#context.stdout.write(this.#held);
    this.#held = '';
    return this.#context.stdout.drained?.() ?? null;
  }

  #printVerdict(verdict: LineVerdict, number: number, style: Style): void {
    const line = verdictLine(verdict, number, style);
    if (line !== null) this.#write(`${line}\n`);
  }

  #write(text: string): void {
    this.#held += text;
    if (this.#held.length >= heldCharactersMax) void this.flush();
  }
}
