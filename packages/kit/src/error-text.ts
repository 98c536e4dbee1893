/** One line of what was thrown, whatever that is. Node rejects with an error without a message where each of several addresses refused. */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(errorText).join('; ');
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  try {
    return String(error);
  } catch {
    return 'an object without a text';
  }
}
