export const apiKeysName = 'api_keys';

export interface ApiKeysSpec {
  /** What stands in the file of keys. */
  readonly keysText: string;
  /** The header that has the key, lowercase; null: Authorization, after Bearer. */
  readonly header: string | null;
  readonly passesCredentials: boolean;
}
