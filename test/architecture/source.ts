/** A source file with what is no code blanked out; positions and lines stay as they were. */
export interface Source {
  /** From the repository's root: 'src/core/time.ts'. */
  readonly path: string;
  /** Comments blanked. */
  readonly code: string;
  /** Comments, and the insides of strings and patterns, blanked. */
  readonly bare: string;
}

export function readSource(path: string, text: string): Source {
  const code = text.split('');
  const bare = text.split('');
  for (const { kind, start, end } of scan(text)) {
    if (kind === 'comment') blank(code, start, end);
    blank(bare, start, end);
  }
  return { path, code: code.join(''), bare: bare.join('') };
}

/** 1 for the first line. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function blank(bytes: string[], start: number, end: number): void {
  for (let at = start; at < end; at++) if (bytes[at] !== '\n') bytes[at] = ' ';
}

interface Span {
  readonly kind: 'comment' | 'string';
  readonly start: number;
  readonly end: number;
}

/** Comments, strings, the text of templates, and patterns, in order. Enough of a lexer for source that compiles. */
function* scan(text: string): Generator<Span> {
  /** For each open template expression, how many braces are open within it. */
  const templates: number[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at] as string;
    const pair = text.slice(at, at + 2);
    let end = at + 1;
    if (pair === '//') yield { kind: 'comment', start: at, end: (end = endOf(text, '\n', at)) };
    else if (pair === '/*') yield { kind: 'comment', start: at, end: (end = endOf(text, '*/', at + 2) + 2) };
    else if (char === "'" || char === '"')
      yield { kind: 'string', start: at + 1, end: (end = endOfQuoted(text, at + 1, char)) - 1 };
    else if (char === '/' && beginsPattern(text, at))
      yield { kind: 'string', start: at + 1, end: (end = endOfPattern(text, at + 1)) - 1 };
    else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop();
      end = endOfTemplateText(text, at + 1);
      yield { kind: 'string', start: at + 1, end: end - 1 };
      if (text[end - 1] === '{') templates.push(0);
    } else if (templates.length > 0 && (char === '{' || char === '}')) {
      templates.push((templates.pop() as number) + (char === '{' ? 1 : -1));
    }
    at = end;
  }
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found;
}

function endOfQuoted(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote) at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** After the closing '`', or after the '${' that opens an expression. */
function endOfTemplateText(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    if (text[at] === '`') return at + 1;
    if (text[at] === '$' && text[at + 1] === '{') return at + 2;
    at += text[at] === '\\' ? 2 : 1;
  }
  return at;
}

function endOfPattern(text: string, from: number): number {
  let inClass = false;
  let at = from;
  while (at < text.length && (inClass || text[at] !== '/')) {
    if (text[at] === '\\') at++;
    else if (text[at] === '[') inClass = true;
    else if (text[at] === ']') inClass = false;
    at++;
  }
  return at + 1;
}

/** Whether a slash begins a pattern: where a value may stand, none can be divided. */
function beginsPattern(text: string, at: number): boolean {
  // Of an element in a `.tsx` file: `</p>`, `<br />`.
  if (text[at - 1] === '<' || text[at + 1] === '>') return false;
  const before = text.slice(Math.max(0, at - 12), at).trimEnd();
  return before === '' || /[([{,;=:?!&|+\-*%<>~^}]$/.test(before) || /\b(return|typeof|case|yield|in|of)$/.test(before);
}
