/**
 * What people write for true, false and nothing. YAML 1.2 reads `yes`, `no`, `on` and `off` as text, so that each would be
 * taken for a message, a path or a name.
 */
const switchWord = /^(?:y|yes|n|no|on|off|true|false|enabled?|disabled?|null|none|~)$/i;

export function isSwitchWord(written: string): boolean {
  return switchWord.test(written);
}
