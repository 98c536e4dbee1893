/** What may be the name and the value of a secret. */
import { refuseSecrets } from './secret-refusal.ts';

export const secretLimits = { count: 1000, valueBytes: 64 * 1024, fileBytes: 8 * 1024 ** 2, nameCharacters: 128 };

/** Why a name is none; null: it is one. */
export function secretNameProblem(name: string): string | null {
  // Objects of JavaScript lose it on the way.
  if (name === '__proto__') return '__proto__ cannot be one';
  if (/^[A-Za-z_][\w.-]*$/.test(name) && name.length <= secretLimits.nameCharacters) return null;
  return `a name has at most ${secretLimits.nameCharacters} letters, digits and ._-, and begins with a letter or _`;
}

/** Why a value cannot be kept; null: it can. The sentence has no value. */
export function secretValueProblem(value: string): string | null {
  if (value === '') return 'the value is empty';
  if (value.includes('\0')) return 'the value has a zero byte, which no variable can hold: encode it, in base64 say';
  if (value.includes('\ufffd')) return 'the value is no UTF-8 text: encode it, in base64 say';
  const bytes = Buffer.byteLength(value);
  return bytes <= secretLimits.valueBytes ? null : `the value has ${bytes} bytes; at most ${secretLimits.valueBytes}`;
}

/** No program would ever get the secret of what no configuration can name. */
export function checkSecretOwner(application: string | null): void {
  if (application === null || /^[A-Za-z0-9][\w.-]{0,62}$/.test(application)) return;
  refuseSecrets('invalid', 'The name of the application is none.', 'Nothing was changed.');
}

export function checkSecretValues(values: ReadonlyMap<string, string>): void {
  for (const [name, value] of values) {
    const wrongName = secretNameProblem(name);
    if (wrongName !== null)
      // A value in its place is not repeated.
      refuseSecrets('invalid', `A name of a secret is none: ${wrongName}.`, 'Nothing was changed.');
    const wrongValue = secretValueProblem(value);
    if (wrongValue !== null)
      refuseSecrets('invalid', `The secret ${name} is not kept: ${wrongValue}.`, 'Nothing was changed.');
  }
}
