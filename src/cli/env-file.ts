/** A line of a .env file that was not read, or not as its author may mean. */
interface EnvRemark {
  /** The first is 1. */
  readonly line: number;
  /** A sentence without its end; it has no value, and no text of a line that could not be read. */
  readonly what: string;
}

interface EnvFile {
  readonly values: ReadonlyMap<string, string>;
  /** Were not read. */
  readonly refused: readonly EnvRemark[];
  /** Were read. */
  readonly remarks: readonly EnvRemark[];
}

const assignment = /^[ \t]*(?:export[ \t]+)?([^\s=#'"`]+)[ \t]*=[ \t]*/;
const name = /^[A-Za-z_][\w.-]*$/;
const reference = /(?<!\\)\$(?:\{\w+|[A-Za-z_]\w*)/;

/**
 * Reads the syntax that shells, dotenv and Docker have in common: `NAME=value`, `export`, comments, and values in quotes, which may have several lines. Of
 * two lines with the same name the last one counts. Nothing is filled in for `$NAME`.
 */
export function readEnvFile(text: string): EnvFile {
  return new EnvReader(text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n')).read();
}

class EnvReader {
  readonly #text: string;
  #at = 0;
  #line = 1;
  readonly #values = new Map<string, string>();
  readonly #refused: EnvRemark[] = [];
  readonly #remarks: EnvRemark[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): EnvFile {
    while (this.#at < this.#text.length) this.#readLine();
    return { values: this.#values, refused: this.#refused, remarks: this.#remarks };
  }

  #readLine(): void {
    const first = this.#line;
    const line = this.#rest();
    if (/^[ \t]*(?:#|$)/.test(line)) return this.#goOn(line.length);
    const found = assignment.exec(line);
    if (found === null) {
      this.#refuse(first, line.includes('=') ? 'it has no name before the `=`' : 'it has no `=`');
      return this.#goOn(line.length);
    }
    const [whole, written = ''] = found;
    this.#at += whole.length;
    const begins = this.#at;
    const quote = this.#text[this.#at] ?? '';
    const value = ['"', "'", '`'].includes(quote) ? this.#quoted(quote, first) : this.#bare();
    if (value === null) return;
    if (!name.test(written)) return this.#refuse(first, 'its name has other characters than letters, digits and ._-');
    if (value === '') return this.#refuse(first, `${written} is empty`);
    if (this.#values.has(written)) this.#remark(first, `${written} is there again: this line counts`);
    if (quote !== "'" && reference.test(this.#text.slice(begins, this.#at)))
      this.#remark(first, `${written} names a variable by $, which is kept as it is written`);
    this.#values.set(written, value);
  }

  #bare(): string {
    const line = this.#rest();
    this.#goOn(line.length);
    return line.replace(/(?:^|[ \t])#.*$/, '').trim();
  }

  /** Null: it was refused. */
  #quoted(quote: string, first: number): string | null {
    const end = this.#endOf(quote);
    if (end === -1) {
      this.#refuse(first, 'its quote is not closed');
      this.#goOn(this.#rest().length);
      return null;
    }
    const raw = this.#text.slice(this.#at + 1, end);
    this.#line += raw.split('\n').length - 1;
    this.#at = end + 1;
    const behind = this.#rest();
    this.#goOn(behind.length);
    if (!/^[ \t]*(?:#|$)/.test(behind)) {
      this.#refuse(first, 'there is text behind the closing quote');
      return null;
    }
    return quote === '"' ? raw.replaceAll(/\\([nrt"\\$`])/g, (_, letter: string) => escapes[letter] ?? letter) : raw;
  }

  #endOf(quote: string): number {
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      if (quote === '"' && this.#text[at] === '\\') at += 1;
      else if (this.#text[at] === quote) return at;
    }
    return -1;
  }

  #rest(): string {
    const end = this.#text.indexOf('\n', this.#at);
    return this.#text.slice(this.#at, end === -1 ? undefined : end);
  }

  /** Past so many characters and the end of the line. */
  #goOn(characters: number): void {
    this.#at += characters + 1;
    this.#line += 1;
  }

  #refuse(line: number, what: string): void {
    this.#refused.push({ line, what });
  }

  #remark(line: number, what: string): void {
    this.#remarks.push({ line, what });
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
