import type { LineListener } from '#explain/byte-log.ts';
import { type Style, styleFor } from '../style.ts';
import type { ProcessContext } from '../process-context.ts';
import type { ExplainLogFlags } from './explain-log-flags.ts';
import { harmlessJson, lineObject, verdictLine } from './line-verdicts.ts';

/** Text that is buffered before it is written: one write per line would be most of the work. */
const heldCharactersMax = 64 * 1024;

/** Prints lines as they are judged: with `--lines`, and while a log is followed. */
export class LinePrinter {
  readonly isWanted: boolean;
  readonly #context: ProcessContext;
  readonly #isJson: boolean;
  readonly #style: Style;
  #held = '';

  constructor(flags: ExplainLogFlags, context: ProcessContext) {
    this.isWanted = flags.lines || (flags.follow && !flags.json);
    this.#context = context;
    this.#isJson = flags.json;
    this.#style = styleFor(context.stdout, context.env);
  }

  /** A listener for the lines of a file. `isAlone`: no other file is read, so that the number is enough. */
  listenerFor(file: string, isAlone: boolean): LineListener {
    if (this.#isJson)
      return (verdict, text, line) => this.#write(`${harmlessJson(lineObject(verdict, text, { file, line }))}\n`);
    return (verdict, _text, line, use) => {
      // A line about a failure that is printed already would look like another failure.
      if (use === 'repeat') return;
      const shown = verdictLine(verdict, isAlone ? String(line) : `${file}:${line}`, this.#style);
      if (shown !== null) this.#write(`${shown}\n`);
    };
  }

  /** Writes the buffered text. Returns a promise if the reader of the output is slower than we are. */
  flush(): Promise<void> | null {
    if (this.#held !== '') this.#context.stdout.write(this.#held);
    this.#held = '';
    return this.#context.stdout.drained?.() ?? null;
  }

  #write(text: string): void {
    this.#held += text;
    if (this.#held.length >= heldCharactersMax) void this.flush();
  }
}
