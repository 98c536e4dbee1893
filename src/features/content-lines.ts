/** Lines of a file that say something, without spaces at their ends: none that is empty, and no comment, which begins with "#". */
export function contentLines(text: string): readonly { readonly line: number; readonly content: string }[] {
  return text
    .split('\n')
    .map((written, index) => ({ line: index + 1, content: written.trim() }))
    .filter(({ content }) => content !== '' && !content.startsWith('#'));
}

/** What is wrong with a line of a file: a clause, and what to do. Nothing of the line is repeated, which may be a secret. */
export interface LineFlaw {
  readonly line: number;
  readonly message: string;
  readonly suggestion: string | null;
}
