/** Shorter values are words of other texts as well. */
const charactersMin = 8;
/** Of a value that is cut off at the end of a line; fewer tell nothing. */
const beginningMin = 4;
/** What a line that was cut ends with (`output-lines.ts`). */
const cutEnd = / … \(\d+ more bytes\)$/;

const maskedText = '***';

/** Replaces values of secrets in lines that a program prints, in the forms in which programs print them. */
export class SecretMask {
  readonly #forms: readonly string[];
  readonly #pattern: RegExp | null;

  constructor(values: Iterable<string>) {
    const forms = new Set([...values].flatMap(formsOf).filter((form) => form.length >= charactersMin));
    // The longest first: a value may be a part of another one.
    this.#forms = [...forms].sort((a, b) => b.length - a.length);
    this.#pattern = this.#forms.length === 0 ? null : new RegExp(this.#forms.map(literal).join('|'), 'gu');
  }

  mask(line: string): string {
    if (this.#pattern === null) return line;
    const end = cutEnd.exec(line);
    // First the beginning: what is a value of its own within it is no longer it then.
    const text = end === null ? line : this.#withoutBeginning(line.slice(0, end.index)) + end[0];
    return text.replace(this.#pattern, maskedText);
  }

  /** Of what ends with the beginning of a value, that is left out. */
  #withoutBeginning(text: string): string {
    for (const form of this.#forms)
      for (let length = Math.min(form.length - 1, text.length); length >= beginningMin; length--)
        if (text.endsWith(form.slice(0, length))) return text.slice(0, -length) + maskedText;
    return text;
  }
}

/** The value itself and its lines; in JSON, in a URL and in base64; of a URL its password too. */
function formsOf(value: string): readonly string[] {
  const whole = [value.trim(), ...passwordsOf(value)];
  // The first and last line of a key say what it is, and are no secret.
  const lines = value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('-----'));
  return [...whole, ...(value.includes('\n') ? lines : [])].flatMap((text) => [
    text,
    JSON.stringify(text).slice(1, -1),
    ...encoded(text),
    ...base64Of(text).flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]),
  ]);
}

function passwordsOf(value: string): readonly string[] {
  const password = URL.parse(value.trim())?.password ?? '';
  if (password === '') return [];
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

/** As a pattern. */
function literal(text: string): string {
  return text.replaceAll(/[$()*+./?[\\\]^{|}]/g, '\\$&');
}

/** As JavaScript, RFC 3986 and forms write it. */
function encoded(text: string): readonly string[] {
  // Of half a surrogate pair there is no encoding; values have none.
  if (!text.isWellFormed()) return [];
  const form = new URLSearchParams({ '': text }).toString().slice(1);
  return [encodeURIComponent(text), form.replaceAll('+', '%20').replaceAll('*', '%2A'), form];
}

/** Alone, and where it stands in a longer text, as after the user in Basic authentication: what the bytes around it do not change. */
function base64Of(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].flatMap((before) => {
    const from = Math.ceil((before * 8) / 6);
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(from);
    // Where more follows, the last character is another one.
    return [padded, padded.replace(/=+$/, ''), padded.slice(0, Math.floor(((before + bytes.length) * 8) / 6) - from)];
  });
}
