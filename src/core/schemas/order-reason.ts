import * as z from 'zod';

/** What a terminal would interpret, and what would end the line or turn its direction. */
const control = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Why an operator wants something, in one line. */
export const reasonSchema = (charactersMax: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(charactersMax)
    .refine((text) => !control.test(text), { error: ({ input }) => controlText(String(input)) });

function controlText(text: string): string {
  const code = control.exec(text.trim())?.[0].codePointAt(0) ?? 0;
  return `it has the control character U+${code.toString(16).toUpperCase().padStart(4, '0')}, and must be one line without any`;
}
