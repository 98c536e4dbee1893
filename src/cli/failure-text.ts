import type { CommandFailure } from './surroundings.ts';

/** A failure that a command foresaw: its sentence. */
export function failureText(failure: CommandFailure): string {
  return failure.message;
}

/** One that nobody foresaw: a sentence and how to report it; the stack only for those who ask for it. */
export function defectText(error: unknown, env: Readonly<Record<string, string | undefined>> = process.env): string {
  const message = error instanceof Error ? error.message : String(error);
  const head = `Candor made a mistake: ${message.split('\n', 1)[0]}`;
  if (env['CANDOR_DEBUG'] === '1' && error instanceof Error) return `${head}\n${error.stack ?? ''}`;
  return `${head}\nThis is a defect. Please report it with what CANDOR_DEBUG=1 prints for the same command.`;
}
