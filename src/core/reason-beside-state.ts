/** A reason that stands behind the word of its state: 'starting: nothing listens yet' without its first word, since that is said already. */
export function reasonBesideState(state: string, reason: string): string {
  const prefix = `${state.replaceAll('_', ' ')}: `;
  return reason.startsWith(prefix) ? reason.slice(prefix.length) : reason;
}
